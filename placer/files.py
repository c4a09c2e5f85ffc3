"""Reading and writing files so that a user learns what is wrong and nothing is left half-written."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from placer.errors import InputError
from placer.parse import parse_mapping
from placer.validate import validated

__all__ = ["is_existing", "open_binary", "parse_mapping", "read_mapping", "read_text", "validated", "write_atomic"]

_LARGEST_FILE_BYTES = 512 * 2**20


@contextmanager
def open_binary(path: Path) -> Iterator[BinaryIO]:
    """Open a file or pipe for reading bytes; what goes wrong while it is read is told as well.

    Raises
    ------
    InputError
        If it is absent, a directory or device, or unreadable.
    """
    where = str(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError("is a directory, expected a file", where=where)
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise InputError("is a device or socket, expected a file", where=where)
        with path.open("rb") as stream:
            yield stream
    except FileNotFoundError as error:
        raise InputError("no such file", where=where) from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=where) from error


def read_text(path: Path) -> str:
    """Return the text of a file or pipe.

    Raises
    ------
    InputError
        If it is absent, a directory, unreadable, larger than 512 MiB, or no UTF-8 text.
    """
    where = str(path)
    with open_binary(path) as stream:
        content = stream.read(_LARGEST_FILE_BYTES + 1)
    if len(content) > _LARGEST_FILE_BYTES:
        raise InputError("is larger than 512 MiB", where=where)
    return _decoded(content, where)


def _decoded(content: bytes, where: str) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("is no UTF-8 text (a binary file?)", where=where) from error
    if "\x00" in text:
        raise InputError("is a binary file, expected text", where=where)
    return text


def read_mapping(path: Path, *, allow_infinity: bool = False) -> dict[str, Any]:
    """Read a YAML or JSON file whose top level is a mapping; see `read_text` and `parse_mapping`."""
    return parse_mapping(read_text(path), str(path), allow_infinity=allow_infinity)


def is_existing(path: Path) -> bool:
    """Return whether something lies at a path; a name that cannot be a path does not exist."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file whole, text as UTF-8, or not at all: a temporary file beside it, flushed, then renamed.

    A symbolic link is followed. A pipe or device, such as ``/dev/stdout``, is written to as it stands.

    Raises
    ------
    InputError
        If the folder does not exist or cannot be written.
    """
    try:
        if path.is_dir():
            raise InputError("is a directory, expected a file to write", where=str(path))
        if path.exists() and not path.is_file():
            with path.open("wb") as stream:
                stream.write(_encoded(content))
        else:
            _replace(path.resolve(), _encoded(content))
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "a loop of symbolic links"
        raise InputError(f"cannot be written: {reason}", where=str(path)) from error


def _encoded(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode()


def _replace(target: Path, content: bytes) -> None:
    # Opened with the usual mode, unlike mkstemp, so that the file is as readable as any other of the user's.
    temporary = target.with_name(f".placer-{secrets.token_hex(8)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
