"""Frontiers: every point a certified plan, neighbours bounding each other, all curves side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from placer.frontier.curve import Curve, Known
from placer.frontier.point import frontier_point
from placer.plan.frontier import Frontier, FrontierPoint
from placer.sweep.engine import Engine
from placer.sweep.how import How
from placer.sweep.question import Question
from placer.sweep.solve import Answered, Sweep
from placer.sweep.store import Store


@dataclass(frozen=True)
class Progress:
    """How far a sweep is: points that are settled, of all; and the answer that came in last."""

    settled: int
    points: int
    last: Answered | None = None


ProgressSink = Callable[[Progress], None]


def solve_frontier(
    curves: Sequence[Curve],
    engine: Engine,
    store: Store | None = None,
    how: How | None = None,
    sink: ProgressSink | None = None,
) -> Frontier:
    """Return the frontier of several curves.

    Parameters
    ----------
    curves
        With different names.
    engine, store
        Where to solve, and where to look first and keep answers: an interrupted sweep goes on where it was.
    how
        How hard to search every point.
    sink
        Told of progress.

    Raises
    ------
    ScenarioError, VerificationError, InputError
        As `placer.sweep.solve.Sweep.answers`.
    """
    running = [_Running(curve, how or How()) for curve in curves]
    with Sweep(engine, store) as sweep:
        for progress in _steps(running, sweep):
            if sink is not None:
                sink(progress)
    return Frontier(
        input_tokens={curve.name: curve.scenario.workload.input_tokens for curve in curves},
        output_tokens={curve.name: curve.scenario.workload.output_tokens for curve in curves},
        price_basis={curve.name: curve.scenario.fleet.price_basis for curve in curves},
        points=tuple(point for one in running for point in one.points()),
    )


def _steps(running: list[_Running], sweep: Sweep) -> Iterator[Progress]:
    """Solve all curves, wave by wave each, and yield progress at the start and after every answer."""
    waiting: dict[str, list[tuple[_Running, int]]] = {}
    for one in running:
        _ask(one, sweep, waiting)
    yield _progress(running, None)
    for answered in sweep.answers():
        for one, index in waiting.pop(answered.question.key):
            one.take(index, answered)
            if not one.open:
                _ask(one, sweep, waiting)
        yield _progress(running, answered)


def _ask(one: _Running, sweep: Sweep, waiting: dict[str, list[tuple[_Running, int]]]) -> None:
    """Ask the next wave of a curve; a question that another curve has asked is not asked twice."""
    for index, question, floor in one.next_wave():
        asked = waiting.setdefault(question.key, [])
        asked.append((one, index))
        if len(asked) == 1:
            sweep.ask(question, floor)


def _progress(running: list[_Running], last: Answered | None) -> Progress:
    settled = sum(one.num_settled for one in running)
    return Progress(settled, sum(one.num_points for one in running), last)


class _Running:
    """A curve, and the points of it that are being solved."""

    def __init__(self, curve: Curve, how: How) -> None:
        self.known, self._how = Known(curve, how.relative_gap), how
        self._waves = self.known.waves()
        self.open: set[int] = set()

    @property
    def num_points(self) -> int:
        """Points of the curve."""
        return len(self.known.curve.targets)

    @property
    def num_settled(self) -> int:
        """Points that need no more work."""
        return sum(self.known.is_settled(index) for index in range(self.num_points))

    def points(self) -> Iterator[FrontierPoint]:
        """Yield the points, slowest first."""
        return (frontier_point(self.known, index) for index in range(self.num_points))

    def next_wave(self) -> list[tuple[int, Question, float]]:
        """Return what to ask next, with what is proven already; nothing at the end."""
        wave = next(self._waves, [])
        self.open = set(wave)
        return [(index, self._how.question(self.known.curve.at(index)), self.known.floor(index)) for index in wave]

    def take(self, index: int, answered: Answered) -> None:
        """Take in an answer."""
        self.known.answers[index] = answered.plan
        self.open.discard(index)
