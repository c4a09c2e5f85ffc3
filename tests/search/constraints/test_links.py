import numpy as np
import pytest

from placer.search.layout.constraints import links as in_layout
from placer.search.rows import HOST_OUT
from placer.search.sizing.constraints import links as in_sizing

HOST_OUT_, HOST_IN, SIDE_OUT, SIDE_IN = range(4)


def only(toys, port, *runs, **changes):
    """The toy problem with traffic on one port alone."""
    times = np.array(toys.TIMES)
    others = [HOST_OUT + other for other in range(4) if other != port]
    times[:, others] = 0
    ports = tuple(tuple(busy if at == port else 0 for at, busy in enumerate(row)) for row in toys.CROSSING.ports)
    crossing = toys.replace(toys.CROSSING, ports=ports)
    return toys.problem(*runs, classes=(toys.table(times),), crossing=crossing, **changes)


def test_one_group_has_no_ports(toys):
    model = toys.SizingModel(toys.problem(3, stages=(1, 0)), in_sizing).place({0: 3})
    assert model.least(model.variables.step) == 0
    alone = toys.LayoutModel(toys.problem(3, stages=(2, 0)), in_layout).place(0, 0, 0)
    assert alone.least(alone.variables.step) == 0


@pytest.mark.parametrize(
    ("port", "inside", "hops"),
    # direct, relay and split inside; the relay hops back to the host by itself, one more hop goes to the sidecar
    [(HOST_OUT_, 7 + 5 + 4, 13), (HOST_IN, 8 + 0 + 4, 19), (SIDE_OUT, 8 + 0 + 4, 23), (SIDE_IN, 7 + 5 + 4, 17)],
)
def test_ports_carry_layers_and_hops(toys, port, inside, hops):
    counts = {toys.DIRECT: 1, toys.RELAY: 1, toys.SPLIT: 1}
    model = toys.SizingModel(only(toys, port, 3), in_sizing).place(counts)
    model.hops(junctions_to_side=[0, 1]).assert_share(2 * (inside + hops))


@pytest.mark.parametrize(("direction", "step"), [("side", 2 * 2 * 13), ("host", 0)])
def test_a_hop_loads_the_ports_it_goes_through(toys, direction, step):
    model = toys.SizingModel(only(toys, HOST_OUT_, 3), in_sizing).place({toys.NEAR: 3})
    model.hops(**{f"junctions_to_{direction}": [1, 1]})
    assert model.least(model.variables.step) == step


@pytest.mark.parametrize(
    ("hops", "step"),
    # direct (7) in stage 0, relay and split (9) in stage 1: the busier counts, or the mean with the hops
    [([0, 0], 2 * 9), ([0, 1], 16 + 13)],
)
def test_stages_have_ports_of_their_own_but_hops_count_on_average(toys, hops, step):
    problem = only(toys, HOST_OUT_, 3, stages=(2, 1))
    model = toys.SizingModel(problem, in_sizing).place({toys.DIRECT: 1, toys.RELAY: 1, toys.SPLIT: 1})
    model.hold(0, {(0, toys.DIRECT): 1}, {(0, toys.RELAY): 1, (0, toys.SPLIT): 1})
    model.hops(junctions_to_side=hops).assert_share(step)


@pytest.mark.parametrize(
    ("port", "busiest"),
    # near in stage 0, away, relay and direct in stage 1; host to sidecar before the away layer and back after it
    # (to the relay, stage 1), back after the relay (to the direct layer, stage 1), sidecar to head: none
    [
        (HOST_OUT_, max(13, 5 + 7)),
        (HOST_IN, 19 + 19 + 8),
        (SIDE_OUT, 23 + 23 + 8),
        (SIDE_IN, 17 + 5 + 7),
    ],
)
def test_a_layouts_hops_load_the_stages_they_leave_and_reach(toys, port, busiest):
    model = toys.LayoutModel(only(toys, port, 4, stages=(2, 1)), in_layout)
    model.place(toys.NEAR, toys.AWAY, toys.RELAY, toys.DIRECT).ends().at(0, 0, 1, 1, 1).at(1, 0, 0, 0, 0)
    for (to_side, to_host), values in zip(model.variables.hops, [(0, 0), (1, 0), (0, 1), (0, 1), (0, 0)], strict=True):
        model.fix(to_side, values[0])
        model.fix(to_host, values[1])
    model.assert_share(2 * busiest)


@pytest.mark.parametrize(("ends", "busiest"), [((1, 0), 19), ((0, 1), 0)])
def test_a_layouts_ends_lie_in_first_and_last_stage(toys, ends, busiest):
    # embedding on the sidecar: the hop reaches the first layer's stage; head there: the hop leaves from stage 1
    model = toys.LayoutModel(only(toys, HOST_IN, 2, stages=(2, 2)), in_layout)
    model.place(toys.NEAR, toys.NEAR).ends(*ends).at(0, 0, 1).at(1, 0, 1)
    hops = [(0, ends[0]), (0, 0), (ends[1], 0)]
    for (to_side, to_host), values in zip(model.variables.hops, hops, strict=True):
        model.fix(to_side, values[0])
        model.fix(to_host, values[1])
    assert model.least(model.variables.step) == 2 * busiest
