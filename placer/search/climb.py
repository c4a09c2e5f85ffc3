"""From a plan to a better one nearby: other numbers of devices, stages and sequences, everything else as it is.

What a good plan cuts off is what makes a search short, and the best-first order looks where bounds are low, which need
not be where plans are. What is found here is a plan like any other; nothing is proven by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from placer.cost.shape import GroupShape
from placer.scenario.space import Space
from placer.search.leaf import Found
from placer.search.sizing.build import Candidate

#: Batches tried of a neighbour, relative to as many sequences per device of the host as the plan has.
SCALES = (1.0, 1.15, 0.87, 0.75)
#: Candidates settled from one plan on; climbing on from a better one starts anew.
MOST_SETTLED = 48
#: A neighbour has at most so many times the devices of a group, or so many fewer.
MOST_CHANGE = 2.0

Settle = Callable[[Candidate, float], Found | None]


def climb(found: Found, shapes: Callable[[str], Sequence[GroupShape]], space: Space, settle: Settle) -> list[Found]:
    """Return the plans met on the way from one to ever better neighbours: itself first, the best last.

    Parameters
    ----------
    found
        Where to start.
    shapes
        All shapes of a pool.
    space
        The declared space.
    settle
        Returns the plan of a candidate if it costs less than a price.
    """
    way, is_better = [found], True
    while is_better:
        is_better, left = False, MOST_SETTLED
        for neighbour in _neighbours(found.candidate, shapes, space):
            if left <= 0:
                break
            better, used = _sized(neighbour, found, space.max_rank_batch, settle)
            left -= used
            if better is not None:
                found, is_better = better, True
                way.append(better)
                break
    return way


def _sized(candidate: Candidate, found: Found, max_rank_batch: int, settle: Settle) -> tuple[Found | None, int]:
    """Return the first plan of a neighbour, at some batch of the space, that is better; and batches tried."""
    before, ranks = found.candidate, candidate.host.dp
    per_device = before.most * before.in_flight / before.host.num_devices
    tried: set[int] = set()
    for scale in SCALES:
        size = per_device * scale * candidate.host.num_devices / candidate.in_flight
        whole = min(max_rank_batch, max(1, int(size) // ranks)) * ranks
        sized = replace(candidate, least=whole, most=whole)
        if whole in tried or sized == before:
            continue
        tried.add(whole)
        better = settle(sized, found.value)
        if better is not None and better.value < found.value:
            return better, len(tried)
    return None, len(tried)


def _neighbours(
    candidate: Candidate, shapes: Callable[[str], Sequence[GroupShape]], space: Space
) -> Iterator[Candidate]:
    """Yield the candidate at other batches, then with another host, another sidecar, other microbatches in flight."""
    yield candidate
    for host in _like(candidate.host, shapes(candidate.host.pool)):
        yield from _with_groups(candidate, host, candidate.side, space)
    if candidate.side is not None:
        for side in _like(candidate.side, shapes(candidate.side.pool)):
            yield from _with_groups(candidate, candidate.host, side, space)


def _with_groups(candidate: Candidate, host: GroupShape, side: GroupShape | None, space: Space) -> Iterator[Candidate]:
    """Yield a candidate with other groups, with as many microbatches in flight or the nearest number allowed."""
    groups = (host,) if side is None else (host, side)
    allowed = space.microbatches(group.stages for group in groups)
    nearest = min(allowed, key=lambda count: abs(count - candidate.in_flight))
    for count in dict.fromkeys((nearest, host.stages)):
        if count in allowed:
            yield replace(candidate, host=host, side=side, in_flight=count)


def _like(shape: GroupShape, shapes: Sequence[GroupShape]) -> list[GroupShape]:
    """Return shapes of as many stages or as wide, cut alike, of about as many devices: the nearest first."""
    near = [
        other
        for other in shapes
        if other.cuts == shape.cuts
        and other != shape
        and (other.stages == shape.stages or other.width == shape.width)
        and 1.0 / MOST_CHANGE <= other.num_devices / shape.num_devices <= MOST_CHANGE
    ]
    return sorted(near, key=lambda other: (abs(other.num_devices - shape.num_devices), other.stages, other.width))
