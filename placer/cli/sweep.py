"""Options and progress of commands that solve many questions: where, and where answers are kept."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from placer.sweep.store import Store

CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache", metavar="FILE", help="Where answers are kept; the user's cache folder or $PLACER_CACHE by default."
    ),
]
NoCacheOption = Annotated[bool, typer.Option("--no-cache", help="Keep no answers, and use none.")]
EngineOption = Annotated[
    str | None,
    typer.Option(
        "--engine", metavar="ENGINE", help="processes (default), ray for a cluster of this machine, or ray://HOST:PORT."
    ),
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, metavar="NUMBER", help="Solved side by side; all cores by default.")
]

#: Told how many are done, of how many, and what came last.
Told = Callable[[int, int, str], None]


def opened(cache: Path | None, *, is_off: bool) -> AbstractContextManager[Store | None]:
    """Return the store that the options name; None where nothing is kept.

    Raises
    ------
    InputError
        If the file is no store or cannot be written.
    """
    from placer.sweep.store import Store, default_store_path

    return nullcontext() if is_off else Store(cache or default_store_path())


@contextmanager
def progress_bar(what: str, *, is_quiet: bool) -> Iterator[Told]:
    """Give something to tell how far a sweep is: a bar on standard error, where somebody is watching."""
    if is_quiet or not sys.stderr.isatty():
        yield lambda done, total, last: None  # noqa: ARG005
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[last]}"),
    )
    with Progress(*columns, console=Console(file=sys.stderr, highlight=False), transient=True) as progress:
        task = progress.add_task(what, total=None, last="")
        yield lambda done, total, last: progress.update(task, completed=done, total=total, last=last)
