"""From what is known of a curve to one of its points."""

from __future__ import annotations

from placer.frontier.curve import Known, price
from placer.plan.frontier import FrontierPoint
from placer.plan.plan import Plan, Status


def frontier_point(known: Known, index: int) -> FrontierPoint:
    """Return a point of a curve that was solved: the cheapest plan known at its speed, with the best bound known."""
    curve, best = known.curve, known.best(index)
    about = {
        "curve": curve.name,
        "model": curve.scenario.model.name,
        "fleet": curve.scenario.fleet.name,
        "target_tokens_per_s_per_user": curve.targets[index],
    }
    if best is None:
        status = Status.INFEASIBLE if known.is_out_of_reach(index) else Status.UNDECIDED
        floor = known.floor(index) * _per_token(known)
        return FrontierPoint.model_validate(
            {
                **about,
                "status": status,
                "reason": _reason(known, index, status),
                "bound_usd_per_million_tokens": floor if floor and status is Status.UNDECIDED else None,
            }
        )
    at, plan = best
    own = price(plan) * _per_token(known)
    gap = known.gap(index)
    assert gap is not None
    return FrontierPoint.model_validate(
        {
            **about,
            **_figures(plan),
            "status": Status.PLANNED,
            "relative_gap": gap,
            "usd_per_million_tokens": own,
            "bound_usd_per_million_tokens": own * (1.0 - gap),
            "planned_for_tokens_per_s_per_user": curve.targets[at] if at != index else None,
            "is_pareto": _is_pareto(known, index, plan),
        }
    )


def _per_token(known: Known) -> float:
    """Return how much of a price per output token one token, input or output, pays."""
    workload = known.curve.scenario.workload
    if known.curve.scenario.service is None:
        return 1.0
    return workload.output_tokens / (workload.input_tokens + workload.output_tokens)


def _figures(plan: Plan) -> dict[str, object]:
    metrics = plan.metrics
    assert metrics is not None
    return {
        "tokens_per_s_per_user": metrics.tokens_per_s_per_user,
        "usd_per_million_output_tokens": metrics.usd_per_million_output_tokens,
        "usd_per_million_input_tokens": metrics.usd_per_million_input_tokens,
        "tokens_per_s": metrics.tokens_per_s,
        "tokens_per_s_per_mw": metrics.tokens_per_s_per_mw,
        "tokens_per_s_per_device": metrics.tokens_per_s / max(1, sum(plan.devices.values())),
        "ttft_s": metrics.ttft_s,
        "mode": plan.mode,
        "draft_tokens": plan.speculation.draft_tokens if plan.speculation is not None else 0,
        "devices": plan.devices,
        "binding": plan.binding,
        "estimates": plan.provenance.estimates,
    }


def _reason(known: Known, index: int, status: Status) -> str:
    if status is Status.UNDECIDED:
        return "none found in time; more of it may find one"
    slow = [at for at, plan in known.answers.items() if at <= index and plan.status is Status.INFEASIBLE]
    plan = known.answers[min(slow)]
    said = plan.refusal.reason if plan.refusal is not None else plan.verdict
    return said if min(slow) == index else f"none at {known.curve.targets[min(slow)]:g} tokens/s/user: {said}"


def _is_pareto(known: Known, index: int, plan: Plan) -> bool:
    """Return whether every faster point of the curve is dearer; of points with one plan, the fastest counts."""
    faster = [known.best(at) for at in range(index + 1, len(known.curve.targets))]
    return all(other is None or price(other[1]) > price(plan) for other in faster)
