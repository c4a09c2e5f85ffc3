"""New assignments: legal, balanced, of few moves; the fewest on small cases."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from placer.errors import InputError
from placer.plan.replanning import Shares
from placer.replan.assignment import Problem, by_rank, lists_of, num_moves, rank_loads, table_of
from placer.replan.fresh import fresh_balance
from placer.replan.guided import least_arrivals
from placer.replan.lower_bound import least_moves
from placer.replan.matched import matched_to
from placer.replan.rebalance import TOLERANCE, Effort, Limits, rebalance

EVEN, WEIGHTED = Limits(shares=Shares.EVEN), Limits(shares=Shares.WEIGHTED)


def _fresh(loads, ranks, slots):
    return fresh_balance(Problem(np.zeros((ranks, len(loads)), dtype=bool), np.asarray(loads, dtype=float), slots))


@st.composite
def layers(draw, most_ranks=4, most_experts=7):
    ranks = draw(st.integers(1, most_ranks))
    experts = draw(st.integers(ranks, most_experts))
    slots = -(-experts // ranks) + draw(st.integers(0, 1))
    loads = [float(load) for load in draw(st.lists(st.integers(0, 20), min_size=experts, max_size=experts))]
    drifted = [float(load) for load in draw(st.lists(st.integers(0, 20), min_size=experts, max_size=experts))]
    assume(sum(loads) > 0)
    assume(sum(drifted) > 0)
    return lists_of(_fresh(loads, ranks, slots)), drifted, slots


def _fullest(held, loads, shares):
    """Return the load of the fullest rank; weighted: the experts a set of ranks has alone, spread over the set."""
    if shares is Shares.EVEN:
        return rank_loads(held, loads).max()
    ranks = range(len(held))
    sets = [list(chosen) for size in range(1, len(held) + 1) for chosen in itertools.combinations(ranks, size)]
    return max(loads[~np.delete(held, chosen, axis=0).any(axis=0)].sum() / len(chosen) for chosen in sets)


@given(layers(), st.sampled_from(Shares), st.data())
@settings(max_examples=60, deadline=None)
def test_it_is_legal_and_honest(layer, shares, data):
    old, loads, slots = layer
    alive = data.draw(st.lists(st.integers(0, len(old)), min_size=1, unique=True))
    assume(len(alive) * slots >= len(loads))
    done = rebalance(old, loads, slots, ranks_alive=alive, limits=Limits(shares=shares), effort=Effort(rounds=10))
    held = table_of(done.experts_by_rank, len(loads))
    before = table_of([old[rank] if rank < len(old) else () for rank in alive], len(loads))
    assert held.any(axis=0).all()
    assert held.sum(axis=1).max() <= slots
    assert done.moves == num_moves(held, before)
    assert done.max_load == pytest.approx(_fullest(held, np.array(loads), shares))
    assert done.max_load == pytest.approx(_stated(done, loads).max())
    assert sum(map(sum, done.shares_by_rank)) == pytest.approx(len(loads))
    assert done.is_balanced
    assert done.restored_moves <= done.lower_bound_moves <= done.moves


def _stated(done, loads):
    """Return the load of every rank by the shares that are stated."""
    pairs = zip(done.experts_by_rank, done.shares_by_rank, strict=True)
    return np.array([sum(loads[e] * part for e, part in zip(row, parts, strict=True)) for row, parts in pairs])


def _fewest(old, loads, slots, target, shares):
    """Try every assignment."""
    ranks, experts = old.shape
    rows = [set(row) for count in range(slots + 1) for row in itertools.combinations(range(experts), count)]
    best = None
    for chosen in itertools.product(rows, repeat=ranks):
        held = table_of([sorted(row) for row in chosen], experts)
        if held.any(axis=0).all() and _fullest(held, loads, shares) <= target * (1 + 1e-9):
            moves = num_moves(held, old)
            best = moves if best is None else min(best, moves)
    return best


@pytest.mark.parametrize("shares", Shares)
@given(layer=layers(most_ranks=3, most_experts=4), is_lost=st.booleans())
@settings(max_examples=40, deadline=None)
def test_small_cases_move_as_little_as_brute_force(shares, layer, is_lost):
    old, loads, slots = layer
    alive = list(range(is_lost, len(old)))
    assume(alive)
    assume(len(alive) * slots >= len(loads))
    assume(slots <= 3)
    done = rebalance(old, loads, slots, ranks_alive=alive, limits=Limits(shares=shares))
    before = table_of([old[rank] for rank in alive], len(loads))
    target = done.fresh_max_load * (1 + TOLERANCE)
    fewest = _fewest(before, np.array(loads), slots, target, shares)
    assert done.moves == done.lower_bound_moves == fewest
    problem = Problem(before, np.array(loads), slots)
    assert least_moves(problem, target) <= least_arrivals(problem, target, 0, 1.0) <= fewest


def test_what_is_balanced_stays():
    loads = np.arange(1.0, 65.0) ** -0.8
    old = lists_of(_fresh(loads, 8, 10))
    assert rebalance(old, loads, 10).moves == 0


@pytest.mark.parametrize("exponent", [0.3, 0.5, 0.7, 0.9])
def test_losing_one_of_32_ranks_moves_little_more_than_is_proven(exponent):
    loads = np.arange(1.0, 257.0) ** -exponent
    old = lists_of(_fresh(loads, 32, 9))
    done = rebalance(old, loads, 9, ranks_alive=range(1, 32), limits=WEIGHTED)
    assert done.moves <= 1.2 * done.lower_bound_moves
    assert done.max_load == pytest.approx(_stated(done, loads).max())
    assert done.max_load <= 1.01 * done.fresh_max_load * (1 + 1e-9)
    assert done.fresh_max_load <= 1.001 * done.mean_load


def test_weighted_shares_move_less_than_even_ones():
    loads = np.arange(1.0, 65.0) ** -0.6
    old = lists_of(_fresh(loads, 8, 10))
    even, weighted = (rebalance(old, loads, 10, ranks_alive=range(1, 8), limits=limits) for limits in (EVEN, WEIGHTED))
    assert weighted.moves < even.moves
    assert weighted.fresh_max_load <= even.fresh_max_load


@pytest.mark.parametrize("exponent", [0.3, 0.9])
def test_losing_one_of_32_ranks_with_even_shares(exponent):
    loads = np.arange(1.0, 257.0) ** -exponent
    old = lists_of(_fresh(loads, 32, 9))
    done = rebalance(old, loads, 9, ranks_alive=range(1, 32), limits=EVEN, effort=Effort(rounds=10))
    fresh = matched_to(Problem(table_of(old[1:], 256), loads, 9), _fresh(loads, 31, 9))
    assert done.max_load <= 1.01 * done.fresh_max_load * (1 + 1e-9)
    assert done.moves <= 45
    assert num_moves(fresh, table_of(old[1:], 256)) >= 4 * done.moves


def test_no_more_moves_than_allowed():
    loads = np.arange(1.0, 257.0) ** -0.5
    old = lists_of(_fresh(loads, 32, 9))
    free = rebalance(old, loads, 9, ranks_alive=range(1, 32), limits=EVEN, effort=Effort(rounds=4))
    most = free.restored_moves + 3
    few = Limits(max_moves=most, shares=Shares.EVEN)
    done = rebalance(old, loads, 9, ranks_alive=range(1, 32), limits=few, effort=Effort(rounds=4))
    assert done.moves <= most < free.moves
    assert free.max_load < done.max_load
    with pytest.raises(InputError, match="must be fetched"):
        rebalance(old, loads, 9, ranks_alive=range(1, 32), limits=Limits(max_moves=1), effort=Effort(rounds=4))


def test_new_ranks_fill_up():
    loads = np.ones(16)
    done = rebalance([[*range(8)], [*range(8, 16)]], loads, 8, ranks_alive=[0, 1, 2, 3], limits=Limits(is_single=True))
    assert [len(rank) for rank in done.experts_by_rank] == [4, 4, 4, 4]
    assert done.moves == done.lower_bound_moves == 8


def test_one_copy_each_where_asked():
    loads = np.array([8.0, 1.0, 1.0, 1.0, 1.0])
    done = rebalance([[0, 1, 2], [3, 4]], loads, 3, limits=Limits(is_single=True))
    assert sorted(expert for rank in done.experts_by_rank for expert in rank) == [0, 1, 2, 3, 4]


def test_the_same_question_has_the_same_answer():
    loads = np.random.default_rng(5).lognormal(0, 1, 64)
    old = lists_of(_fresh(loads, 8, 10))
    first, second = (rebalance(old, loads, 10, ranks_alive=range(1, 8)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0], [1]], [1.0, 1.0, 1.0], 1), "2 slots a rank would do"),
        (([[0], [5]], [1.0, 1.0], 1), "beyond the 2"),
        (([[0, 1], [1]], [1.0, 1.0], 1), "more experts than its 1"),
        (([[0]], [float("nan")], 1), "no negative numbers"),
        (([[0]], [-1.0], 1), "no negative numbers"),
    ],
)
def test_wrong_input_is_told(arguments, message):
    with pytest.raises(InputError, match=message):
        rebalance(*arguments)


def test_one_copy_each_of_what_has_several_is_refused():
    with pytest.raises(InputError, match="several copies"):
        rebalance([[0], [0]], [1.0], 1, limits=Limits(is_single=True))


def test_ranks_must_differ():
    with pytest.raises(InputError, match="different numbers"):
        rebalance([[0]], [1.0], 1, ranks_alive=[0, 0])


def test_slots_become_ranks():
    assert by_rank([0, 1, 2, 0], 2) == ((0, 1), (2, 0))
