"""Why there is no portfolio: a model without a plan, an agent that is late at any speed, or a pool that is short."""

from __future__ import annotations

import math
from dataclasses import replace

from placer.plan.refusal import Refusal, Relief
from placer.portfolio.chains import timed
from placer.portfolio.cold import ColdSlot
from placer.portfolio.columns import Library
from placer.portfolio.solve import prefill_choices
from placer.portfolio.times import ttft_s
from placer.scenario.portfolio import Agent, Call, Phase, PortfolioScenario
from placer.search.params import SolveParams
from placer.search.portfolio.master import solve_master
from placer.search.portfolio.problem import Problem

#: How much larger inventories may become when looking for the one that is short.
ENLARGED = 64


def refuse(
    asked: tuple[PortfolioScenario, Library, tuple[ColdSlot, ...]], problem: Problem, params: SolveParams
) -> Refusal:
    """Return the reason, the first that applies, and the nearest change that helps.

    Parameters
    ----------
    asked
        The question, all plans, and all slots.
    problem
        What could not be solved.
    params
        Gives the seed.
    """
    scenario, library, slots = asked
    return (
        _without_plan(scenario, library, problem)
        or _late(scenario, library, slots)
        or _short(scenario, problem, params)
        or Refusal(
            conflict=("inventory", "speeds tried"),
            reason=f"no choice among the plans made serves all in time, not even with {ENLARGED} times the inventory",
        )
    )


def _without_plan(scenario: PortfolioScenario, library: Library, problem: Problem) -> Refusal | None:
    with_groups = {prefill.column for prefill in problem.prefills}
    served = {
        column.model for index, column in enumerate(problem.columns) if not column.needs_prefill or index in with_groups
    } | {t.model for slot in problem.slots for t in slot.turns}
    for index, service in enumerate(scenario.models):
        if index not in served:
            why = library.refusals[index] or "no plan was found in time"
            return Refusal(conflict=(f"models[{service.name}]",), reason=f"{service.name}: {why}")
    return None


def _late(scenario: PortfolioScenario, library: Library, slots: tuple[ColdSlot, ...]) -> Refusal | None:
    """Return the agent that is late even if each of its calls goes to the replicas fastest for it."""
    times = _times(scenario, library, slots)

    def fastest(call: Call) -> float:
        return min(base_s + call.osl * tpot_s for base_s, tpot_s in times[call.model])

    for agent in scenario.agents:
        path = timed(agent, fastest)
        least_s = max(each.end_s for each in path)
        if least_s > agent.end_to_end:
            return _late_refusal(agent, least_s, [each.call.id for each in path if each.is_critical])
    return None


def _times(
    scenario: PortfolioScenario, library: Library, slots: tuple[ColdSlot, ...]
) -> dict[str, list[tuple[float, float]]]:
    """Return by service the times before the first token, and per token, that were tried [s]."""
    models = scenario.models
    times: dict[str, list[tuple[float, float]]] = {service.name: [] for service in models}
    for kind in library.kinds:
        if scenario.phase is Phase.DECODE or kind.plan.phases is not None:
            base_s = ttft_s(kind.plan, models[kind.service], 0.0)
            times[models[kind.service].name].append((base_s, kind.tpot_s))
    for choice in prefill_choices(library):
        times[models[choice.kind.service].name].append((choice.groups.ttft_s, choice.kind.tpot_s))
    for slot in slots:
        for turn in slot.turns:
            wait_s = slot.period_s + turn.switch_s + turn.ttft_s
            times[models[turn.kind.service].name].append((wait_s, turn.kind.tpot_s))
    return times


def _late_refusal(agent: Agent, least_s: float, critical: list[str]) -> Refusal:
    value = math.ceil(least_s * 1000) / 1000
    return Refusal(
        conflict=(f"agents[{agent.name}].end_to_end",),
        reason=(
            f"agent {agent.name} takes {least_s:.4g} s at the fastest speeds tried, along {' > '.join(critical)}; "
            f"{agent.end_to_end:.4g} s allowed"
        ),
        nearest=(
            Relief(
                change=f"agents[{agent.name}].end_to_end",
                value=value,
                unit="s",
                text=f"{value:.4g} s for agent {agent.name}",
            ),
        ),
    )


def _short(scenario: PortfolioScenario, problem: Problem, params: SolveParams) -> Refusal | None:
    """Return by how much pools are short: the cheapest choice if inventories were larger."""
    pools = {
        name: replace(rent, pool=rent.pool.model_copy(update={"count": rent.pool.count * ENLARGED}))
        for name, rent in problem.pools.items()
    }
    columns = tuple(replace(column, most=column.most * ENLARGED) for column in problem.columns)
    answer = solve_master(replace(problem, pools=pools, columns=columns), params)
    if answer.choice is None:
        return None
    lacking = {
        name: answer.choice.units[name] * rent.pool.unit
        for name, rent in problem.pools.items()
        if answer.choice.units[name] > rent.num_units
    }
    if not lacking:
        return Refusal(
            conflict=("scale-up domains",), reason="devices suffice, but not in scale-up domains as they lie"
        )
    parts = [f"{need - scenario.fleet.pool(name).count} more of {name}" for name, need in lacking.items()]
    text = " and ".join(f"{need} of {name}" for name, need in lacking.items())
    return Refusal(
        conflict=tuple(f"inventory: {name}" for name in lacking),
        reason=f"the inventory is short: the cheapest choice needs {' and '.join(parts)}",
        nearest=tuple(
            Relief(change=f"fleet.pools[{name}].count", value=need, unit="devices", text=text)
            for name, need in lacking.items()
        ),
    )
