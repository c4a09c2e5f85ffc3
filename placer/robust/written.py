"""The best plan for several routings, written down: its figures under each, and what other choices cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from placer.graph.lower import lower
from placer.plan.metrics import Bound
from placer.plan.plan import Plan, Status
from placer.plan.robust import Choice, ProfileFigures, RobustReport
from placer.planner.provenance import build_provenance
from placer.replan.drift import drift_of
from placer.replan.drifted_plan import drifted_plan
from placer.replan.step_time import step_of
from placer.robust.judge import Candidate, Judge, usd
from placer.robust.relaid import relaid
from placer.scenario.scenario import Scenario
from placer.search.params import SolveParams
from placer.units import format_count


def report_of(best: Candidate, owns: Sequence[Plan], judge: Judge) -> RobustReport:
    """Return the figures of a candidate under every routing, beside those of every routing's own plan."""
    own_usd = [own.metrics.usd_per_million_output_tokens for own in owns if own.metrics is not None]
    bounds = [own.bound.usd_per_million_output_tokens for own in owns if own.bound is not None]
    profiles = judge.asked.profiles
    picked = [judge.scores(relaid(best.plan, profile.routing, judge.model)) for profile in profiles]
    fitting = np.array([scores[index].usd for index, scores in enumerate(picked)])
    return RobustReport(
        usd_per_million_output_tokens=judge.value(usd(best.scores)),
        hindsight_usd_per_million_output_tokens=judge.value(own_usd),
        hindsight_bound_usd_per_million_output_tokens=judge.value(bounds),
        profiles=tuple(
            ProfileFigures(
                name=profile.name,
                law_step_time_s=one.law_s,
                step_time_s=one.step_s,
                usd_per_million_output_tokens=one.usd,
                own_usd_per_million_output_tokens=own,
                own_bound_usd_per_million_output_tokens=bound,
                loss=one.usd / own - 1.0,
            )
            for profile, one, own, bound in zip(profiles, best.scores, own_usd, bounds, strict=True)
        ),
        mixture=best.shares,
        worst_loss=float((usd(best.scores) / fitting).max() - 1.0),
        choices=tuple(
            Choice(
                chosen_on=profile.name,
                usd_per_million_output_tokens=tuple(usd(scores).tolist()),
                misses=judge.misses(scores),
                worst_loss=float((usd(scores) / fitting).max() - 1.0),
            )
            for profile, scores in zip(profiles, picked, strict=True)
        ),
    )


def written(scenario: Scenario, best: Candidate, report: RobustReport, together: Plan, params: SolveParams) -> Plan:
    """Return a candidate as the answer to the question asked.

    Parameters
    ----------
    scenario
        The question.
    best, report
        The candidate, and its figures.
    together
        The plan searched for the even mixture: its bound is the answer's where experts are picked on that.
    params
        Of the searches.
    """
    asked = best.plan.scenario.model_copy(update={"target": scenario.target, "robust": scenario.robust})
    plan, placement = best.plan.model_copy(update={"scenario": asked, "robust": report}), best.plan.placement
    assert placement is not None
    step = step_of(plan, drift_of(best.mixture, lower(asked.model), "mixture"), {})
    is_searched = best.mixture == together.scenario.workload.routing and together.bound is not None
    plan = drifted_plan(plan, best.mixture, placement, step, None if is_searched else params)
    assert plan.metrics is not None
    assert scenario.robust is not None
    verdict = (
        f"{asked.model.name} on {asked.fleet.name}: ${report.usd_per_million_output_tokens:.4g}/M output "
        f"tokens, {scenario.robust.objective} of {len(report.profiles)} routings, at least "
        f"{1.0 / best.slowest_s:.4g} tokens/s/user, {format_count(plan.metrics.tokens_per_s)} tokens/s; plans made for "
        f"each routing alone: ${report.hindsight_usd_per_million_output_tokens:.4g}/M"
    )
    changed = {
        "verdict": verdict,
        "bound": _bound(together, plan.metrics.usd_per_million_output_tokens) if is_searched else plan.bound,
        "provenance": build_provenance(asked, params, tuple(plan.devices)),
    }
    return Plan.model_validate(plan.model_copy(update=changed).model_dump())


def _bound(together: Plan, price: float) -> Bound:
    """Return the bound of the even mixture, that of its search."""
    assert together.bound is not None
    proven = together.bound.usd_per_million_output_tokens
    return Bound(usd_per_million_output_tokens=proven, relative_gap=1.0 - proven / price)


def undecided(scenario: Scenario, nearest: Candidate, missed: Sequence[str], params: SolveParams) -> Plan:
    """Return the answer where no plan found meets the target under every routing."""
    where = ", ".join(missed) or "the mixture"
    return Plan(
        status=Status.UNDECIDED,
        verdict=(
            f"{scenario.model.name} on {scenario.fleet.name}: undecided; plans were found, but none meets the "
            f"target under {where}; ask for less, or for other routings"
        ),
        scenario=scenario,
        search=nearest.plan.search,
        provenance=build_provenance(scenario, params, tuple(nearest.plan.devices)),
    )
