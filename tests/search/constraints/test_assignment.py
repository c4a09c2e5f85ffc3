from placer.search.layout.constraints import assignment as in_layout
from placer.search.sizing.constraints import assignment as in_sizing


def test_every_layer_of_a_run_lies_in_one_way(toys):
    model = toys.SizingModel(toys.problem(3, 2), in_sizing)
    count = [run.count for run in model.variables.runs]
    near_and_away = [count[0][toys.NEAR] == 1, count[0][toys.AWAY] == 2]
    assert model.status == "OPTIMAL"
    assert model.status_if(*near_and_away, count[0][toys.RELAY] == 1) == "INFEASIBLE"
    assert model.status_if(count[0][toys.NEAR] == 1, sum(count[0][1:]) == 1) == "INFEASIBLE"
    assert model.status_if(*near_and_away) == "OPTIMAL"
    assert model.status_if(*near_and_away, count[1][toys.SPLIT] == 2) == "OPTIMAL"


def test_assignment_alone_takes_no_time(toys):
    model = toys.SizingModel(toys.problem(3), in_sizing)
    assert model.least(model.variables.step) == 0


def test_a_layer_has_one_way_and_one_stage(toys):
    model = toys.LayoutModel(toys.problem(2, stages=(2, 1)), in_layout)
    way, at = model.variables.way, model.variables.at
    assert model.status == "OPTIMAL"
    assert model.status_if(way[0][toys.NEAR] == 1, way[0][toys.RELAY] == 1) == "INFEASIBLE"
    assert model.status_if(sum(way[0]) == 0) == "INFEASIBLE"
    assert model.status_if(at[0][0][0] == 1, at[0][0][1] == 1) == "INFEASIBLE"
    assert model.status_if(sum(at[0][1]) == 0) == "INFEASIBLE"
    assert model.status_if(way[0][toys.NEAR] == 1, at[0][0][0] == 1) == "OPTIMAL"


def test_stages_do_not_fall_from_layer_to_layer(toys):
    model = toys.LayoutModel(toys.problem(3, stages=(3, 2)), in_layout)
    at = model.variables.at
    assert model.status_if(at[0][0][1] == 1, at[0][1][0] == 1) == "INFEASIBLE"
    assert model.status_if(at[0][0][2] == 1, at[0][2][1] == 1) == "INFEASIBLE"
    assert model.status_if(at[1][1][1] == 1, at[1][2][0] == 1) == "INFEASIBLE"
    assert model.status_if(at[0][0][1] == 1, at[0][1][1] == 1, at[0][2][2] == 1) == "OPTIMAL"
    assert model.least(model.variables.step) == 0
