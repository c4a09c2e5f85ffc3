import pytest

from placer.search.layout.constraints import capacity as in_layout
from placer.search.sizing.constraints import capacity as in_sizing

EMBEDDING, LM_HEAD = 3, 8  # on the host; 4 and 9 on the sidecar


@pytest.mark.parametrize(
    ("counts", "ends", "host", "side"),
    [
        ((3, 0, 0, 0, 0), (0, 0), 3 * 6 + EMBEDDING + LM_HEAD, 0),
        ((3, 0, 0, 0, 0), (1, 0), 3 * 6 + LM_HEAD, 4),
        ((0, 0, 0, 3, 0), (1, 1), 0, 3 * 7 + 4 + 9),
        ((0, 1, 1, 0, 1), (0, 1), 2 + 2 + 5 + EMBEDDING, 4 + 5 + 2 + 9),
    ],
)
def test_a_group_of_one_stage_holds_what_lies_on_it(toys, counts, ends, host, side):
    def status(*capacity):
        model = toys.SizingModel(toys.problem(3, capacity=capacity), in_sizing)
        return model.place(dict(enumerate(counts))).ends(*ends).status

    assert status(toys.PLENTY, toys.PLENTY) == "OPTIMAL"
    assert status(host, side) == "OPTIMAL"
    if host:
        assert status(host - 1, side) == "INFEASIBLE"
    if side:
        assert status(host, side - 1) == "INFEASIBLE"


@pytest.mark.parametrize(
    ("stages", "fullest"),
    [(({(0, 0): 2}, {(0, 0): 1}), 15), (({(0, 0): 1}, {(0, 0): 2}), 20)],  # 12 + 3 and 6 + 8; 6 + 3 and 12 + 8
)
def test_embedding_fills_the_first_stage_and_the_head_the_last(toys, stages, fullest):
    def status(capacity):
        model = toys.SizingModel(toys.problem(3, stages=(2, 0), capacity=(capacity, 0)), in_sizing)
        return model.place({0: 3}).ends().hold(0, *stages).status

    assert status(fullest) == "OPTIMAL"
    assert status(fullest - 1) == "INFEASIBLE"


def test_stages_taken_together_share_what_they_hold(toys):
    # 18 + 3 + 8 = 29 B on two stages: 15 each will do
    def status(capacity):
        changes = {"stages": (2, 0), "capacity": (capacity, 0), "is_fluid": True}
        return toys.SizingModel(toys.problem(3, **changes), in_sizing).place({0: 3}).ends().status

    assert status(15) == "OPTIMAL"
    assert status(14) == "INFEASIBLE"


def test_bytes_take_no_time(toys):
    model = toys.SizingModel(toys.problem(3), in_sizing).place({0: 3}).ends()
    assert model.least(model.variables.step) == 0


@pytest.mark.parametrize(
    ("stages", "fullest"),
    # layers: near 6 B, split 5 B on the host, 2 B on the sidecar, away 7 B there
    [(((0, 0, 0), (0, 0, 1)), (6 + 5 + EMBEDDING, 7)), (((0, 1, 1), (0, 0, 0)), (5 + LM_HEAD, 2 + 7))],
)
def test_a_layout_fits_stage_by_stage(toys, stages, fullest):
    def status(*capacity):
        problem = toys.problem(3, stages=(2, 2), capacity=capacity)
        model = toys.LayoutModel(problem, in_layout).place(toys.NEAR, toys.SPLIT, toys.AWAY).ends(0, 0)
        return model.at(0, *stages[0]).at(1, *stages[1]).status

    host, side = fullest
    assert status(host, side) == "OPTIMAL"
    assert status(host - 1, side) == "INFEASIBLE"
    assert status(host, side - 1) == "INFEASIBLE"


def test_a_layouts_head_may_fill_the_last_stage_of_the_sidecar(toys):
    def status(side):
        problem = toys.problem(1, stages=(1, 2), capacity=(toys.PLENTY, side))
        model = toys.LayoutModel(problem, in_layout).place(toys.AWAY).ends(1, 1).at(0, 0).at(1, 1)
        return model.status

    assert status(7 + 9) == "OPTIMAL"
    assert status(7 + 9 - 1) == "INFEASIBLE"
