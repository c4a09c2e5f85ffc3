"""A plan with new layouts for a new routing, in the plan's own schema: same devices, same batch, new figures."""

from __future__ import annotations

from placer.errors import InputError
from placer.kv.plan_paused import paused_sessions_of
from placer.plan.metrics import Bound, Occupancy
from placer.plan.placement import Placement
from placer.plan.plan import Plan
from placer.planner.prove import prove
from placer.planner.provenance import input_hashes
from placer.replan.step_time import Step
from placer.scenario.routing import RoutingProfile
from placer.scenario.scenario import Scenario
from placer.search.params import SolveParams
from placer.simulate.planned import steady_of
from placer.units import format_count
from placer.verify.context import context_of
from placer.verify.recompute.figures import Stated, metrics_of


def drifted_plan(
    plan: Plan, routing: RoutingProfile, placement: Placement, step: Step, params: SolveParams | None = None
) -> Plan:
    """Return the plan of a new routing, with a bound that a search of its declared space proves.

    Parameters
    ----------
    plan
        The old one.
    routing
        The new one.
    placement
        With the new layouts.
    step
        Of the new layouts by the law.
    params
        Of the search for a bound; None: nothing is proven, the bound is zero.

    Raises
    ------
    InputError
        If the step gets too long for the target: then it is time to plan again. And for plans that may draft tokens,
        of which no search here proves anything.
    """
    if plan.scenario.speculation is not None:
        raise InputError(
            "expected a plan without speculation, got one that may draft tokens; plan again with placer plan",
            where="--output",
        )
    assert plan.metrics is not None
    assert plan.time is not None
    moved = plan.under(routing).model_copy(update={"placement": placement})
    scenario = moved.scenario
    step_s = max(steady_of(moved).step_s, step.law_s)
    target = scenario.target
    if step_s > target.step_time_s:
        raise InputError(
            f"the new layout reaches {1.0 / step_s:.4g} tokens/s/user in the new routing, less than the target of "
            f"{target.tokens_per_s_per_user:g}; plan again with placer plan",
            where="--output",
        )
    context = context_of(moved)
    assert context is not None
    stated = Stated(len(placement.replicas), step_s)
    exact = metrics_of(context.flow, context.replica, plan.devices, stated, scenario)
    metrics = plan.metrics.model_copy(update={name: getattr(exact, name) for name in type(plan.metrics).model_fields})
    price = metrics.usd_per_million_output_tokens
    proof = None if params is None else prove(scenario, price, params)
    bound = 0.0 if proof is None else proof.usd_per_million_output_tokens
    ffn_s = max(0.0, plan.time.ffn_s + step.path_s - plan.time.path_s)
    busy = {"path": step.path_s, **step.busy_s}
    verdict = (
        f"{scenario.model.name} on {scenario.fleet.name}: ${metrics.usd_per_million_output_tokens:.4g}/M output tokens "
        f"at {metrics.tokens_per_s_per_user:.4g} tokens/s/user, {format_count(metrics.tokens_per_s)} tokens/s; experts "
        f"re-placed for a new routing, in which "
        + (f"any plan costs at least ${bound:.4g}/M" if bound else "nothing is proven")
    )
    drifted = Plan.model_validate(
        moved.model_copy(
            update={
                "verdict": verdict,
                "metrics": metrics,
                "bound": Bound(usd_per_million_output_tokens=bound, relative_gap=1.0 - bound / price if price else 0.0),
                "time": plan.time.model_copy(
                    update={
                        "path_s": step.path_s,
                        "ffn_s": ffn_s,
                    }
                ),
                "occupancy": tuple(Occupancy(resource=name, busy_s=seconds) for name, seconds in busy.items()),
                "alternatives": (),
                "search": plan.search if proof is None else proof.search,
                "provenance": plan.provenance.model_copy(update=_origin(scenario, params)),
            }
        ).model_dump()
    )
    return drifted.model_copy(update={"paused": paused_sessions_of(drifted)})


def _origin(scenario: Scenario, params: SolveParams | None) -> dict[str, object]:
    """Return what provenance says of the inputs and the search."""
    inputs: dict[str, object] = {"input_sha256": input_hashes(scenario)}
    if params is None:
        return inputs
    return inputs | {
        "seed": params.seed,
        "relative_gap_asked": params.relative_gap,
        "budget_s": params.budget_s,
    }
