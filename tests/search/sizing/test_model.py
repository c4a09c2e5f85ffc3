from itertools import combinations_with_replacement, product
from random import Random

import numpy as np
import pytest

from placer.search.layout.evaluate import evaluate
from placer.search.layout.layout import Layout
from placer.search.layout.model import solve_layout
from placer.search.params import SolveParams
from placer.search.sizing.model import fluid_bound, solve_sizing

EXACT = SolveParams(relative_gap=0.0)


def random_problem(toys, random, *runs, stages):
    """Tables, capacities and microbatches at random, of two classes where there are two runs."""
    classes = tuple(
        toys.table(
            np.array(toys.TIMES) * np.array([[random.randint(1, 9)] for _ in range(5)]),
            [random.randint(0, 9) if held else 0 for held in toys.HOST_BYTES],
            [random.randint(0, 9) if held else 0 for held in toys.SIDE_BYTES],
        )
        for _ in runs
    )
    made = toys.problem(
        *runs,
        stages=stages,
        in_flight=random.randint(1, 4),
        classes=classes,
        capacity=(random.randint(8, 40), random.randint(8, 40)),
        crossing=toys.replace(toys.CROSSING, to_side=random.randint(1, 60), to_host=random.randint(1, 60)),
    )
    return toys.replace(made, runs=tuple(toys.replace(run, class_index=number) for number, run in enumerate(made.runs)))


def best_layout(problem):
    """Brute force: the shortest step of any layout that fits, or None."""
    layers, best = sum(run.count for run in problem.runs), None
    cuts = [list(combinations_with_replacement(range(max(1, stages)), layers)) for stages in problem.stages]
    sides = (False, True) if problem.has_side else (False,)
    ways = range(5) if problem.has_side else (0,)
    for placements, host, side, first, last in product(product(ways, repeat=layers), *cuts, sides, sides):
        time = evaluate(problem, Layout(placements, (host, side), (first, last)))
        if time.fits and (best is None or time.step < best):
            best = time.step
    return best


@pytest.mark.parametrize("seed", range(25))
def test_sizing_of_single_stages_is_exact(toys, seed):
    random = Random(seed)
    problem = random_problem(toys, random, *random.choice([(3,), (2, 1), (1, 2)]), stages=(1, 1))
    best, sizing = best_layout(problem), solve_sizing(problem, EXACT)
    if best is None:
        assert sizing is None
        return
    assert sizing.step == sizing.bound == best
    assert fluid_bound(problem, EXACT) <= best


@pytest.mark.parametrize("seed", range(16))
def test_sizing_of_several_stages_is_a_bound_and_the_layout_model_is_exact(toys, seed):
    random = Random(seed)
    runs = random.choice([(3,), (2, 1), (1, 1)])
    problem = random_problem(toys, random, *runs, stages=random.choice([(2, 1), (1, 2), (2, 2)]))
    best, sizing = best_layout(problem), solve_sizing(problem, EXACT)
    answer = solve_layout(problem, 0, None, EXACT)
    if best is None:
        assert answer is None
        return
    assert sizing.bound <= best
    assert fluid_bound(problem, EXACT) <= best
    assert answer.bound == best
    assert evaluate(problem, answer.layout).step == best
    assert evaluate(problem, answer.layout).fits


@pytest.mark.parametrize("seed", range(6))
def test_no_step_longer_than_asked_for_is_returned(toys, seed):
    problem = random_problem(toys, Random(seed), 3, stages=(1, 1))
    best = best_layout(problem)
    if best is None:
        pytest.skip("nothing fits this instance")
    assert solve_sizing(toys.replace(problem, longest=best), EXACT).step == best
    assert solve_sizing(toys.replace(problem, longest=best - 1), EXACT) is None
    assert solve_layout(toys.replace(problem, longest=best - 1), 0, None, EXACT) is None
