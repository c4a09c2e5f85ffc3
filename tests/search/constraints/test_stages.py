import pytest

from placer.search.sizing.constraints import stages


def status(toys, problem, counts, *held):
    return toys.SizingModel(problem, stages).place(*counts).hold(0, *held).status


def test_stages_hold_together_what_lies_on_the_group(toys):
    problem = toys.problem(3, stages=(2, 0))
    assert toys.SizingModel(problem, stages).status == "OPTIMAL"
    assert status(toys, problem, [{0: 3}], {(0, 0): 2}, {(0, 0): 1}) == "OPTIMAL"
    assert status(toys, problem, [{0: 3}], {(0, 0): 3}, {}) == "OPTIMAL"
    assert status(toys, problem, [{0: 3}], {(0, 0): 1}, {(0, 0): 1}) == "INFEASIBLE"
    assert status(toys, problem, [{0: 3}], {(0, 0): 2}, {(0, 0): 2}) == "INFEASIBLE"
    assert status(toys, problem, [{0: 2, 1: 1}], {(0, 0): 1, (0, 1): 1}, {(0, 0): 1}) == "OPTIMAL"
    assert status(toys, problem, [{0: 2, 1: 1}], {(0, 0): 2}, {(0, 0): 1}) == "INFEASIBLE"


@pytest.mark.parametrize(
    ("held", "expected"),
    # two runs of two near layers each; (bundle, placement): layers, stage by stage
    [
        (({(0, 0): 2}, {(1, 0): 2}), "OPTIMAL"),
        (({(0, 0): 2, (1, 0): 1}, {(1, 0): 1}), "OPTIMAL"),
        (({(0, 0): 1}, {(0, 0): 1, (1, 0): 2}), "OPTIMAL"),
        (({(0, 0): 1, (1, 0): 1}, {(0, 0): 1, (1, 0): 1}), "INFEASIBLE"),
        (({(1, 0): 2}, {(0, 0): 2}), "INFEASIBLE"),
    ],
)
def test_later_runs_lie_in_later_stages(toys, held, expected):
    assert status(toys, toys.problem(2, 2, stages=(2, 0)), [{0: 2}, {0: 2}], *held) == expected


def test_many_runs_are_told_apart_by_class_only(toys):
    problem = toys.problem(1, 1, 1, 1, 1, stages=(2, 0))
    assert problem.bundles == ((0, 1, 2, 3, 4),)
    assert status(toys, problem, [{0: 1}] * 5, {(0, 0): 2}, {(0, 0): 3}) == "OPTIMAL"
    assert status(toys, problem, [{0: 1}] * 5, {(0, 0): 2}, {(0, 0): 2}) == "INFEASIBLE"


@pytest.mark.parametrize(
    ("inner", "expected"),
    [((2, 1), "OPTIMAL"), ((1, 1), "OPTIMAL"), ((1, 2), "INFEASIBLE")],
)
def test_inner_stages_that_could_change_places_come_in_falling_order(toys, inner, expected):
    first, last = {(0, 0): 1}, {(0, 0): 2}
    held = [first, *({(0, 0): count} for count in inner), last]
    problem = toys.problem(3 + sum(inner), stages=(4, 0))
    assert status(toys, problem, [{0: 3 + sum(inner)}], *held) == expected


@pytest.mark.parametrize(
    ("inner", "expected"),
    # the second stage holds the end of run 0, so it cannot change places with the third
    [(({(0, 0): 1}, {(1, 0): 2}), "OPTIMAL"), (({(1, 0): 1}, {(1, 0): 2}), "INFEASIBLE")],
)
def test_stages_with_an_earlier_run_keep_their_place(toys, inner, expected):
    first = {(0, 0): 2 - inner[0].get((0, 0), 0)}
    last = {(1, 0): 5 - sum(stage.get((1, 0), 0) for stage in inner)}
    problem = toys.problem(2, 5, stages=(4, 0))
    assert status(toys, problem, [{0: 2}, {0: 5}], first, *inner, last) == expected


def test_stages_alone_take_no_time(toys):
    model = toys.SizingModel(toys.problem(3, stages=(2, 2)), stages)
    assert model.least(model.variables.step) == 0


def test_groups_of_one_stage_are_not_divided(toys):
    model = toys.SizingModel(toys.problem(3, stages=(1, 1)), stages)
    assert model.variables.content == ((), ())
    assert model.status == "OPTIMAL"
