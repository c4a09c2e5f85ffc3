"""Where paused sessions wait: the tiers that cost least, within what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from placer.scenario.sessions import Sessions


@dataclass(frozen=True)
class Choice:
    """A place for a paused session.

    Attributes
    ----------
    name
        A tier, or recompute: nowhere.
    cost_s
        What a pause costs there, in seconds of the rank.
    limit
        Sessions it holds; None = any number.
    """

    name: str
    cost_s: float
    limit: int | None = None


def pause_cost_s(sessions: Sessions, hold_s: float, resume_s: float, recompute_s: float) -> float:
    """Return what a pause costs, in seconds of the rank.

    ``hold + return_rate * (hit * resume + (1 - hit) * recompute)``: a session that comes back and goes on from what was
    kept is brought back, one that starts anew is computed again. Seconds of waiting for a tier and of computing count
    alike (physics E3 compares them); what a tier below costs to rent is part of the device's rent.

    Parameters
    ----------
    sessions
        How often they come back, and what is used again.
    hold_s
        Rank seconds that holding displaces: pause times share of the room for KV cache.
    resume_s, recompute_s
        Time to bring the session back, and to compute it again [s].
    """
    hit = sessions.prefix_hit_rate
    return hold_s + sessions.return_rate * (hit * resume_s + (1.0 - hit) * recompute_s)


def assign(choices: Sequence[Choice], num_sessions: int) -> tuple[int, ...]:
    """Return how many of equal sessions wait in each place so that all pauses together cost least.

    Costs are per session and sessions are alike, so filling places by rising cost is optimal: moving a session from a
    fuller, cheaper place to a dearer one never gains. Of equally dear places the first is filled first.

    Parameters
    ----------
    choices
        Places; one at least has no limit.
    num_sessions
        Sessions paused at once.

    >>> assign([Choice("hbm", 3.0, 10), Choice("ddr", 1.0, 4), Choice("recompute", 2.0)], 6)
    (0, 4, 2)
    """
    counts = [0] * len(choices)
    left = num_sessions
    for index in sorted(range(len(choices)), key=lambda each: choices[each].cost_s):
        limit = choices[index].limit
        counts[index] = left if limit is None else min(left, limit)
        left -= counts[index]
    return tuple(counts)
