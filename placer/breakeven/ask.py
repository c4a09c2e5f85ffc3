"""The questions about a pool that everybody asks: its price, the speed, the other memory, the hop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from placer.breakeven.along import find_threshold, grid_of, nothing_to_turn, scan
from placer.breakeven.figure import Figure
from placer.breakeven.judge import Judge
from placer.errors import InputError
from placer.planner.provenance import estimates_in
from placer.scenario.scenario import Scenario, assert_consistent
from placer.sweep.how import How, Means
from placer.whatif.asked import speed_knob
from placer.whatif.break_even import BreakEven, BreakEvenAnswer
from placer.whatif.devices import bandwidth_knob, price_knob
from placer.whatif.knob import Unit
from placer.whatif.links import hop_latency_knob
from placer.whatif.verdict import cost_unit
from placer.whatif.without import without

#: Ends of the grids, as factors of the present value.
SPEEDS, BANDWIDTHS = (1.0 / 8.0, 8.0), (0.25, 8.0)
#: What a pool must save to pay, unless told otherwise.
SAVING = 0.01
#: Values of a grid, and values of a figure at most.
GRID, MOST_VALUES = 7, 24


def break_even(  # noqa: PLR0913 the question has this many parts, all but the first four with defaults
    scenario: Scenario,
    pool: str,
    how: How,
    means: Means,
    *,
    saving: float = SAVING,
    figures: Sequence[Figure] = tuple(Figure),
    precision: float = 0.05,
    most: int = MOST_VALUES,
    sink: Callable[[str], None] | None = None,
) -> BreakEvenAnswer:
    """Return where a pool starts or stops to pay, each end of a bracket proven by certified plans.

    Parameters
    ----------
    scenario, pool
        The question, and the pool that may be worth it or not.
    how, means
        How hard and where to search.
    saving
        It pays where it saves more than this share of the cost; at least the gap.
    figures
        What is asked.
    precision
        Relative width of brackets.
    most
        Values of a figure at most; two searches each at most.
    sink
        Told which figure is next.

    Raises
    ------
    InputError
        If there is no such pool, it cannot be left out, or a number is out of range.
    ScenarioError
        If the parts of the scenario do not go together.
    """
    how.assert_sane(saving)
    _assert_sane(scenario, precision, most)
    without(scenario, pool)
    assert_consistent(scenario)
    judge, found = Judge(pool, saving, how, means), list[BreakEven]()
    for figure in dict.fromkeys(figures):
        for title, run in _runs(figure, scenario, judge, precision, most):
            if sink is not None:
                sink(title)
            found.append(run())
    pools = tuple(one.name for one in scenario.fleet.pools)
    return BreakEvenAnswer(
        model=scenario.model.name,
        fleet=scenario.fleet.name,
        pool=pool,
        saving=saving,
        cost_unit=cost_unit(scenario),
        price_basis=scenario.fleet.price_basis,
        precision=precision,
        relative_gap=how.relative_gap,
        estimates=estimates_in(scenario, pools),
        figures=tuple(found),
    )


def _runs(
    figure: Figure, scenario: Scenario, judge: Judge, precision: float, most: int
) -> Iterator[tuple[str, Callable[[], BreakEven]]]:
    """Yield what to ask for a figure: a title, and how to answer."""
    pool, grid = judge.pool, min(GRID, most)
    if figure is Figure.PRICE:
        knob = price_knob(scenario, pool)
        yield knob.title, partial(find_threshold, knob, judge, precision, most)
    elif figure is Figure.SPEED:
        speed = speed_knob(scenario)
        speeds = grid_of(speed.value, *SPEEDS, grid)
        yield speed.title, partial(scan, speed, judge, speeds, precision, most)
    elif figure is Figure.LATENCY:
        hop = hop_latency_knob(scenario, pool)
        title = f"hop latency of {pool}"
        if hop is None:
            alone = f"no link joins {pool} to another pool: there is no hop to be slow"
            yield title, partial(nothing_to_turn, f"hop:{pool}", title, Unit.SECONDS, alone)
        else:
            yield hop.title, partial(find_threshold, hop, judge, precision, most)
    else:
        for other in scenario.fleet.pools:
            if other.name != pool:
                memory = bandwidth_knob(scenario, other.name)
                rates = grid_of(memory.value, *BANDWIDTHS, grid)
                yield memory.title, partial(scan, memory, judge, rates, precision, most)


def _assert_sane(scenario: Scenario, precision: float, most: int) -> None:
    if scenario.robust is not None:
        raise InputError("several routings at once are not asked what if; expected one routing", where="routing")
    if not 0.0 < precision <= 10.0:
        raise InputError(f"expected a relative width above 0, such as 0.05, got {precision!r}", where="precision")
    if most < 2:
        raise InputError(f"expected at least 2 values, got {most}", where="points")
