"""A plan's hot experts under routing they were not chosen on, against hindsight, chance and none."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

from placer.explain.hot import hot_experts
from placer.explain.hot_choice import as_planned, at_random, chosen, hottest, routed, without_hot
from placer.plan.hot import OutsideScore, Score
from placer.plan.placement import Way
from placer.scenario.routing import RoutingProfile
from placer.verify.context import Context
from placer.verify.recompute.figures import Stated, metrics_of

#: Random choices that are averaged; their seeds count from 0.
DRAWS = 8


def score_outside(context: Context, routings: Iterable[tuple[str, RoutingProfile]]) -> tuple[OutsideScore, ...]:
    """Return how a plan's hot experts do under several routings, each with its name.

    Raises
    ------
    ScenarioError
        If a routing has counts for another number of experts.
    """
    return tuple(_scored(name, routed(context, routing)) for name, routing in routings)


def _scored(name: str, context: Context) -> OutsideScore:
    draws = [_score(chosen(context, at_random(seed))) for seed in range(DRAWS)]
    planned = _score(context)
    return OutsideScore(
        routing=name,
        planned=planned,
        balanced=_score(chosen(context, as_planned)),
        hindsight=_score(chosen(context, hottest)),
        random=Score(
            step_time_s=fmean(draw.step_time_s for draw in draws),
            usd_per_million_output_tokens=fmean(draw.usd_per_million_output_tokens for draw in draws),
        ),
        none=_score(without_hot(context)),
        overlap=_overlap(context),
        meets_target=planned.step_time_s <= context.gained * context.scenario.target.step_time_s * (1.0 + 1e-9),
    )


def _score(context: Context) -> Score:
    """Return step and price by the law, as nothing is simulated here."""
    stated = Stated(len(context.placement.replicas), 0.0, context.gained)
    law = metrics_of(context.flow, context.replica, context.rented, stated, context.scenario)
    return Score(step_time_s=law.step_time_s, usd_per_million_output_tokens=law.usd_per_million_output_tokens)


def _overlap(context: Context) -> float:
    both = total = 0
    for placed in context.placement.layers:
        if placed.way is Way.SPLIT:
            planned = hot_experts(context, placed)
            both += len(set(planned) & set(hottest(context.selections[placed.layer], planned)))
            total += len(planned)
    return both / total if total else 1.0
