"""How many requests arrive while a cold model waits for its turn: Poisson arrivals of groups."""

from __future__ import annotations

import math

from placer.portfolio.demand import Arrivals


def no_arrival(arrivals: tuple[Arrivals, ...], period_s: float) -> float:
    """Return the chance that nobody asks for a model in a period."""
    return math.exp(-period_s * sum(each.groups_per_s for each in arrivals))


def overflow(arrivals: tuple[Arrivals, ...], period_s: float, room: int) -> float:
    """Return the chance that more requests arrive in a period than a turn can answer.

    The number of requests is compound Poisson, its distribution ``n p[n] = sum over sizes k of k lambda_k p[n - k]``
    (H. H. Panjer, ASTIN Bulletin 12, 1981, for Poisson).

    Parameters
    ----------
    arrivals
        Groups of requests.
    period_s
        Time they collect [s].
    room
        Requests a turn answers.

    Examples
    --------
    >>> round(overflow((Arrivals(0.1, 1),), 10.0, 1), 4)  # 1 - 2/e
    0.2642
    """
    means = [(each.size, each.groups_per_s * period_s) for each in arrivals]
    total = sum(mean for _, mean in means)
    if total > 700.0 or sum(size * mean for size, mean in means) > room:
        return 1.0  # fuller than full on average, or beyond what a double can hold
    chances = [math.exp(-total)]
    for count in range(1, min(room, reach(means)) + 1):
        chances.append(sum(size * mean * chances[count - size] for size, mean in means if size <= count) / count)
    return max(0.0, 1.0 - math.fsum(chances))


def reach(means: list[tuple[int, float]]) -> int:
    """Return a number of requests that more than hardly ever arrive: 40 standard deviations above the mean, and 100.

    Parameters
    ----------
    means
        Sizes of groups, and how many of each arrive on average.
    """
    mean = sum(size * groups for size, groups in means)
    deviation = math.sqrt(sum(size * size * groups for size, groups in means))
    return math.ceil(mean + 40.0 * deviation) + 100 * max(size for size, _ in means)
