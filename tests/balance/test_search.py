"""The moves of the search, each alone."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.balance.even import even_out, share_anew, swap_best
from placer.balance.exact import all_options, improve_ranks, place
from placer.balance.pairs import best_pairs
from placer.balance.replicas import exchange_replicas
from placer.balance.split import split
from placer.balance.state import Ranks
from tests.balance.brute import least_max_load
from tests.balance.cases import zipf


def _ranks(loads, rows):
    return Ranks(np.array(loads, dtype=float), np.array(rows))


@given(st.data())
def test_a_split_is_the_best_of_all(data):
    size = data.draw(st.integers(1, 4))
    weight = data.draw(st.lists(st.floats(0, 100), min_size=2 * size, max_size=2 * size))
    wanted = data.draw(st.floats(-50, 300))
    kept, taken, found = split(np.array(weight[:size]), np.array(weight[size:]), wanted)
    assert kept.sum() + taken.sum() == size
    chosen = np.array(weight)[np.concatenate([kept, taken])].sum()
    assert found == pytest.approx(chosen)
    best = min(abs(sum(each) - wanted) for each in combinations(weight, size))
    assert abs(found - wanted) == pytest.approx(best, abs=1e-9)


def test_two_ranks_share_anew():
    state = _ranks([8, 7, 2, 1], [[0, 1], [2, 3]])
    assert share_anew(state, 0, 1, np.random.default_rng(0))
    assert sorted(state.carried) == [9, 9]
    assert not share_anew(state, int(state.carried.argmax()), int(state.carried.argmin()), np.random.default_rng(0))


def test_ranks_with_many_slots_share_some_of_them():
    state = Ranks(np.arange(40.0), np.arange(40).reshape(2, 20))
    even_out(state, 0.0, np.random.default_rng(0), steps=50)
    assert state.max_load == 390
    assert sorted(state.experts.ravel()) == list(range(40))


def test_the_best_swap_is_found():
    state = _ranks([10, 4, 1, 1, 5, 2], [[0, 1], [2, 3], [4, 5]])
    assert swap_best(state, 0)
    assert state.max_load == 11
    assert state.carried.tolist() == pytest.approx(state.shares[state.experts].sum(axis=1))


def test_steps_are_counted():
    state = _ranks(np.arange(30.0), np.arange(30).reshape(3, 10))
    assert even_out(state, 0.0, np.random.default_rng(0), steps=2) == 2


def test_a_replica_moves_to_the_expert_that_needs_it():
    state = _ranks([12, 2, 2, 2], [[0, 1], [2, 3], [2, 3]])
    better = exchange_replicas(state, 0.0, np.random.default_rng(0), tries=20)
    assert state.max_load == 14
    # 12 in three, one with each of the others.
    assert better.max_load == pytest.approx(6.0)


@given(st.lists(st.integers(0, 40), min_size=2, max_size=5), st.integers(1, 3))
def test_pairs_are_optimal(loads, ranks):
    ranks = max(ranks, -(-len(loads) // 2))
    start = np.resize(np.arange(len(loads)), (ranks, 2))
    found = best_pairs(_ranks(loads, start))
    assert found.max_load == pytest.approx(least_max_load(loads, ranks, 2))


def test_pairs_of_too_many_kinds_are_left_alone():
    assert best_pairs(_ranks(zipf(64, 0.3), np.resize(np.arange(64), (64, 2)))) is None


def test_without_replicas_there_is_nothing_to_exchange():
    state = _ranks([3, 1], [[0], [1]])
    assert exchange_replicas(state, 0.0, np.random.default_rng(0), tries=5) is state


class TestCpSat:
    """Small layers whole, large ones in parts."""

    def test_a_small_layer_is_solved(self):
        state = _ranks([6, 5, 4, 3], [[0, 1], [2, 3], [2, 3]])
        found = place(state, all_options(state), limit_s=1.0, seed=0)
        # 18 over three ranks: 3+3, 2.5+2.5 would leave 4 and 3 together.
        assert Ranks(state.loads, found.experts).max_load == pytest.approx(6.5)
        assert 6.49 < found.bound <= 6.5

    def test_three_ranks_do_what_two_cannot(self):
        # 12 + 5, 8 + 8 + ...: only a ring of three makes all ranks even.
        state = _ranks([9, 8, 7, 6, 5, 4, 3, 2, 1], [[0, 3, 8], [1, 4, 7], [2, 5, 6]])
        assert improve_ranks(state, 2, limit_s=1.0, seed=0)
        assert state.carried.tolist() == [15, 15, 15]

    def test_nothing_is_done_where_nothing_helps(self):
        state = _ranks([2, 2, 2, 2], [[0, 1], [2, 3]])
        assert not improve_ranks(state, 3, limit_s=0.1, seed=0)
