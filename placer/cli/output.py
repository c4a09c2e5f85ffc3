"""Where results and messages go: results to standard output or a file, messages to standard error."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import IO, Any

from rich.console import Console, RenderableType

from placer.files import write_atomic

_WIDTH_WITHOUT_TERMINAL = 120
_LONGEST_MESSAGE = 1_000


def render(renderable: RenderableType, output: Path | None = None) -> None:
    """Print a table or text for people; a pipe or file gets wide lines and no colours."""
    stream: IO[str] = sys.stdout if output is None else io.StringIO()
    width = None if stream.isatty() else _WIDTH_WITHOUT_TERMINAL
    Console(file=stream, width=width, markup=False, highlight=False, emoji=False).print(renderable)
    if output is not None and isinstance(stream, io.StringIO):
        write_atomic(output, stream.getvalue())


def emit(text: str, output: Path | None) -> None:
    """Write a whole result to a file, or to standard output."""
    if output is None:
        sys.stdout.write(text)
    else:
        write_atomic(output, text)


def emit_json(value: Any) -> None:
    """Print a value as indented JSON."""
    emit(json.dumps(value, indent=2, ensure_ascii=False) + "\n", None)


def say(kind: str, message: str) -> None:
    """Write one line to standard error, such as ``error: ...``; control characters become blanks."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in message).split())
    if len(line) > _LONGEST_MESSAGE:
        line = f"{line[:_LONGEST_MESSAGE]}..."
    sys.stderr.write(f"{kind}: {line}\n")
