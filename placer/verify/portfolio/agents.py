"""Check `agents`: latencies along the DAG of calls, derived backwards from its ends (physics E5)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from placer.plan.portfolio import AgentAnswer, CallAnswer
from placer.scenario.portfolio import Agent, Call
from placer.verify.finding import Finding
from placer.verify.portfolio.context import PortfolioContext, differs, finding

NAME = "agents"
WHAT = "every call starts when those before it have ended, the longest path is the latency, and in time"


def check_agents(context: PortfolioContext) -> Iterator[Finding]:
    """Yield agents that are late, and calls whose times do not follow."""
    answers = context.portfolio.agents
    names = [agent.name for agent in context.scenario.agents]
    if [answer.name for answer in answers] != names:
        yield finding(NAME, "agents", "not the agents asked for", names)
        return
    for agent, answer in zip(context.scenario.agents, answers, strict=True):
        yield from _check_agent(context, agent, answer)


def _check_agent(context: PortfolioContext, agent: Agent, answer: AgentAnswer) -> Iterator[Finding]:
    where = f"agents[{agent.name}]"
    stated = {call.id: call for call in answer.calls}
    asked = {call.id: call for call in agent.calls}
    if set(stated) != set(asked) or len(answer.calls) != len(asked):
        yield finding(NAME, f"{where}.calls", "not the calls asked for", sorted(asked))
        return

    @cache
    def end(name: str) -> float:
        before = max((end(earlier) for earlier in asked[name].after), default=0.0)
        return before + _duration_s(context, asked[name])

    latency = max(end(name) for name in asked)
    for name, call in stated.items():
        yield from _check_call(context, asked[name], call, (f"{where}.calls[{name}]", end(name)))
    if differs(answer.latency_s, latency):
        yield finding(NAME, f"{where}.latency_s", "not the longest path", latency, answer.latency_s)
    if latency > agent.end_to_end * (1 + 1e-9) or differs(answer.end_to_end_s, agent.end_to_end):
        yield finding(NAME, where, "later than asked for", agent.end_to_end, latency)
    yield from _check_critical(agent, stated, latency)


def _duration_s(context: PortfolioContext, call: Call) -> float:
    model = context.answer(call.model)
    return model.switch_wait_s + model.ttft_s + call.osl / model.tokens_per_s_per_user


def _check_call(context: PortfolioContext, asked: Call, call: CallAnswer, at: tuple[str, float]) -> Iterator[Finding]:
    where, end_s = at
    model = context.answer(asked.model)
    exact = {
        "start_s": end_s - _duration_s(context, asked),
        "switch_wait_s": model.switch_wait_s,
        "ttft_s": model.ttft_s,
        "decode_s": asked.osl / model.tokens_per_s_per_user,
        "end_s": end_s,
    }
    for field, value in exact.items():
        if differs(getattr(call, field), value):
            yield finding(NAME, f"{where}.{field}", "not what follows", value, getattr(call, field))
    if call.model != asked.model:
        yield finding(NAME, f"{where}.model", "not asked for", asked.model, call.model)


def _check_critical(agent: Agent, stated: dict[str, CallAnswer], latency: float) -> Iterator[Finding]:
    """Yield what keeps the critical calls from being one path as long as the latency."""
    marked = [call for call in stated.values() if call.is_critical]
    length = sum(call.switch_wait_s + call.ttft_s + call.decode_s for call in marked)
    chosen = {call.id for call in marked}
    after = {call.id: set(call.after) & chosen for call in agent.calls if call.id in chosen}
    is_path = sum(not before for before in after.values()) == 1 and all(len(before) <= 1 for before in after.values())
    if not is_path or differs(length, latency):
        yield finding(NAME, f"agents[{agent.name}].calls", "critical calls are no longest path", latency, length)
