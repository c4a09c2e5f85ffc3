"""What was found at other values of a figure, and holds at this one."""

from __future__ import annotations

from collections.abc import Sequence

from placer.errors import InternalError
from placer.scenario.scenario import Scenario
from placer.whatif.floor import floor_at
from placer.whatif.knob import Effect, Knob
from placer.whatif.verdict import Side

#: A plan cheaper than its bound by more than this share is our bug, not rounding.
CONTRADICTION = 1e-5


def carried(knob: Knob, value: float, own: Side, others: Sequence[tuple[float, Side]]) -> Side:
    """Return the best that is known at a value of a figure: the cheapest plan, and the highest bound.

    A plan found at another price is a plan here too, at another rent: no time of it depends on prices. A plan found for
    a speed above serves here as it is. Of other figures only bounds are carried over (`floor_at`).

    Parameters
    ----------
    knob, value
        The figure, and the value in question.
    own
        The answer found there.
    others
        Other values of the figure, and the answers found there, of the same fleet.

    Raises
    ------
    InternalError
        If a plan is cheaper than what no plan can cost.
    """
    best = own
    for at, side in others:
        if at != value:
            other = _brought(knob, side, at, value)
            best = other if other is not None and other.most < best.most else best
    least = max(own.least, floor_at(knob, value, [(at, side.least) for at, side in others]))
    if best.usd is None:
        # Without a plan, what is proven stays as it was found, unless more is.
        return own if own.bound_usd is None else own.model_copy(update={"bound_usd": least})
    if least > best.usd * (1.0 + CONTRADICTION):
        raise InternalError(f"a plan costs {best.usd:.6g} at {knob.title} {knob.text(value)}, its bound is {least:.6g}")
    found_at = None if best.found_at == value else best.found_at
    return best.model_copy(update={"bound_usd": min(least, best.usd), "found_at": found_at})


def _brought(knob: Knob, side: Side, at: float, value: float) -> Side | None:
    """Return a plan found at one value as it is at another, None where it may not hold there."""
    if side.usd is None:
        return None
    if knob.is_linear:
        return repriced(side, knob.at(at), knob.at(value), at)
    if knob.serves_below and knob.effect is Effect.RISES and at > value:
        return side.model_copy(update={"found_at": _origin(side, at)})
    return None


def repriced(side: Side, before: Scenario, after: Scenario, at: float) -> Side | None:
    """Return what a plan costs under other prices; None where there is a cap on cost, which it may exceed.

    Parameters
    ----------
    side
        The plan, as it was found.
    before, after
        Its scenario, and the same with other prices.
    at
        Value of the price for which it was found.
    """
    if side.usd is None or after.target.cost_cap is not None:
        return None
    rent, rents = sum(rents_of(side, before).values()), rents_of(side, after)
    total = sum(rents.values())
    if not rent or not total:
        return None
    shares = {pool: usd / total for pool, usd in rents.items()}
    return side.model_copy(update={"usd": side.usd * total / rent, "pool_share": shares, "found_at": _origin(side, at)})


def _origin(side: Side, at: float) -> float:
    return at if side.found_at is None else side.found_at


def rents_of(side: Side, scenario: Scenario) -> dict[str, float]:
    """Return the rent of a plan by pool [USD/h]."""
    return {pool: number * (scenario.fleet.usd_per_hour(pool) or 0.0) for pool, number in side.devices.items()}
