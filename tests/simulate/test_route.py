"""A plan's program has the times worked out by hand, and those the verifier derives."""

import pytest

from placer.api import plan
from placer.plan.placement import Way
from placer.simulate.compare import ENGINES
from placer.simulate.deployment import deployment_of
from placer.simulate.route import build_route
from placer.verify.context import context_of


def busy_by_name(route, in_flight):
    busy = {}
    for resource, seconds in zip(route.program.resources, route.program.busy_s(), strict=True):
        for name, engines in ENGINES.items():
            if resource.engine in engines:
                key = f"{resource.role}{name}"
                busy[key] = max(busy.get(key, 0.0), in_flight * seconds)
    return busy


def agree(planned):
    deployment = deployment_of(planned)
    route, context = build_route(deployment), context_of(planned)
    assert route.program.path_s() == pytest.approx(context.flow.path_s, rel=1e-9)
    busy = busy_by_name(route, deployment.in_flight)
    for name, seconds in context.occupancy_s.items():
        if name.endswith(" turns") or name == "drafter":
            continue  # no resources of the simulation: drafters beside the replica count by the law
        assert busy.get(name, 0.0) == pytest.approx(seconds, rel=1e-9, abs=1e-15), name
    return route


def test_path_and_occupancy_are_those_worked_out_by_hand(hand_plan):
    route = agree(hand_plan)
    assert route.program.path_s() == pytest.approx(hand_plan.time.path_s, rel=1e-9)


def test_every_way_is_among_them(mixed):
    assert {layer.way for layer in mixed.placement.layers} == set(Way)


@pytest.mark.parametrize("half", [False, True])
def test_half_duplex_links_are_one_resource(mixed, half):
    scenario = mixed.scenario
    link = scenario.fleet.link_types["bridge"].model_copy(update={"duplex": "half" if half else "full"})
    fleet = scenario.fleet.model_copy(update={"link_types": scenario.fleet.link_types | {"bridge": link}})
    agree(mixed.model_copy(update={"scenario": scenario.model_copy(update={"fleet": fleet})}))


@pytest.mark.parametrize(
    ("model", "fleet"), [("llama-3.1-8b", "h100-8x"), ("olmoe-1b-7b", "h200-8x"), ("mixtral-8x7b", "h20-l40s")]
)
def test_plans_of_the_catalog_have_the_verifiers_times(model, fleet):
    planned = plan(model, fleet, tps_user=30, isl=1000, osl=500, budget_s=20, decode_only=True)
    agree(planned)
