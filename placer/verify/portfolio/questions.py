"""Check `questions`: every plan answers for its service, on devices of the fleet, at an allowed speed."""

from __future__ import annotations

from collections.abc import Iterator

from placer.catalog.fleet import Fleet
from placer.plan.plan import Plan, Status
from placer.scenario.portfolio import Phase
from placer.verify.finding import Finding
from placer.verify.portfolio.context import PortfolioContext, finding

NAME = "questions"
WHAT = "every plan is of its service's model, lengths and routing, on pools of the fleet, at its speed or above"


def check_questions(context: PortfolioContext) -> Iterator[Finding]:
    """Yield plans that answer another question."""
    names = [service.name for service in context.scenario.models]
    if [each.model for each in context.portfolio.models] != names:
        yield finding(NAME, "models", "not the services asked for", names)
    for where, model, plan in context.plans:
        if model not in names:
            yield finding(NAME, where, f'no service "{model}"')
        elif plan.status is not Status.PLANNED:
            yield finding(NAME, f"{where}.plan", "has no placement", Status.PLANNED, plan.status)
        else:
            yield from _check_plan(context, f"{where}.plan.scenario", model, plan)
            yield from _check_extent(context, f"{where}.plan.scenario", model, plan)


def _check_plan(context: PortfolioContext, where: str, model: str, plan: Plan) -> Iterator[Finding]:
    service, traffic, scenario = context.scenario.service(model), context.traffic[model], plan.scenario
    if scenario.model != service.model:
        yield finding(NAME, f"{where}.model", "not the service's model", service.model.name, scenario.model.name)
    if not _is_part(scenario.fleet, context.scenario.fleet):
        yield finding(NAME, f"{where}.fleet", "not pools of the fleet with devices rented one by one")
    workload = scenario.workload
    lengths = (traffic.input_tokens, traffic.output_tokens)
    if (workload.input_tokens, workload.output_tokens) != lengths:
        found = (workload.input_tokens, workload.output_tokens)
        yield finding(NAME, f"{where}.workload", "not the longest input and output asked for", lengths, found)
    if workload.routing != service.routing or workload.utilisation != 1.0 or workload.sessions is not None:
        yield finding(NAME, f"{where}.workload", "not the service's routing at full load without sessions")
    least, target = service.tokens_per_s_per_user or 0.0, scenario.target
    if target.tokens_per_s_per_user < least:
        yield finding(
            NAME, f"{where}.target", "slower than users of the service get", least, target.tokens_per_s_per_user
        )
    if target.tokens_per_s is not None:
        yield finding(NAME, f"{where}.target", "has a demand of its own; its bound holds for no other")


def _check_extent(context: PortfolioContext, where: str, model: str, plan: Plan) -> Iterator[Finding]:
    """Yield plans of more or less than is asked: the whole service, or decode alone, without drafts."""
    service, scenario = context.scenario.service(model), plan.scenario
    if scenario.speculation is not None or scenario.robust is not None:
        yield finding(NAME, where, "asks for drafts, or for more than one routing")
    asked = None if context.scenario.phase is Phase.DECODE else service.delivery
    if scenario.service != asked or (plan.phases is None) is not (asked is None):
        yield finding(NAME, f"{where}.service", "not what its service must deliver", asked, scenario.service)


def _is_part(part: Fleet, whole: Fleet) -> bool:
    """Return whether a fleet is some pools of another, their units one device, everything else alike."""
    kept = {pool.name for pool in part.pools}
    pools = tuple(pool.model_copy(update={"unit": 1}) for pool in whole.pools if pool.name in kept)
    links = tuple(cross for cross in whole.links if kept.issuperset(cross.between))
    return part == whole.model_copy(update={"pools": pools, "links": links})
