"""Along one figure: where a pool starts or stops to pay."""

from __future__ import annotations

from collections.abc import Sequence

from placer.breakeven.crossing import price_guess
from placer.breakeven.judge import Judge
from placer.breakeven.refine import Guess, flips_of, no_guess, refine
from placer.breakeven.words import words
from placer.whatif.break_even import BreakEven, Outcome, Probe
from placer.whatif.knob import Effect, Knob, Unit
from placer.whatif.verdict import Decision

#: Factors from the present value to the ends of a search for one threshold, and how it grows towards them.
REACH, GROWTH = 1000.0, 8.0
#: Where to start from a latency of 0 [s].
SMALL = 1e-6


def has_threshold(knob: Knob, pool: str) -> bool:
    """Return whether a pool pays up to some value of a figure and not beyond, or the other way around.

    So it is where the figure is of the pool itself, or of what joins it: the fleet without the pool does not know it,
    and the cost of the fleet with it only rises, or only falls.
    """
    return pool in knob.pools and knob.effect is not Effect.OPEN


def find_threshold(knob: Knob, judge: Judge, precision: float, most: int) -> BreakEven:
    """Return the bracket of the one value of a figure at which a pool starts, or stops, to pay.

    Parameters
    ----------
    knob, judge
        The figure (see `has_threshold`), and who says whether the pool pays.
    precision
        Relative width of the bracket at which to stop.
    most
        Values to try at most.
    """
    probes = _tried(knob, judge, [knob.value], [])
    guess = _guess(knob, judge, precision)
    factor = 1.0
    while not _is_split(probes) and len(probes) < most:
        guesses = [value for probe in probes for value in guess(probe, probe)]
        values = _further(knob, probes, guesses)
        if not values and factor < REACH:
            factor = min(factor * GROWTH, REACH)
            values = _further(knob, probes, [knob.clipped((knob.value or SMALL) * factor**way) for way in (-1, 1)])
        if not values and factor >= REACH:
            break
        probes = _tried(knob, judge, values, probes)
    return _narrowed(knob, judge, probes, precision, most)


def scan(knob: Knob, judge: Judge, values: Sequence[float], precision: float, most: int) -> BreakEven:
    """Return every change of the answer that a grid of values shows, each bracketed.

    A pool may pay in a window between two values of the grid and nobody would see: nothing is claimed there.

    Parameters
    ----------
    values
        The grid; the present value is added.
    knob, judge, precision, most
        As for `find_threshold`.
    """
    grid = list(dict.fromkeys([knob.value, *(knob.clipped(value) for value in values)]))
    probes = _tried(knob, judge, grid[:1], [])
    probes = _tried(knob, judge, grid[1:], probes) if grid[1:] else probes
    return _narrowed(knob, judge, probes, precision, most)


def grid_of(value: float, lowest: float, highest: float, number: int) -> list[float]:
    """Return values from ``lowest`` to ``highest`` times a value, in equal ratios.

    >>> [round(one, 3) for one in grid_of(100.0, 0.5, 2.0, 5)]
    [50.0, 70.711, 100.0, 141.421, 200.0]
    """
    ratio = highest / lowest
    return [value * lowest * ratio ** (step / (number - 1)) for step in range(number)]


def _narrowed(knob: Knob, judge: Judge, probes: list[Probe], precision: float, most: int) -> BreakEven:
    known = list(probes)

    def solve(values: Sequence[float]) -> list[Probe]:
        known[:] = _tried(knob, judge, values, known)
        return known

    left, guess = max(most - len(probes), 0), _guess(knob, judge, precision)
    refined, _ = refine(probes, knob, precision, solve, left, guess)
    flips, is_threshold = flips_of(refined, precision), has_threshold(knob, judge.pool)
    outcome = _outcome(refined, is_bracketed=bool(flips))
    found = BreakEven(
        key=knob.key,
        title=knob.title,
        unit=knob.unit,
        present=knob.value,
        is_estimate=knob.is_estimate,
        is_threshold=is_threshold,
        outcome=outcome,
        flips=flips,
        probes=tuple(refined),
        text="",
    )
    return found.model_copy(update={"text": words(found, judge.pool, judge.saving)})


def _guess(knob: Knob, judge: Judge, precision: float) -> Guess:
    """Return where to look between two values; of a price that of the pool itself, where a plan breaks even."""
    if knob.is_linear and knob.pools == {judge.pool}:
        return price_guess(judge.pool, judge.saving, precision)
    return no_guess


def _tried(knob: Knob, judge: Judge, values: Sequence[float], known: Sequence[Probe]) -> list[Probe]:
    return judge.settled(knob, [*known, *judge.probes(knob, values, known)])


def _further(knob: Knob, probes: Sequence[Probe], values: Sequence[float]) -> list[float]:
    """Return the values that can show another answer: beyond all that pay, or before all that do not."""
    rising = 1.0 if knob.effect is Effect.RISES else -1.0
    paying = [rising * one.value for one in probes if one.decision is Decision.PAYS]
    others = [rising * one.value for one in probes if one.decision in {Decision.DOES_NOT_PAY, Decision.NO_PLAN}]
    known = {one.value for one in probes}
    fresh = [value for value in dict.fromkeys(values) if value not in known and knob.lowest <= value <= knob.highest]
    if paying:
        return [value for value in fresh if rising * value > max(paying)]
    if others:
        return [value for value in fresh if rising * value < min(others)]
    return fresh


def _is_split(probes: Sequence[Probe]) -> bool:
    decided = {probe.decision for probe in probes} - {Decision.UNDECIDED}
    return Decision.PAYS in decided and len(decided) > 1


def _outcome(probes: Sequence[Probe], *, is_bracketed: bool) -> Outcome:
    if is_bracketed:
        return Outcome.BRACKETED
    decided = {probe.decision for probe in probes}
    outcomes = {
        Decision.PAYS: Outcome.ALWAYS,
        Decision.DOES_NOT_PAY: Outcome.NEVER,
        Decision.NO_PLAN: Outcome.NO_PLAN,
    }
    if len(decided) == 1:
        return outcomes.get(decided.pop(), Outcome.UNDECIDED)
    return Outcome.UNDECIDED


def nothing_to_turn(key: str, title: str, unit: Unit, why: str) -> BreakEven:
    """Return the answer where a scenario has no such figure."""
    return BreakEven(
        key=key,
        title=title,
        unit=unit,
        present=None,
        is_estimate=False,
        is_threshold=False,
        outcome=Outcome.NOTHING_TO_TURN,
        flips=(),
        probes=(),
        text=why,
    )
