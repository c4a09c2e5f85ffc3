from itertools import pairwise, product

import pytest

from placer.search.sizing.constraints import order

# Where a layer takes its input and leaves its output: 0 host, 1 sidecar.
ENDS = {0: (0, 0), 2: (0, 1), 3: (1, 1)}  # near, relay, away


def fewest_hops(counts, start, end):
    """Brute force: hops to the sidecar and to the host inside a run, the fewest over all orders; None if there is none.

    The numbers of both directions grow together, so the fewest of one are the fewest of the other.
    """
    best = None
    layers = [way for way, count in counts.items() for _ in range(count)]
    for ways in set(product(counts, repeat=len(layers))):
        if any(ways.count(way) != count for way, count in counts.items()):
            continue
        if ENDS[ways[0]][0] != start or ENDS[ways[-1]][1] != end:
            continue
        borders = [(ENDS[before][1], ENDS[after][0]) for before, after in pairwise(ways)]
        hops = borders.count((0, 1)), borders.count((1, 0))
        best = hops if best is None else min(best, hops)
    return best


MIXES = [dict(zip(ENDS, counts, strict=True)) for counts in product(range(4), repeat=3) if 1 <= sum(counts) <= 4]


@pytest.mark.parametrize("counts", MIXES, ids=str)
def test_hops_inside_a_run_are_those_of_the_best_order(toys, counts):
    problem = toys.problem(sum(counts.values()))
    for start, end in product((0, 1), repeat=2):
        model = toys.SizingModel(problem, order).place(counts)
        run = model.variables.runs[0]
        model.fix(run.starts_on_side, start)
        model.fix(run.ends_on_side, end)
        expected = fewest_hops(counts, start, end)
        if expected is None:
            assert model.status == "INFEASIBLE"
            continue
        to_side, to_host = expected
        assert model.least(run.hops_to_side) == to_side
        assert model.least(model.variables.back(problem, 0)) == to_host
        if to_side:
            assert model.status_if(run.hops_to_side == to_side - 1) == "INFEASIBLE"


def test_direct_and_split_layers_stay_on_the_host(toys):
    model = toys.SizingModel(toys.problem(2), order).place({toys.DIRECT: 1, toys.SPLIT: 1})
    run = model.variables.runs[0]
    assert model.status_if(run.starts_on_side == 0, run.ends_on_side == 0) == "OPTIMAL"
    assert model.status_if(run.starts_on_side == 1) == "INFEASIBLE"
    assert model.status_if(run.ends_on_side == 1) == "INFEASIBLE"


def test_hops_between_runs_and_ends_are_paid_where_the_sides_differ(toys):
    # embedding on the host; run 0 away, run 1 near; head on the sidecar
    model = toys.SizingModel(toys.problem(1, 1), order).place({toys.AWAY: 1}, {toys.NEAR: 1}).ends(0, 1)
    to_side, to_host = model.variables.junction_to_side, model.variables.junction_to_host
    assert [model.least(junction) for junction in to_side] == [1, 0, 1]
    assert [model.least(junction) for junction in to_host] == [0, 1, 0]
    assert model.least(model.variables.token_hops) == 1
    assert model.status_if(to_side[0] == 0) == "INFEASIBLE"
    assert model.status_if(to_host[1] == 0) == "INFEASIBLE"
    assert model.status_if(model.variables.token_hops == 0) == "INFEASIBLE"


@pytest.mark.parametrize(("ends", "token"), [((0, 0), 0), ((1, 1), 0), ((0, 1), 1), ((1, 0), 1)])
def test_the_token_returns_over_the_link_where_the_ends_are_apart(toys, ends, token):
    model = toys.SizingModel(toys.problem(1), order).place({toys.NEAR: 1}).ends(*ends)
    assert model.least(model.variables.token_hops) == token


def test_one_group_has_one_order(toys):
    model = toys.SizingModel(toys.problem(3, stages=(1, 0)), order).place({toys.NEAR: 3})
    assert model.status == "OPTIMAL"
    assert model.least(sum(model.variables.junction_to_side)) == 0
    assert model.least(model.variables.step) == 0
