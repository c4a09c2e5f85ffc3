import dataclasses
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.plan.plan import BatchPlan
from placer.plan.schedule import Schedule
from placer.planner.assemble import Outcome, assemble
from placer.planner.placement import group_plans
from placer.planner.rescore import Achieved
from placer.planner.solve import Solved
from placer.search.layout.evaluate import evaluate, hops_of
from placer.search.layout.layout import Layout
from placer.search.layout.model import build_layout_model
from placer.search.quantize import seconds
from placer.search.solve import Stop
from placer.verify.context import context_of
from placer.verify.verify import verify_plan


def plan_of(search, found):
    solved = Solved(found, found.value, Stop.PROVEN, ())
    outcome = Outcome(Achieved(found, found.step_s, Schedule()), (), 0, 0.0)
    return assemble(search.scenario, search.searcher, solved, outcome, search.params)


def draws(search, random, count):
    """Candidates of the declared space, small enough to fit often, with a layout each."""
    for _ in range(count):
        family = search.family(random.choice(search.searcher.families()))
        box = search.draw_box(random, family)
        box[0, 4], box[0, 5] = 0, min(box[0, 5], 5)
        candidate = search.draw_candidate(random, family, box)
        if candidate is not None:
            yield candidate, search.draw_layout(random, search.builder.exact(candidate))


@pytest.mark.parametrize("name", ["uniform", "zipf", "layers", "fleet", "chips"])
def test_the_verifier_derives_the_same_figures(searched, name):
    search, compared = searched[name], 0
    for candidate, layout in draws(search, Random(name), 100):
        found = search.found(candidate, layout)
        if found is None:
            continue
        compared += 1
        plan = plan_of(search, found)
        assert [str(finding) for finding in verify_plan(plan).findings] == []
        problem, context = search.builder.placed.exact(candidate), context_of(plan)
        time, slack = evaluate(problem, layout), problem.num_terms * 1e-12
        exact = {"path": context.recomputed.path_s, **context.occupancy_s}
        for resource, picoseconds in {"path": time.path, **time.busy}.items():
            # rounded up, never by more than a picosecond a term
            assert exact[resource] * (1 - 1e-9) <= seconds(picoseconds)
            assert seconds(picoseconds) <= exact[resource] * (1 + 1e-9) + slack
        assert time.step == max(time.path, time.busiest)
    assert compared >= 10


@pytest.mark.parametrize("name", ["uniform", "zipf", "chips"])
def test_the_verifier_agrees_on_what_fits(searched, name):
    search, seen = searched[name], []
    for candidate, layout in draws(search, Random(name), 60):
        found = search.found(candidate, layout)
        if found is None:
            continue
        plan = plan_of(search, found)
        for size in (1, 4, 16, 64, 256):
            sequences = candidate.host.dp * size
            larger = dataclasses.replace(candidate, least=sequences, most=sequences)
            batch = BatchPlan(sequences_per_microbatch=sequences, microbatches_in_flight=candidate.in_flight)
            groups = group_plans(dataclasses.replace(found, candidate=larger))
            context = context_of(plan.model_copy(update={"batch": batch, "groups": groups}))
            rooms = [context.groups[device.place[0]].device.usable_bytes for device in context.memory]
            fits = all(device.total <= room for device, room in zip(context.memory, rooms, strict=True))
            assert fits == evaluate(search.builder.exact(larger), layout).fits
            seen.append(fits)
    assert seen.count(False) >= 10
    assert seen.count(True) >= 10


@settings(max_examples=80)
@given(random=st.randoms(use_true_random=False))
def test_the_layout_model_sees_the_same_step(toys, random):
    """The model with everything fixed allows exactly the step that is evaluated."""
    stages = (random.randint(1, 3), random.randint(1, 3))
    problem = toys.problem(2, 2, stages=stages, in_flight=random.randint(1, 4), capacity=(40, 30))
    layout = toys.Searched.draw_layout(None, random, problem)
    time = evaluate(problem, layout)
    model = toys.LayoutModel.__new__(toys.LayoutModel)
    model.model, model.variables = build_layout_model(problem, 0)
    model.model.clear_objective()
    model.lay(layout)
    if not time.fits:
        assert model.status == "INFEASIBLE"
        return
    model.assert_share(time.step)


def test_hops_by_hand(toys):
    # embedding on the host; near (stage 0), relay, away (stage 1 of the sidecar), near (stage 1); head on the host
    problem = toys.problem(4, stages=(2, 2))
    layout = Layout((0, 2, 3, 0), ((0, 0, 0, 1), (0, 0, 1, 1)), (False, False))
    # a hop between the sidecar's stages, one to the host, the token from stage 1 to stage 0
    assert hops_of(problem, layout) == 37 + 200 + 41
    time = evaluate(problem, layout)
    assert time.path == 10 + 25 + 12 + 10 + 1 + 5 + 37 + 200 + 41
    assert time.busy == {
        "host": 2 * max(1 + 10 + 4, 10 + 5),
        "host fabric": 2 * 3,
        "host out": 2 * 5,
        "host in": 2 * 19,
        "sidecar": 2 * max(6, 11),
        "sidecar fabric": 2 * 2,
        "sidecar out": 2 * 23,
        "sidecar in": 2 * 5,
        # two turns of the head; no layer of this table takes a turn
        "host turns": 2 * 5,
        "sidecar turns": 0,
    }
    assert time.step == time.path
