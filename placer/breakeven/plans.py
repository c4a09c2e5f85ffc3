"""The whole plans behind the ends of brackets, as a store keeps them."""

from __future__ import annotations

from collections.abc import Iterator

from placer.errors import InputError
from placer.plan.plan import Plan
from placer.scenario.scenario import Scenario
from placer.sweep.how import How
from placer.sweep.store import Store
from placer.whatif.asked import speed_knob
from placer.whatif.break_even import BreakEvenAnswer
from placer.whatif.devices import bandwidth_knob, price_knob
from placer.whatif.knob import Knob
from placer.whatif.links import hop_latency_knob
from placer.whatif.without import without


def bracketing_plans(answer: BreakEvenAnswer, scenario: Scenario, how: How, store: Store) -> Iterator[tuple[str, Plan]]:
    """Yield the plans on both sides of every change of an answer, with names for their files.

    Parameters
    ----------
    answer, scenario, how
        What was found, and as it was asked.
    store
        Where the answers were kept.

    Raises
    ------
    InputError
        If an answer is no longer there.
    """
    for figure in answer.figures:
        knob = _knob(figure.key, scenario, answer.pool) if figure.flips else None
        for number, flip in enumerate(figure.flips, start=1):
            for end, probe in (("low", flip.low), ("high", flip.high)):
                assert knob is not None
                for which, side in (("with", probe.with_pool), ("without", probe.without_pool)):
                    changed = knob.at(probe.value if side.found_at is None else side.found_at)
                    plan = store.get(how.question(changed if which == "with" else without(changed, answer.pool)))
                    if plan is None:
                        raise InputError("an answer that was just kept is gone", where="--plans")
                    stem = figure.key.replace(":", "-")
                    yield f"{stem}-{number}-{end}-{which}.json", plan


def _knob(key: str, scenario: Scenario, pool: str) -> Knob:
    kind, _, name = key.partition(":")
    if kind == "hop":
        hop = hop_latency_knob(scenario, pool)
        assert hop is not None
        return hop
    return {"price": price_knob, "bandwidth": bandwidth_knob}[kind](scenario, name) if name else speed_knob(scenario)
