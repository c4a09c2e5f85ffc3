from random import Random

import numpy as np
import pytest

from placer.search.nodes import NodeBounds

SCENARIOS = ["uniform", "zipf", "layers", "fast", "fleet", "chips"]
SLACK = 1 + 1e-9


def bounds_of(search, family):
    return NodeBounds(search.searcher.cost, search.objective, family)


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_layout_of_a_candidate_is_cheaper_than_the_box(searched, name):
    search, random, compared = searched[name], Random(name), 0
    for _ in range(500):
        family, box, candidate = search.draw_all(random)
        if candidate is None:
            continue
        problem = search.builder.exact(candidate)
        found = [search.found(candidate, search.draw_layout(random, problem)) for _ in range(4)]
        value = min((plan.value for plan in found if plan is not None), default=None)
        if value is None:
            continue
        compared += 1
        bounds = bounds_of(search, family)
        for cutoff in (np.inf, value / 2, value, 1.001 * value, 2 * value):
            assert bounds.bound(box, cutoff)[0] <= value * SLACK
    assert compared >= 25


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_leaf_is_settled_for_less_than_the_box(searched, name):
    search, random, compared = searched[name], Random(name), 0
    for _ in range(12):
        family, box, candidate = search.draw_all(random)
        if candidate is None:
            continue
        settled = search.leaves.settle(candidate, np.inf, -1)
        if settled.found is None:
            continue
        compared += 1
        value, bounds = settled.found.value, bounds_of(search, family)
        assert settled.bound <= value * SLACK
        for cutoff in (np.inf, 1.0001 * value):
            assert bounds.bound(box, cutoff)[0] <= value * SLACK
    assert compared


def test_a_lone_relay_need_not_come_back(toys):
    # One layer: the host has no room for experts, the sidecar none for attention beside them, so that the layer is
    # a relay with the head on the sidecar; the half-duplex link, busy with four microbatches, carries one way only.
    one = {"count": 1, "unit": 1, "domain": 1}
    scenario = toys.scenario(big=one, fast=one)
    model, fleet = scenario.model.model_dump(), scenario.fleet.model_dump()
    model["layers"] = model["layers"][1:]
    model["layers"][0]["repeat"] = 1
    fleet["link_types"]["bridge"] |= {"bandwidth": "3 MB/s", "latency": "0 us"}
    fleet["links"][0]["bandwidth"] = {"big": "3 MB/s"}
    for device, capacity in (("wide", "8 kB"), ("quick", "12850 B")):
        fleet["devices"][device]["memory"][0]["capacity"] = capacity
    search = toys.Searched(
        type(scenario).model_validate(scenario.model_dump() | {"model": model, "fleet": fleet}), relative_gap=0.0
    )
    family = search.family(("big", "fast"))
    shapes = [tree.shapes[0] for tree in (family.host, family.side)]
    assert [shape.num_devices for shape in shapes] == [1, 1]
    found = search.leaves.settle(toys.Candidate(*shapes, 4, 1, 1), np.inf).found
    assert found.layout.placements == (toys.RELAY,)
    assert found.layout.outside_on_side == (False, True)
    # four times 32 B at 3 MB/s
    assert found.step_s == pytest.approx(4 * 32 / 3e6, rel=1e-6)
    box = np.array([[family.host.first_leaf, family.side.first_leaf, 4, 4, 0, 0]])
    assert 0.3 * found.value < bounds_of(search, family).bound(box, np.inf)[0] <= found.value * SLACK


def test_bounds_say_something(searched):
    # The best plan of these costs 0.265 US cents per million tokens: most boxes cannot hold a tenth of that, and
    # the best leaf is bounded within a factor of two.
    search, random = searched["uniform"], Random(1)
    value = []
    for _ in range(50):
        family, box, _ = search.draw_all(random)
        value.append(bounds_of(search, family).bound(box, np.inf)[0])
    assert np.median(value) > 0.000265
    family = search.family(("big",))
    leaf = next(at for at, shape in enumerate(family.host.shapes) if (shape.stages, shape.width, shape.tp) == (1, 4, 2))
    cell = int(np.searchsorted(family.host.sizes, 40))
    box = np.array([[family.host.first_leaf + leaf, 0, 1, 1, cell, cell]])
    assert 0.00265 / 2 < bounds_of(search, family).bound(box, np.inf)[0] < np.inf


def test_a_box_is_never_bounded_above_one_inside_it(searched):
    search, random = searched["uniform"], Random(2)
    for _ in range(100):
        family, outer, _ = search.draw_all(random)
        inner = outer.copy()
        for column, tree in enumerate((family.host, family.side)):
            while tree is not None and inner[0, column] < tree.first_leaf:
                inner[0, column] = 2 * inner[0, column] + random.randrange(2)
        inner[0, 2] = inner[0, 3] = random.randint(*outer[0, 2:4].tolist())
        inner[0, 4] = inner[0, 5] = random.randint(*outer[0, 4:6].tolist())
        whole, part = bounds_of(search, family).bound(np.concatenate([outer, inner]), np.inf)
        assert whole <= part * SLACK
