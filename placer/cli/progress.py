"""One line on standard error that follows a search, where somebody is watching."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

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
