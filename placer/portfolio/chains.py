"""Agents as chains of numbers: calls in an order of their DAG, and the longest path through them (physics E5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from placer.scenario.portfolio import Agent, Call


def ordered(agent: Agent) -> tuple[Call, ...]:
    """Return the calls of an agent, every call after those it waits for; else in the order given."""
    done: list[Call] = []
    rest = list(agent.calls)
    while rest:
        ids = {call.id for call in done}
        ready = next(call for call in rest if set(call.after) <= ids)
        done.append(ready)
        rest.remove(ready)
    return tuple(done)


@dataclass(frozen=True)
class Timed:
    """When a call starts and ends [s], and whether it is on the longest path."""

    call: Call
    start_s: float
    end_s: float
    is_critical: bool


def timed(agent: Agent, duration_s: Callable[[Call], float]) -> tuple[Timed, ...]:
    """Return when every call starts and ends if each starts as soon as those before it have ended.

    Parameters
    ----------
    agent
        Its DAG of calls.
    duration_s
        Time of a call [s].

    Returns
    -------
    tuple of Timed
        In the order of `ordered`; the latency is the last end, and one path of critical calls leads there.
    """
    start: dict[str, float] = {}
    end: dict[str, float] = {}
    calls = ordered(agent)
    for call in calls:
        start[call.id] = max((end[name] for name in call.after), default=0.0)
        end[call.id] = start[call.id] + duration_s(call)
    critical: set[str] = set()
    last: str | None = max(end, key=end.__getitem__)
    by_id = {call.id: call for call in calls}
    while last is not None:
        critical.add(last)
        last = max(by_id[last].after, key=end.__getitem__, default=None)
    return tuple(Timed(call, start[call.id], end[call.id], call.id in critical) for call in calls)


def longest_output(agent: Agent, model: str) -> float:
    """Return the most output tokens of one service that follow each other in an agent."""
    path = timed(agent, lambda call: float(call.osl) if call.model == model else 0.0)
    return max(each.end_s for each in path)
