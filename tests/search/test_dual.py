from itertools import combinations_with_replacement, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.search.dual import MEMORY_WEIGHTS, WEIGHTS, ClassLoad, step_bound
from placer.search.rows import HOST, NUM_TIMES, PATH

SMALL = st.integers(0, 9)


def row(size):
    return st.lists(SMALL, min_size=size, max_size=size)


@st.composite
def instances(draw):
    """Two classes of up to three layers and three placements, one node; capacities; what is used anyway."""
    num_placements = draw(st.integers(1, 3))
    classes = [
        (
            draw(st.integers(1, 3)),
            draw(st.lists(row(NUM_TIMES), min_size=num_placements, max_size=num_placements)),
            draw(row(num_placements)),
            draw(row(num_placements)),
        )
        for _ in range(draw(st.integers(1, 2)))
    ]
    return classes, draw(row(NUM_TIMES)), (draw(st.integers(0, 40)), draw(st.integers(0, 40)))


def optimum(classes, fixed, capacity):
    """Brute force: the shortest step of any choice of placements that fits; inf if none does."""
    choices = [combinations_with_replacement(range(len(times)), count) for count, times, _, _ in classes]
    best = np.inf
    for chosen in product(*choices):
        time, held = np.array(fixed, dtype=float), np.zeros(2)
        for (_, times, host, side), numbers in zip(classes, chosen, strict=True):
            for number in numbers:
                time += times[number]
                held += host[number], side[number]
        if capacity is None or (held <= capacity).all():
            best = min(best, time.max())
    return best


def bound(classes, fixed, capacity):
    loads = [
        ClassLoad(
            count,
            np.array(times, dtype=float)[:, None, :],
            np.array(host, dtype=float)[:, None],
            np.array(side, dtype=float)[:, None],
        )
        for count, times, host, side in classes
    ]
    room = None if capacity is None else tuple(np.array([float(value)]) for value in capacity)
    return float(step_bound(loads, np.array([fixed], dtype=float), room)[0])


@given(instances())
def test_the_bound_never_exceeds_the_optimum(instance):
    classes, fixed, capacity = instance
    assert bound(classes, fixed, capacity) <= optimum(classes, fixed, capacity) * (1 + 1e-9) + 1e-9
    assert bound(classes, fixed, None) <= optimum(classes, fixed, None) * (1 + 1e-9) + 1e-9


@given(instances(), st.integers(0, 8))
def test_more_time_never_lowers_the_bound(instance, resource):
    classes, fixed, capacity = instance
    more = list(fixed)
    more[resource] += 5
    for room in (None, capacity):
        assert bound(classes, more, room) >= bound(classes, fixed, room) - 1e-9


@given(instances())
def test_less_memory_never_lowers_the_bound(instance):
    classes, fixed, (host, side) = instance
    tighter = (host // 2, side // 2)
    assert bound(classes, fixed, tighter) >= bound(classes, fixed, (host, side)) - 1e-9


@given(instances(), instances())
def test_nodes_do_not_mix(first, second):
    """Two nodes bounded at once are bounded as each alone, where their classes have the same sizes."""
    (one, fixed_one, room_one), (two, fixed_two, room_two) = first, second
    if [(c[0], len(c[1])) for c in one] != [(c[0], len(c[1])) for c in two]:
        two, fixed_two, room_two = one, [value + 1 for value in fixed_one], (room_one[0] + 3, room_one[1] + 1)
    loads = [
        ClassLoad(
            a[0],
            np.stack([np.array(a[1], float), np.array(b[1], float)], axis=1),
            np.stack([np.array(a[2], float), np.array(b[2], float)], axis=1),
            np.stack([np.array(a[3], float), np.array(b[3], float)], axis=1),
        )
        for a, b in zip(one, two, strict=True)
    ]
    room = tuple(np.array(pair, dtype=float) for pair in zip(room_one, room_two, strict=True))
    both = step_bound(loads, np.array([fixed_one, fixed_two], dtype=float), room)
    assert both[0] == pytest.approx(bound(one, fixed_one, room_one), rel=1e-12, abs=1e-12)
    assert both[1] == pytest.approx(bound(two, fixed_two, room_two), rel=1e-12, abs=1e-12)


def test_weights_are_means():
    for weights in (WEIGHTS, MEMORY_WEIGHTS):
        assert (weights >= 0).all()
        assert weights.sum(axis=0) == pytest.approx(1.0)


def test_memory_sharpens_the_bound_by_hand():
    # Three layers, quick (1 s) at 4 bytes or slow (3 s) at 1: 6 bytes take one quick layer, 1 + 3 + 3 = 7 s;
    # in fractions 6 = 4 q + (3 - q) bytes, q = 1, is tight.
    quick, slow = [0] * NUM_TIMES, [0] * NUM_TIMES
    quick[PATH], slow[PATH] = 1, 3
    classes = [(3, [quick, slow], [4, 1], [0, 0])]
    nothing = [0] * NUM_TIMES
    assert bound(classes, nothing, None) == pytest.approx(3)
    assert bound(classes, nothing, (6, 9)) == pytest.approx(7)
    assert bound(classes, nothing, (12, 9)) == pytest.approx(3)


def test_a_mean_of_resources_beats_each_alone():
    # a layer takes 4 s of the path or 4 s of the host: of two layers, one each, 4 s; neither alone tells
    path, host = [0] * NUM_TIMES, [0] * NUM_TIMES
    path[PATH], host[HOST] = 4, 4
    assert bound([(2, [path, host], [0, 0], [0, 0])], [0] * NUM_TIMES, None) == pytest.approx(4)
