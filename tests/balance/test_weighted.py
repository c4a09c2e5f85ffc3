"""The split of tokens over copies: whole, nowhere without a copy, and optimal."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.balance.weighted import weighted_loads


def _optimum(held, loads):
    """Return the least load of the fullest rank: experts that a set of ranks has alone weigh on the set."""
    ranks = range(len(held))
    sets = [list(chosen) for size in range(1, len(held) + 1) for chosen in itertools.combinations(ranks, size)]
    return max(loads[~np.delete(held, chosen, axis=0).any(axis=0)].sum() / len(chosen) for chosen in sets)


@st.composite
def tables(draw):
    ranks, experts = draw(st.integers(1, 5)), draw(st.integers(1, 7))
    cells = draw(st.lists(st.booleans(), min_size=ranks * experts, max_size=ranks * experts))
    held = np.array(cells).reshape(ranks, experts)
    held[draw(st.integers(0, ranks - 1))] |= ~held.any(axis=0)
    return held, np.array(draw(st.lists(st.integers(0, 50), min_size=experts, max_size=experts)), dtype=float)


@given(tables())
@settings(deadline=None)
def test_it_is_whole_and_optimal(table):
    held, loads = table
    split = weighted_loads(held, loads)
    assert (split >= 0).all()
    assert not split[~held].any()
    assert split.sum(axis=0) == pytest.approx(loads)
    assert split.sum(axis=1).max() == pytest.approx(_optimum(held, loads), abs=1e-6)


def test_what_has_no_copy_is_left_out():
    assert weighted_loads(np.array([[True, False]]), np.array([2.0, 3.0])).tolist() == [[2.0, 0.0]]


def test_the_unit_of_the_loads_does_not_matter():
    held = np.array([[True, True, False], [False, True, True], [True, False, True]])
    for unit in (1e-12, 1.0, 1e12):
        assert weighted_loads(held, unit * np.array([1.0, 2.0, 3.0])).sum(axis=1) == pytest.approx([2 * unit] * 3)
