"""Check `robust`: under every routing asked for, the plan takes and costs what it says, and meets the target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from placer.plan.robust import Choice, ProfileFigures, RobustReport
from placer.scenario.objective import Objective
from placer.scenario.robust import Robust
from placer.scenario.routing import RoutingProfile
from placer.verify.context import Context
from placer.verify.finding import Finding
from placer.verify.recompute.figures import Stated, metrics_of, step_time_s

NAME = "robust"
WHAT = (
    "under every routing asked for the plan takes and costs what it says; the prices of other plans are not re-proved"
)
_NOISE = 1e-9


def check_robust(context: Context) -> Iterator[Finding]:
    """Yield what the plan says of several routings and does not hold."""
    asked, report = context.scenario.robust, context.plan.robust
    if asked is None or report is None:
        if (asked is None) != (report is None):
            yield _finding("robust", "given exactly where several routings are asked for", asked, report)
        return
    names = [profile.name for profile in asked.profiles]
    if [figures.name for figures in report.profiles] != names:
        yield _finding("robust.profiles", "not the routings asked for, in order", names)
        return
    for profile, figures in zip(asked.profiles, report.profiles, strict=True):
        yield from _check_profile(context, profile.routing, figures)
    yield from _check_totals(asked, report)
    yield from _check_choices(names, report)
    if len(report.mixture) != len(names) or abs(sum(report.mixture) - 1.0) > _NOISE or min(report.mixture) < 0:
        yield _finding("robust.mixture", "no shares of the routings that add up to 1", found=report.mixture)


def _finding(where: str, message: str, expected: object = None, found: object = None) -> Finding:
    texts = [None if value is None else str(value) for value in (expected, found)]
    return Finding(check=NAME, where=where, message=message, expected=texts[0], found=texts[1])


def _differs(found: float, expected: float) -> bool:
    return abs(found - expected) > _NOISE * max(1.0, abs(expected))


def _check_profile(context: Context, routing: RoutingProfile, figures: ProfileFigures) -> Iterator[Finding]:
    where, moved = (
        f"robust.profiles[{figures.name}]",
        context.changed(context.plan.under(routing).scenario, context.placement),
    )
    law_s = step_time_s(moved.flow, moved.replica)
    if abs(figures.law_step_time_s - law_s) > _NOISE * law_s:
        yield _finding(
            f"{where}.law_step_time_s", "differs from what the placement gives", law_s, figures.law_step_time_s
        )
    if figures.step_time_s < law_s * (1.0 - _NOISE):
        yield _finding(f"{where}.step_time_s", "shorter than the placement allows", law_s, figures.step_time_s)
    longest_s = context.scenario.target.step_time_s
    if figures.step_time_s > longest_s * (1.0 + _NOISE):
        yield _finding(f"{where}.step_time_s", "misses the target", longest_s, figures.step_time_s)
    stated = Stated(len(context.placement.replicas), max(law_s, figures.step_time_s))
    exact = metrics_of(moved.flow, moved.replica, context.rented, stated, moved.scenario)
    usd, found = exact.usd_per_million_output_tokens, figures.usd_per_million_output_tokens
    if abs(found - usd) > _NOISE * usd:
        yield _finding(f"{where}.usd_per_million_output_tokens", "differs from what the step gives", usd, found)
    own, bound = figures.own_usd_per_million_output_tokens, figures.own_bound_usd_per_million_output_tokens
    if bound > own * (1.0 + _NOISE):
        yield _finding(f"{where}.own_bound_usd_per_million_output_tokens", "above the price it bounds", own, bound)
    loss = found / own - 1.0 if own else 0.0
    if _differs(figures.loss, loss):
        yield _finding(f"{where}.loss", "not the price over that of its own plan, less 1", loss, figures.loss)


def _check_totals(asked: Robust, report: RobustReport) -> Iterator[Finding]:
    for name in (
        "usd_per_million_output_tokens",
        "own_usd_per_million_output_tokens",
        "own_bound_usd_per_million_output_tokens",
    ):
        prices = [getattr(figures, name) for figures in report.profiles]
        total = sum(prices) / len(prices) if asked.objective is Objective.MEAN else max(prices)
        field = name.replace("own_", "hindsight_")
        if abs(getattr(report, field) - total) > _NOISE * max(total, _NOISE):
            yield _finding(
                f"robust.{field}", f"not the {asked.objective} over the routings", total, getattr(report, field)
            )


def _check_choices(names: Sequence[str], report: RobustReport) -> Iterator[Finding]:
    """Yield choices that do not fit together: losses are against the choice made on the routing itself."""
    if [choice.chosen_on for choice in report.choices] != list(names):
        yield _finding("robust.choices", "not one for every routing, in order", list(names))
        return
    lengths = {len(choice.usd_per_million_output_tokens) for choice in report.choices}
    if lengths != {len(names)}:
        yield _finding("robust.choices", "not a price under every routing", len(names), sorted(lengths))
        return
    fitting = [choice.usd_per_million_output_tokens[index] for index, choice in enumerate(report.choices)]
    ours = [figures.usd_per_million_output_tokens for figures in report.profiles]
    yield from _check_loss("robust", report.worst_loss, ours, fitting)
    for choice in report.choices:
        where = f"robust.choices[{choice.chosen_on}]"
        yield from _check_loss(where, choice.worst_loss, choice.usd_per_million_output_tokens, fitting)
        yield from _check_misses(where, choice, names)


def _check_loss(where: str, stated: float, prices: Sequence[float], fitting: Sequence[float]) -> Iterator[Finding]:
    loss = max(price / best - 1.0 if best else 0.0 for price, best in zip(prices, fitting, strict=True))
    if _differs(stated, loss):
        yield _finding(f"{where}.worst_loss", "not the greatest loss of its prices", loss, stated)


def _check_misses(where: str, choice: Choice, names: Sequence[str]) -> Iterator[Finding]:
    strange = sorted(set(choice.misses) - set(names))
    if strange:
        yield _finding(f"{where}.misses", "no routing asked for", names, strange)
