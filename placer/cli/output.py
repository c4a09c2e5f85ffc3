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
_PIECE = 16_384


def render(renderable: RenderableType, output: Path | None = None) -> None:
    """Print a table or text for people; a pipe or file gets wide lines and no colours."""
    stream: IO[str] = sys.stdout if output is None else io.StringIO()
    width = None if stream.isatty() else _WIDTH_WITHOUT_TERMINAL
    console = Console(file=stream, width=width, markup=False, highlight=False, emoji=False)
    # Captured, since a console that prints itself ends the process when the reader of a pipe goes away.
    with console.capture() as printed:
        console.print(renderable)
    emit(printed.get(), output)


def emit(text: str, output: Path | None) -> None:
    """Write a whole result to a file, or to standard output."""
    if output is not None:
        write_atomic(output, text)
        return
    # In pieces: unbuffered, Python would take a single write that the reader cut short for a whole one.
    for start in range(0, len(text), _PIECE):
        sys.stdout.write(text[start : start + _PIECE])


def emit_json(value: Any) -> None:
    """Print a value as indented JSON."""
    emit(json.dumps(value, indent=2, ensure_ascii=False) + "\n", None)


def say(kind: str, message: str) -> None:
    """Write one line to standard error, such as ``error: ...``; control characters become blanks."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in message).split())
    if len(line) > _LONGEST_MESSAGE:
        line = f"{line[:_LONGEST_MESSAGE]}..."
    sys.stderr.write(f"{kind}: {line}\n")
