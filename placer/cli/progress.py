"""One line on standard error that follows a search, where somebody is watching."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console

from placer.progress import BoundMoved, Event, Incumbent, ProgressSink, ignore


@contextmanager
def progress_line(*, is_quiet: bool) -> Iterator[ProgressSink]:
    """Give a sink that keeps one line up to date; silent where standard error is no terminal."""
    if is_quiet or not sys.stderr.isatty():
        yield ignore
        return
    console = Console(file=sys.stderr, highlight=False)
    with console.status("building tables", spinner="dots") as status:
        best = "no plan yet"

        def follow(event: Event) -> None:
            nonlocal best
            if isinstance(event, Incumbent):
                best = f"best ${event.value:.4g}/M"
            if isinstance(event, BoundMoved):
                bound = f"bound ${event.value:.4g}/M"
                status.update(f"{best}, {bound}, {event.num_open_nodes:,} open, {event.elapsed_s:.0f} s")

        yield follow


class Count(Protocol):
    """Told of every search that has its answer."""

    def __call__(self, *, is_new: bool) -> None:
        """Count one; not new ones were found in the store."""


@contextmanager
def searches_line(*, is_quiet: bool) -> Iterator[tuple[Callable[[str], None], Count]]:
    """Give two functions that keep one line up to date: what is asked now, and one more search done."""
    if is_quiet or not sys.stderr.isatty():
        yield (lambda _: None), _count_nothing
        return
    console = Console(file=sys.stderr, highlight=False)
    with console.status("searching", spinner="dots") as status:
        part, new, known = "searching", 0, 0

        def show() -> None:
            status.update(f"{part}: {new} solved, {known} known before")

        def next_part(title: str) -> None:
            nonlocal part
            part = title
            show()

        def count(*, is_new: bool) -> None:
            nonlocal new, known
            new, known = new + is_new, known + (not is_new)
            show()

        yield next_part, count


def _count_nothing(*, is_new: bool) -> None:
    """Take notice of nothing."""
