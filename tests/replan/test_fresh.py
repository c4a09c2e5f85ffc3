"""A balance from nothing: every expert somewhere, no rank too full, none twice on a rank; near its bound."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.balance.layer import balance_layer
from placer.replan.assignment import Problem
from placer.replan.fresh import fresh_balance


def _problem(loads, ranks, slots, **fields):
    return Problem(np.zeros((ranks, len(loads)), dtype=bool), np.asarray(loads, dtype=float), slots, **fields)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=9), st.integers(1, 4), st.integers(0, 2), st.booleans())
@settings(max_examples=40, deadline=None)
def test_it_is_legal(loads, ranks, spare, is_single):
    slots = -(-len(loads) // ranks) + spare
    held = fresh_balance(
        _problem([load + (index == 0) for index, load in enumerate(loads)], ranks, slots, is_single=is_single)
    )
    assert held.any(axis=0).all()
    assert held.sum(axis=1).max() <= slots
    assert not is_single or held.sum() == len(loads)


@pytest.mark.parametrize("seed", range(4))
def test_setting_twins_apart_costs_next_to_nothing(seed):
    loads = np.random.default_rng(seed).lognormal(0.0, 0.9, 256)
    held = fresh_balance(_problem(loads, 32, 9))
    assert _problem(loads, 32, 9).max_load(held) <= 1.001 * balance_layer(loads, 32, 288).max_load
