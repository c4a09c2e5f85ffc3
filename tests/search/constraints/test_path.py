import pytest

from placer.search.layout.constraints import path as in_layout
from placer.search.sizing.constraints import path as in_sizing


def test_the_path_of_one_group_is_its_ops_in_series(toys):
    model = toys.SizingModel(toys.problem(3, stages=(1, 0)), in_sizing).place({toys.NEAR: 3})
    model.assert_share(3 * 10 + 1 + 5)


def test_microbatches_do_not_lengthen_the_path(toys):
    model = toys.SizingModel(toys.problem(3, stages=(1, 0), in_flight=64), in_sizing).place({toys.NEAR: 3})
    model.assert_share(3 * 10 + 1 + 5)


def test_ops_and_hops_add_up(toys):
    # near 10, relay 25, away 12; embedding on the host 1, head on the sidecar 7
    model = toys.SizingModel(toys.problem(3, stages=(2, 2)), in_sizing)
    model.place({toys.NEAR: 1, toys.RELAY: 1, toys.AWAY: 1}).ends(0, 1)
    # one hop to the sidecar inside, one before the head; back after the relay and once more; a token
    model.hops(junctions_to_side=[0, 1], inside=[(0, 0, 1)], token=1)
    model.fix_all(model.variables.stage_hops, (3, 2))
    model.assert_share(10 + 25 + 12 + 1 + 7 + 2 * 100 + 2 * 200 + 50 + 3 * 31 + 2 * 37)


def test_a_run_that_ends_on_the_sidecar_need_not_come_back(toys):
    model = toys.SizingModel(toys.problem(2), in_sizing).place({toys.RELAY: 2}).ends(0, 1)
    # back = relays + starts - ends + hops = 2 + 0 - 1 + 0
    model.hops(inside=[(0, 1, 0)], token=1).assert_share(2 * 25 + 1 + 7 + 200 + 50)


def test_a_step_shorter_than_the_longest_of_interest_is_needed(toys):
    def status(longest):
        problem = toys.problem(3, stages=(1, 0), longest=longest)
        return toys.SizingModel(problem, in_sizing).place({toys.NEAR: 3}).status

    assert status(36) == "OPTIMAL"
    assert status(35) == "INFEASIBLE"


# By layer: way, stage on the host, stage on the sidecar.
LAYOUTS = [
    # all near, two stages: one hop, token back from stage 1 to stage 0
    ([(0, 0, 0), (0, 0, 0), (0, 1, 0)], (0, 0), 36 + 31 + 41),
    # all near in stage 0: the head in stage 1 costs the hop all the same
    ([(0, 0, 0), (0, 0, 0), (0, 0, 0)], (0, 0), 36 + 31 + 41),
    # away in both stages of the sidecar, ends there as well
    ([(3, 0, 0), (3, 0, 0), (3, 0, 1)], (1, 1), 3 * 12 + 2 + 7 + 37 + 43),
    # near, relay, near, the last in another stage: over, back; no stage hop, as the way back leads there
    ([(0, 0, 0), (2, 0, 0), (0, 1, 0)], (0, 0), 10 + 25 + 10 + 1 + 5 + 200 + 41),
    # direct layers stay on the host and hop between its stages
    ([(1, 0, 0), (1, 1, 0), (4, 1, 0)], (0, 0), 30 + 30 + 28 + 1 + 5 + 31 + 41),
    # near, away, near with the head on the sidecar's last stage: 2 hops over, 1 back, token over the link
    ([(0, 0, 0), (3, 0, 0), (0, 1, 0)], (0, 1), 10 + 12 + 10 + 1 + 7 + 100 + 200 + 100 + 50),
    # relay then away in the next stage of the sidecar: a stage hop there
    ([(0, 0, 0), (2, 0, 0), (3, 0, 1)], (0, 1), 10 + 25 + 12 + 1 + 7 + 37 + 50),
]


@pytest.mark.parametrize(("layers", "ends", "step"), LAYOUTS)
def test_a_layouts_path_has_the_hops_of_its_sequence(toys, layers, ends, step):
    ways, host, side = zip(*layers, strict=True)
    model = toys.LayoutModel(toys.problem(3, stages=(2, 2)), in_layout)
    model.place(*ways).ends(*ends).at(0, *host).at(1, *side).assert_share(step)
