"""Options and progress of commands that solve many questions: where, and where answers are kept."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, RenderableType

from placer.cli.output import emit, render, say
from placer.errors import InputError
from placer.files import write_atomic

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from placer.sweep.engine import Engine
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

OslOption = Annotated[str | None, typer.Option(metavar="TOKENS", help="Output tokens of a request; 1024 by default.")]
GapOption = Annotated[
    float, typer.Option(metavar="SHARE", help="Gap to the bound at which a search stops; 0 for proof.")
]
BudgetOption = Annotated[float, typer.Option(metavar="SECONDS", help="Wall seconds for one search.")]
SeedOption = Annotated[int, typer.Option(metavar="NUMBER", help="Seed of CP-SAT.")]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Also write the answer to a file, as JSON.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]

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


@contextmanager
def running(
    engine: str | None, workers: int | None, cache: Path | None, *, has_cache: bool
) -> Iterator[tuple[Engine, Store | None]]:
    """Give where to search and where to keep answers, and close both.

    Raises
    ------
    InputError
        If the engine cannot be had, the file cannot be used, or options contradict each other.
    """
    from placer.sweep.engine import open_engine

    if cache is not None and not has_cache:
        raise InputError("does not go with --no-cache", where="--cache")
    with opened(cache, is_off=not has_cache) as store, open_engine(engine, workers) as ready:
        yield ready, store


def assert_writable(*files: Path | None) -> None:
    """Refuse a file whose folder is absent before anything is solved.

    Raises
    ------
    InputError
        Naming the folder.
    """
    for file in files:
        if file is not None and not file.parent.is_dir():
            raise InputError("no such folder", where=str(file.parent))


def show(text: str, output: Path | None, report: Callable[[], RenderableType] | None) -> None:
    """Write an answer as JSON to a file where one is named, and print it: its report, or the JSON where None."""
    if output is not None:
        write_atomic(output, text)
        say("wrote", str(output))
    if report is None:
        emit(text, None)
    else:
        render(report())
