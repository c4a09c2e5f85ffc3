import numpy as np
import pytest

from placer.search.layout.constraints import occupancy as in_layout
from placer.search.rows import HOST_FABRIC, SIDE_FABRIC
from placer.search.sizing.constraints import occupancy as in_sizing


def with_slow(toys, column):
    """The toy table with one column a hundred times as long."""
    times = np.array(toys.TIMES)
    times[:, column] *= 100
    return (toys.table(times),)


def test_a_replica_without_work_is_not_busy(toys):
    model = toys.SizingModel(toys.problem(3, embedding=toys.Outside((0, 0), (0, 0))), in_sizing)
    # all layers away and the head with them: the host idles, the sidecar works 2 * (33 + 7)
    model.place({toys.AWAY: 3}).ends(1, 1)
    model.assert_share(2 * (3 * 11 + 7))


@pytest.mark.parametrize(
    ("in_flight", "ends", "step"),
    [
        (1, (0, 0), 10 + 4 + 1 + 5),  # host: near, relay, both ends
        (2, (0, 0), 2 * 20),
        (2, (1, 0), 2 * 19),  # 10 + 4 + 5; sidecar 6 + 11 + 2
        (2, (1, 1), 2 * 26),  # sidecar 6 + 11 + 2 + 7
    ],
)
def test_devices_work_for_every_microbatch(toys, in_flight, ends, step):
    model = toys.SizingModel(toys.problem(3, in_flight=in_flight), in_sizing)
    model.place({toys.NEAR: 1, toys.RELAY: 1, toys.AWAY: 1}).ends(*ends).assert_share(step)


@pytest.mark.parametrize(
    ("column", "counts", "step"),
    [
        (HOST_FABRIC, {0: 2, 4: 1}, 2 * (2 * 300 + 100)),  # near 3, split 1
        (SIDE_FABRIC, {2: 1, 3: 2}, 2 * 3 * 200),  # relay 2, away 2
    ],
)
def test_a_fabric_is_a_resource_of_its_own(toys, column, counts, step):
    model = toys.SizingModel(toys.problem(3, classes=with_slow(toys, column)), in_sizing)
    model.place(counts).ends().assert_share(step)


@pytest.mark.parametrize(
    ("stages", "step"),
    [(({(0, 0): 2}, {(0, 0): 1}), 2 * 21), (({(0, 0): 1}, {(0, 0): 2}), 2 * 25)],  # embedding 1, head 5
)
def test_the_busiest_stage_counts(toys, stages, step):
    model = toys.SizingModel(toys.problem(3, stages=(2, 0)), in_sizing)
    model.place({0: 3}).ends().hold(0, *stages).assert_share(step)


def test_the_busiest_fabric_of_a_stage_counts(toys):
    problem = toys.problem(3, stages=(2, 0), classes=with_slow(toys, HOST_FABRIC))
    model = toys.SizingModel(problem, in_sizing).place({0: 3}).ends()
    model.hold(0, {(0, 0): 1}, {(0, 0): 2}).assert_share(2 * 2 * 300)


def test_stages_taken_together_share_the_work(toys):
    # 2 * (30 + 1 + 5) over two stages
    problem = toys.problem(3, stages=(2, 0), is_fluid=True)
    toys.SizingModel(problem, in_sizing).place({0: 3}).ends().assert_share(36)


@pytest.mark.parametrize(
    ("host", "busiest"),
    # near 10, near 10, split 6; embedding 1 in the first stage, head 5 in the last
    [((0, 0, 1), 10 + 10 + 1), ((0, 1, 1), 10 + 6 + 5), ((1, 1, 1), 10 + 10 + 6 + 5)],
)
def test_a_layout_is_as_busy_as_its_busiest_stage(toys, host, busiest):
    model = toys.LayoutModel(toys.problem(3, stages=(2, 1)), in_layout)
    model.place(toys.NEAR, toys.NEAR, toys.SPLIT).ends().at(0, *host).at(1, 0, 0, 0)
    model.assert_share(2 * busiest)


def test_a_layouts_fabric_counts_by_stage(toys):
    problem = toys.problem(3, stages=(1, 2), classes=with_slow(toys, SIDE_FABRIC))
    model = toys.LayoutModel(problem, in_layout).place(toys.RELAY, toys.AWAY, toys.AWAY).ends()
    model.at(0, 0, 0, 0).at(1, 0, 0, 1).assert_share(2 * 2 * 200)
