"""Why there is no plan: a smallest set of limits that conflict, and the nearest limit that works."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from placer.graph.lower import lower
from placer.graph.totals import totals
from placer.plan.refusal import Refusal, Relief
from placer.planner.drafting import draft_choices
from placer.planner.limits import LIMITS, Limit
from placer.planner.solve import build_searcher
from placer.progress import ignore
from placer.scenario.scenario import Scenario
from placer.scenario.service import Mode
from placer.search.params import SolveParams
from placer.search.service.colocated import MixedSearch
from placer.search.solve import Searcher, Stop
from placer.search.speed import Speed
from placer.units import format_bytes

#: A limit is found to this relative precision.
PRECISION = 0.01
#: How often a limit is halved or doubled in search of one that works.
MOST_DOUBLINGS = 40
#: Wall seconds one question of the kind "is there any plan?" may take.
QUESTION_S = 4.0


@dataclass(frozen=True)
class Feasibility:
    """Answers whether any plan exists, within a deadline."""

    params: SolveParams
    deadline: float

    def has_plan(self, scenario: Scenario) -> bool | None:
        """Return whether there is a plan, with any number of tokens drafted; None if time ran out first."""
        until = min(self.deadline, time.monotonic() + QUESTION_S)
        is_colocated = _is_colocated_possible(scenario, until)
        if is_colocated:
            return True
        is_certain = is_colocated is not None
        if scenario.service is not None and not scenario.service.allows(Mode.DISAGGREGATED):
            return is_colocated
        for searcher in self._searchers(scenario):
            result = searcher.search(searcher.families(), np.inf, until, ignore, first_only=Stop.FIRST_FOUND)
            if result.found is not None:
                return True
            is_certain = is_certain and result.stop is not Stop.BUDGET
        return False if is_certain else None

    def fastest(self, scenario: Scenario) -> float | None:
        """Return the most tokens per second and user any plan reaches, fleet target left out; None if none is found."""
        until, rates = min(self.deadline, time.monotonic() + 2 * QUESTION_S), list[float]()
        for searcher in self._searchers(scenario):
            objective = Speed(searcher.cost.scenario, searcher.cost.step.beside)
            result = searcher.search(searcher.families(), np.inf, until, ignore, objective=objective)
            rates += [searcher.cost.step.gained / result.found.value] if result.found is not None else []
        return max(rates, default=None)

    def _searchers(self, scenario: Scenario) -> Iterator[Searcher]:
        """Yield a searcher for every way to draft."""
        return (build_searcher(scenario, self.params, choice) for choice in draft_choices(scenario))


def _is_colocated_possible(scenario: Scenario, until: float) -> bool | None:
    """Return whether some replica prefills between its decode steps; None if time ran out first."""
    service = scenario.service
    if service is None or not service.allows(Mode.COLOCATED):
        return False
    result = MixedSearch(scenario, lower(scenario.model), service).search(np.inf, 1.0 - 1e-9, until)
    if result.founds:
        return True
    return None if np.isfinite(result.bound) else False


def refuse(scenario: Scenario, params: SolveParams, deadline: float) -> Refusal:
    """Return why a scenario has no plan.

    The conflict comes from a deletion filter: a limit stays in it only if dropping it, with those dropped before,
    leaves a plan (or an open question, when time runs out). It is not looked for where no reason is asked for.
    """
    if not params.with_reason:
        return Refusal(conflict=(), reason="no plan of the declared space meets all limits")
    ask = Feasibility(replace(params, floor=0.0), deadline)
    active = [limit for limit in LIMITS if limit.is_active(scenario)]
    if _weight_bytes(scenario) > _usable_bytes(scenario):
        return Refusal(conflict=("weights", "inventory"), reason=_weights_reason(scenario))
    if ask.has_plan(_without(scenario, active)) is False:
        decode = _without(scenario, active).model_copy(update={"service": None})
        if scenario.service is not None and ask.has_plan(decode) is not False:
            reason = "decode can be planned, but no devices that are joined to it have room to prefill"
            return Refusal(conflict=("prefill", "inventory"), reason=reason)
        return Refusal(conflict=("weights", "inventory"), reason=_weights_reason(scenario))
    conflict = list(active)
    for limit in active:
        rest = [other for other in conflict if other is not limit]
        dropped = [other for other in active if other not in rest]
        if ask.has_plan(_without(scenario, dropped)) is False:
            conflict = rest
    others = [limit for limit in active if limit not in conflict]
    held = _without(scenario, others)
    nearest = tuple(relief for limit in conflict for relief in _relieve(ask, limit, held, scenario))
    names = tuple(limit.describe(scenario) for limit in conflict)
    return Refusal(conflict=names, reason=f"no plan of the declared space has {' and '.join(names)}", nearest=nearest)


def _without(scenario: Scenario, limits: list[Limit]) -> Scenario:
    for limit in limits:
        scenario = limit.relaxed(scenario)
    return scenario


def _relieve(ask: Feasibility, limit: Limit, held: Scenario, scenario: Scenario) -> Iterator[Relief]:
    """Yield the nearest value of one limit at which a plan exists, all limits of the scenario kept."""
    del held
    if limit.name == "speed" and scenario.target.tokens_per_s is None and scenario.service is None:
        fastest = ask.fastest(limit.relaxed(scenario))
        value = None if fastest is None else _rounded_down(fastest)
    elif limit.set_to is None:
        value = None
    else:
        value = _bisect(ask, limit, scenario)
    if value is not None:
        yield limit.relief(value, scenario)


def _rounded_down(value: float) -> float:
    """Return a number with four digits, not above it.

    >>> _rounded_down(123.4567)
    123.4
    """
    size = 10.0 ** (np.floor(np.log10(value)) - 3)
    return float(f"{np.floor(value / size) * size:.4g}")


def _bisect(ask: Feasibility, limit: Limit, scenario: Scenario) -> float | None:
    """Return the value nearest to the asked one at which a plan exists, to `PRECISION`; None if none was found."""
    assert limit.set_to is not None
    set_to: Callable[[Scenario, float], Scenario] = limit.set_to
    asked = limit.value(scenario)
    good = next((value for value in _farther(limit, asked) if ask.has_plan(set_to(scenario, value))), None)
    if good is None:
        return None
    bad = min(asked, 2.0 * good) if limit.falls else max(asked, 0.5 * good)
    while abs(good - bad) > PRECISION * max(good, limit.least) and time.monotonic() < ask.deadline:
        middle = float((good + bad) // 2) if limit.is_whole else float(np.sqrt(good * bad))
        if middle in (good, bad):
            break
        if ask.has_plan(set_to(scenario, middle)):
            good = middle
        else:
            bad = middle
    return good


def _farther(limit: Limit, asked: float) -> Iterator[float]:
    """Yield values ever farther from the asked one, by factors of two, to the least that makes sense."""
    value = asked
    for _ in range(MOST_DOUBLINGS):
        value = max(value * 0.5, limit.least) if limit.falls else value * 2.0
        yield value
        if limit.falls and value <= limit.least:
            return


def _usable_bytes(scenario: Scenario) -> int:
    """Return what all devices of the fleet have room for [B]."""
    fleet = scenario.fleet
    return sum(pool.count * fleet.device_of(pool.name).usable_bytes for pool in fleet.pools)


def _weight_bytes(scenario: Scenario) -> int:
    """Return what the weights take as they are stored; no device stores them narrower [B]."""
    return totals(lower(scenario.model), 1).weight_bytes


def _weights_reason(scenario: Scenario) -> str:
    usable, needed = _usable_bytes(scenario), _weight_bytes(scenario)
    lacking = max(0, needed - usable)
    detail = f"; needs {format_bytes(lacking)} more" if lacking else " in any division the declared space has"
    return (
        f"the weights of {scenario.model.name} ({format_bytes(needed)}) do not fit the fleet's memory "
        f"({format_bytes(usable)} usable){detail}"
    )
