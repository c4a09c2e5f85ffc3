import pytest

from placer.search.sizing.constraints import stage_hops


@pytest.mark.parametrize(
    ("held", "hops"),
    [
        (({(0, 0): 2}, {(0, 0): 1}), 1),
        (({(0, 0): 3}, {}), 1),  # the head lies in the last stage
        (({}, {(0, 0): 3}), 1),  # the embedding in the first
    ],
)
def test_two_stages_of_one_group_are_a_hop_apart(toys, held, hops):
    model = toys.SizingModel(toys.problem(3, stages=(2, 0)), stage_hops).place({0: 3}).hold(0, *held)
    assert model.least(model.variables.stage_hops[0]) == hops
    assert model.status_if(model.variables.stage_hops[0] == hops - 1) == "INFEASIBLE"
    assert model.status_if(model.variables.stage_hops[0] == hops) == "OPTIMAL"


def test_an_empty_stage_in_between_is_passed_by(toys):
    model = toys.SizingModel(toys.problem(3, stages=(3, 0)), stage_hops).place({0: 3})
    model.hold(0, {(0, 0): 2}, {}, {(0, 0): 1})
    assert model.least(model.variables.stage_hops[0]) == 1


@pytest.mark.parametrize(
    ("counts", "inside", "hops"),
    # stages 0 and 1 hold two host layers each, embedding and head lie on the host
    [
        ({0: 4}, (0, 0, 0), 1),
        ({0: 3, 2: 1}, (0, 0, 0), 0),  # a relay comes back to whichever stage is next
        ({1: 4}, (0, 0, 0), 1),  # direct layers stay
    ],
)
def test_coming_back_from_the_sidecar_may_save_the_hop(toys, counts, inside, hops):
    model = toys.SizingModel(toys.problem(4, stages=(2, 1)), stage_hops).place(counts).ends()
    model.hops(inside=[inside])
    first = next(iter(counts))
    second = {2: 1} if 2 in counts else {}
    rest = 2 - sum(second.values())
    model.hold(0, {(0, first): 2}, {(0, first): rest} | {(0, number): 1 for number in second})
    assert model.least(model.variables.stage_hops[0]) == hops


@pytest.mark.parametrize(
    ("counts", "inside", "junctions", "hops"),
    [
        # away layers in both stages of the sidecar, entered once from the host
        ({3: 4}, (1, 1, 0), [1, 0], 1),
        # entered twice: once more inside the run
        ({3: 4}, (1, 1, 1), [1, 0], 0),
        # two relays enter by themselves
        ({2: 2, 3: 2}, (0, 1, 0), [0, 0], 0),
    ],
)
def test_the_sidecars_stages_are_visited_by_relay_and_away(toys, counts, inside, junctions, hops):
    model = toys.SizingModel(toys.problem(4, stages=(1, 2)), stage_hops).place(counts).ends()
    model.hops(junctions_to_side=junctions, inside=[inside])
    half = {(0, number): count // 2 for number, count in counts.items()}
    model.hold(1, half, half)
    assert model.least(model.variables.stage_hops[1]) == hops


@pytest.mark.parametrize("number", [0, 1, 2, 4])
def test_hidden_states_stop_wherever_attention_lies(toys, number):
    # the middle of three stages holds a near, direct, relay or split layer; a relay comes back by itself
    model = toys.SizingModel(toys.problem(1, stages=(3, 1)), stage_hops).place({number: 1}).ends().hops()
    model.hold(0, {}, {(0, number): 1}, {})
    assert model.least(model.variables.stage_hops[0]) == (1 if number == toys.RELAY else 2)


def test_experts_that_answer_do_not_count_as_a_visit(toys):
    # direct layers load both stages of the sidecar, but hidden states stay on the host
    model = toys.SizingModel(toys.problem(4, stages=(1, 2)), stage_hops).place({1: 4}).ends().hops()
    model.hold(1, {(0, 1): 2}, {(0, 1): 2})
    assert model.least(model.variables.stage_hops[1]) == 0


def test_hops_alone_take_no_time_and_one_stage_has_none(toys):
    model = toys.SizingModel(toys.problem(3, stages=(2, 1)), stage_hops)
    assert model.least(model.variables.step) == 0
    alone = toys.SizingModel(toys.problem(3), stage_hops)
    assert alone.status_if(sum(alone.variables.stage_hops) >= 1) == "INFEASIBLE"
