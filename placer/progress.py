"""What a long solve tells while it runs.

Events are values; a sink is any callable that takes one. Solvers may call the sink from another thread, so a
sink must return quickly and must not raise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Started:
    """A search over some families of groups begins."""

    families: tuple[str, ...]
    num_options: int


@dataclass(frozen=True)
class Incumbent:
    """A better plan was found; values are US dollars per million tokens, or seconds when speed is asked for."""

    value: float
    elapsed_s: float


@dataclass(frozen=True)
class BoundMoved:
    """The proven lower bound of the running search rose."""

    value: float
    num_open_nodes: int
    elapsed_s: float


@dataclass(frozen=True)
class Finished:
    """The search ended."""

    reason: str
    elapsed_s: float


Event = Started | Incumbent | BoundMoved | Finished
ProgressSink = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Drop the event; the default sink."""
    del event
