"""The relaxation and the models of moves: one constraint at a time, on layers small enough to see."""

import numpy as np
import pytest

from placer.plan.replanning import Shares
from placer.replan.assignment import Problem, num_moves, table_of
from placer.replan.guided import guided, least_arrivals
from placer.replan.thinning import thinned
from placer.search.arrivals import arrivals
from placer.search.weighted_moves import Scope, fewest_weighted_moves, moves_within


def _problem(rows, loads, slots):
    return Problem(table_of(rows, len(loads)), np.array(loads, dtype=float), slots, shares=Shares.WEIGHTED)


def _everything(problem):
    nobody = np.zeros(len(problem.loads), dtype=bool)
    return Scope(problem.old, np.ones_like(problem.old), nobody)


def test_what_nobody_has_must_arrive():
    problem = _problem([[0], [1]], [1.0, 1.0, 1.0], 2)
    assert arrivals(problem, 2.0, 0, 1.0).is_ruled_out
    told = arrivals(problem, 2.0, 1, 1.0)
    assert told.experts.tolist() == [False, False, True]
    assert not told.copied.any()


def test_an_overfull_rank_must_give_away():
    problem = _problem([[0, 1], [2]], [2.0, 2.0, 1.0], 2)
    assert least_arrivals(problem, 3.0, 0, 1.0) == 1
    assert least_arrivals(problem, 4.0, 0, 1.0) == 0


@pytest.mark.parametrize(("target", "moves"), [(4.0, 0), (3.0, 1), (2.6, 1)])
def test_the_fewest_moves_of_a_split(target, moves):
    # Rank 0 is too full by one; a copy of either of its experts takes as much as is needed.
    problem = _problem([[0, 1], [2]], [2.0, 2.0, 1.0], 2)
    found, proven = fewest_weighted_moves(problem, target, problem.old)
    assert proven == num_moves(found, problem.old) == moves
    assert problem.max_load(found) <= target


def test_slots_are_kept():
    problem = _problem([[0, 1], [2]], [2.0, 2.0, 1.0], 2)
    assert moves_within(problem, 2.6, _everything(problem), 0, 1.0) is None
    found = moves_within(problem, 2.6, _everything(problem), 1, 1.0)
    assert found.sum(axis=1).max() <= 2


def test_what_is_closed_stays():
    problem = _problem([[0, 1], [2, 3]], [3.0, 1.0, 1.0, 1.0], 3)
    scope = Scope(problem.old, np.array([[False, True, True, True]] * 2), np.zeros(4, dtype=bool))
    found = moves_within(problem, 3.2, scope, 2, 1.0)
    assert found[:, 0].tolist() == [True, False]
    assert problem.max_load(found) <= 3.2


def test_whole_experts_have_one_copy():
    problem = _problem([[0, 1], [2]], [2.0, 2.0, 1.0], 2)
    scope = Scope(problem.old, np.ones_like(problem.old), np.ones(3, dtype=bool))
    assert moves_within(problem, 2.6, scope, 3, 1.0) is None
    assert moves_within(problem, 3.0, scope, 3, 1.0).sum() == 3


def _after_a_loss():
    loads = np.arange(1.0, 33.0) ** -0.5
    rows = [[*range(rank, 32, 8), (rank + 1) % 8] for rank in range(8)]
    problem = _problem(rows[1:], loads, 6)
    return problem, 1.1 * loads.sum() / 7


def test_a_guess_keeps_to_the_target():
    problem, target = _after_a_loss()
    bound = least_arrivals(problem, target, 0, 1.0)
    found = guided(problem, target, bound, 1.0)
    assert found is not None
    assert problem.max_load(found) <= target
    assert found.any(axis=0).all()
    assert num_moves(found, problem.old) >= bound


def test_thinning_never_moves_more():
    problem, target = _after_a_loss()
    start = np.roll(problem.old, 1, axis=0)
    start[0, ~start.any(axis=0)] = True
    start[0, np.flatnonzero(start[0])[6:]] = False
    target = max(target, problem.max_load(start) * 1.01)
    held = thinned(problem, target, start, 0, 0.5)
    assert num_moves(held, problem.old) <= num_moves(start, problem.old)
    assert problem.max_load(held) <= target
