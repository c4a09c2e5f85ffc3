import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.search.sizing.constraints import rounding


def fluid(toys, *runs, stages=(2, 0), **changes):
    return toys.problem(*runs, stages=stages, is_fluid=True, **changes)


@pytest.mark.parametrize(
    ("capacity", "most"),
    # near layers of 6 B in two stages: as many as whole ones fit, twice
    [(5, 0), (6, 2), (11, 2), (12, 4), (17, 4), (18, 6), (23, 6)],
)
def test_whole_layers_fit_stages(toys, capacity, most):
    def status(layers):
        problem = fluid(toys, layers, capacity=(capacity, 0))
        return toys.SizingModel(problem, rounding).place({0: layers}).status

    if most:
        assert status(most) == "OPTIMAL"
    assert status(most + 1) == "INFEASIBLE"


@pytest.mark.parametrize(("longest", "most"), [(19, 0), (20, 2), (39, 2), (40, 4)])
def test_whole_layers_fit_the_longest_step(toys, longest, most):
    # two microbatches of 10 ps
    def status(layers):
        return toys.SizingModel(fluid(toys, layers, longest=longest), rounding).place({0: layers}).status

    if most:
        assert status(most) == "OPTIMAL"
    assert status(most + 1) == "INFEASIBLE"


@pytest.mark.parametrize(
    ("counts", "step"),
    [
        ({0: 1}, 2 * 10),
        ({0: 3}, 2 * 2 * 10),  # some stage has two of three
        ({0: 4}, 2 * 2 * 10),
        ({0: 1, 1: 4}, 2 * 3 * 4),  # three of the five that take 4 or more outweigh one of 10
        ({0: 1, 1: 1}, 2 * 10),
    ],
)
def test_the_fullest_stage_has_its_share_of_whole_layers(toys, counts, step):
    model = toys.SizingModel(fluid(toys, sum(counts.values())), rounding).place(counts)
    model.assert_share(step)


@pytest.mark.parametrize(("stages", "capacity", "hops"), [(3, 6, 2), (3, 12, 1), (3, 18, 0), (4, 6, 2)])
def test_layers_that_need_a_stage_each_cost_hops(toys, stages, capacity, hops):
    problem = fluid(toys, 3, stages=(stages, 0), capacity=(capacity, 0))
    model = toys.SizingModel(problem, rounding).place({0: 3})
    assert model.least(model.variables.stage_hops[0]) == hops
    if hops:
        assert model.status_if(model.variables.stage_hops[0] == hops - 1) == "INFEASIBLE"


def test_stages_that_are_told_apart_need_no_rounding(toys):
    problem = toys.problem(3, stages=(2, 0), capacity=(11, 0))
    assert toys.SizingModel(problem, rounding).place({0: 3}).status == "OPTIMAL"
    single = toys.problem(3, capacity=(11, 0), is_fluid=True)
    assert toys.SizingModel(single, rounding).place({0: 3}).status == "OPTIMAL"


@settings(max_examples=150)
@given(st.data())
def test_whatever_fits_stages_is_allowed(toys, data):
    stages, in_flight = data.draw(st.integers(2, 3)), data.draw(st.integers(1, 3))
    held = data.draw(st.lists(st.integers(0, 12), min_size=5, max_size=5))
    times = np.array(toys.TIMES)
    times[:, 1] = data.draw(st.lists(st.integers(0, 12), min_size=5, max_size=5))
    layers = data.draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, stages - 1)), min_size=1, max_size=6))
    rooms = [sum(held[number] for number, at in layers if at == stage) for stage in range(stages)]
    busy = [in_flight * sum(int(times[number, 1]) for number, at in layers if at == stage) for stage in range(stages)]
    problem = fluid(
        toys,
        len(layers),
        stages=(stages, 0),
        in_flight=in_flight,
        classes=(toys.table(times, held),),
        capacity=(max(rooms), 0),
        longest=max(*busy, 1),
    )
    counts = {number: sum(1 for way, _ in layers if way == number) for number in range(5)}
    model = toys.SizingModel(problem, rounding).place(counts)
    model.hops()
    assert model.status == "OPTIMAL"
    assert model.least(model.variables.step) <= max(busy)
    # every visited stage but the first is entered from another, or from the sidecar
    visited = len({at for number, at in layers if number != toys.AWAY})
    entered = 1 + counts[toys.RELAY]
    assert model.least(model.variables.stage_hops[0]) <= max(0, visited - entered)
