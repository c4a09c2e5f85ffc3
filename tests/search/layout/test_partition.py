from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from placer.search.layout.partition import balance

ITEMS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=7)


def cuts(length, num_stages):
    """Every way to cut a sequence into at most so many consecutive stages."""
    for used in range(1, min(num_stages, length) + 1):
        for borders in combinations(range(1, length), used - 1):
            yield [sum(item >= border for border in borders) for item in range(length)]


def per_stage(values, stages):
    return [
        sum(value for value, at in zip(values, stages, strict=True) if at == stage) for stage in range(stages[-1] + 1)
    ]


def lightest(loads, volumes, num_stages, capacity):
    fitting = [cut for cut in cuts(len(loads), num_stages) if max(per_stage(volumes, cut)) <= capacity]
    return min((max(per_stage(loads, cut)) for cut in fitting), default=None)


@given(ITEMS, st.integers(1, 5), st.integers(0, 40))
def test_no_cut_has_a_lighter_fullest_stage(items, num_stages, capacity):
    loads, volumes = map(list, zip(*items, strict=True))
    cut = balance([(load,) for load in loads], volumes, num_stages, capacity)
    expected = lightest(loads, volumes, num_stages, capacity)
    if cut is None:
        assert expected is None
        return
    assert max(per_stage(loads, cut)) == expected
    assert max(per_stage(volumes, cut)) <= capacity
    assert cut[0] == 0
    assert all(0 <= after - before <= 1 for before, after in pairwise(cut))
    assert cut[-1] < num_stages


def test_bytes_may_force_an_uneven_cut():
    assert balance([(1,), (1,), (1,), (9,)], [0, 0, 0, 0], 2, 0) == [0, 0, 0, 1]
    assert balance([(9,), (1,), (1,), (1,)], [5, 5, 5, 5], 2, 10) == [0, 0, 1, 1]
    assert balance([(9,), (1,), (1,), (1,)], [5, 5, 5, 5], 2, 9) is None
    assert balance([(1,)], [11], 3, 10) is None
