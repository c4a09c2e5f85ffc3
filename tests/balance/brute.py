"""Every placement of a few experts on a few slots; shares no code with what it checks."""

from itertools import combinations_with_replacement


def placements(experts, ranks, room):
    """Yield the experts of every rank, for all placements but for the order of ranks and slots."""
    contents = list(combinations_with_replacement(range(experts), room))
    for chosen in combinations_with_replacement(contents, ranks):
        if len({expert for content in chosen for expert in content}) == experts:
            yield chosen


def max_load(loads, placement):
    slots = [expert for content in placement for expert in content]
    return max(sum(loads[expert] / slots.count(expert) for expert in content) for content in placement)


def least_max_load(loads, ranks, room):
    return min(max_load(loads, placement) for placement in placements(len(loads), ranks, room))
