import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.search.sizing.constraints import patterns
from placer.search.sizing.problem import Outside

NOTHING = Outside((0, 0), (0, 0))


def fluid(toys, *runs, stages=(2, 0), **changes):
    return toys.problem(*runs, stages=stages, is_fluid=True, **{"embedding": NOTHING, "lm_head": NOTHING} | changes)


@pytest.mark.parametrize(("capacity", "most"), [(5, 0), (6, 2), (11, 2), (12, 4), (17, 4), (18, 6)])
def test_whole_layers_fit_stages(toys, capacity, most):
    # near layers of 6 B in two stages
    def status(layers):
        return toys.SizingModel(fluid(toys, layers, capacity=(capacity, 0)), patterns).place({0: layers}).status

    if most:
        assert status(most) == "OPTIMAL"
    assert status(most + 1) == "INFEASIBLE"


@pytest.mark.parametrize(("longest", "most"), [(19, 0), (20, 2), (39, 2), (40, 4)])
def test_whole_layers_fit_the_longest_step(toys, longest, most):
    # two microbatches of 10 ps
    def status(layers):
        return toys.SizingModel(fluid(toys, layers, longest=longest), patterns).place({0: layers}).status

    if most:
        assert status(most) == "OPTIMAL"
    assert status(most + 1) == "INFEASIBLE"


@pytest.mark.parametrize(("capacity", "most"), [(9, 1), (13, 2), (14, 2), (15, 3)])
def test_embedding_and_head_take_room_like_layers(toys, capacity, most):
    # of 3 B and 8 B; near layers of 6 B
    def status(layers):
        problem = toys.problem(layers, stages=(2, 0), is_fluid=True, capacity=(capacity, 0))
        return toys.SizingModel(problem, patterns).place({0: layers}).status

    assert status(most) == "OPTIMAL"
    assert status(most + 1) == "INFEASIBLE"


SIZES = st.tuples(st.integers(1, 9), st.integers(0, 5))


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.lists(SIZES, min_size=1, max_size=4, unique=True), st.tuples(st.integers(0, 20), st.integers(0, 12)))
def test_everything_that_fits_is_part_of_a_pattern_and_every_pattern_fits(sizes, limits):
    sizes = tuple(sorted(sizes, reverse=True))
    found = patterns.patterns(sizes, limits)
    assert found is not None

    def fits(counts):
        return all(sum(n * size[i] for n, size in zip(counts, sizes, strict=True)) <= limits[i] for i in range(2))

    assert all(fits(pattern) for pattern in found)
    for counts in itertools.product(range(5), repeat=len(sizes)):
        is_part = any(all(n <= m for n, m in zip(counts, pattern, strict=True)) for pattern in found)
        if fits(counts):
            assert is_part
        else:
            assert not is_part


def test_too_many_patterns_are_left_out():
    assert patterns.patterns(((7, 0), (5, 0), (3, 0), (2, 0)), (300, 0)) is None
    assert patterns.patterns(((1, 0),), (10**9, 0)) is None
