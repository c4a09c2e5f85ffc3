"""An open trace: read once, from front to back, so that pipes and files larger than memory work."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from placer.errors import InputError
from placer.files import open_binary

_HEAD_BYTES = 64 * 2**10
_LONGEST_LINE_BYTES = 16 * 2**20
_LARGEST_DOCUMENT_BYTES = 512 * 2**20
_NO_TEXT = "is no UTF-8 text (a binary file?)"


class TraceSource:
    """A trace whose head was read to tell its format; `lines` or `text` give all of it, once.

    Parameters
    ----------
    stream
        The file, opened for reading bytes.
    where
        Its name, for messages.

    Raises
    ------
    InputError
        If it is empty or its head is no text.
    """

    def __init__(self, stream: BinaryIO, where: str) -> None:
        self.where = where
        self._rest = stream
        self._start = stream.read(_HEAD_BYTES)
        if self._start and not self._start.endswith(b"\n"):
            self._start += stream.readline(_LONGEST_LINE_BYTES)
        self.head = self._decoded_head()

    def _decoded_head(self) -> str:
        try:
            # Incremental, since the head may end in the middle of a letter.
            head = codecs.getincrementaldecoder("utf-8-sig")().decode(self._start)
        except UnicodeDecodeError as error:
            raise InputError(_NO_TEXT, where=self.where) from error
        if "\x00" in head:
            raise InputError("is a binary file, expected text", where=self.where)
        if not head.strip():
            raise InputError("is empty", where=self.where)
        return head

    def lines(self) -> Iterator[str]:
        """Yield the lines, each with its line break.

        Raises
        ------
        InputError
            For a line longer than 16 MiB, or one that is no UTF-8.
        """
        encoding = "utf-8-sig"
        pieces = chain(io.BytesIO(self._start), iter(partial(self._rest.readline, _LONGEST_LINE_BYTES), b""))
        for number, piece in enumerate(pieces, start=1):
            if len(piece) >= _LONGEST_LINE_BYTES:
                raise InputError("is longer than 16 MiB", where=f"{self.where}: line {number}")
            try:
                yield piece.decode(encoding)
            except UnicodeDecodeError as error:
                raise InputError(_NO_TEXT, where=f"{self.where}: line {number}") from error
            encoding = "utf-8"

    def text(self) -> str:
        """Return the whole text.

        Raises
        ------
        InputError
            If it is larger than 512 MiB, or no UTF-8.
        """
        content = self._start + self._rest.read(_LARGEST_DOCUMENT_BYTES)
        if len(content) > _LARGEST_DOCUMENT_BYTES:
            raise InputError("is larger than 512 MiB", where=self.where)
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(_NO_TEXT, where=self.where) from error


@contextmanager
def open_trace(path: Path) -> Iterator[TraceSource]:
    """Open a trace, a file or a pipe.

    Raises
    ------
    InputError
        If it is absent, a directory or device, unreadable, empty or binary.
    """
    with open_binary(path) as stream:
        yield TraceSource(stream, str(path))
