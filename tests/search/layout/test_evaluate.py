import dataclasses

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from placer.planner.assemble import assemble
from placer.planner.solve import Solved
from placer.search.layout.evaluate import evaluate, hops_of
from placer.search.layout.layout import Layout
from placer.search.layout.model import build_layout_model
from placer.search.quantize import seconds
from placer.search.solve import Stop
from placer.verify.context import context_of
from placer.verify.verify import verify_plan


def drawn(search, random, *, even=True):
    """A candidate, any of the declared space, and a layout of it as the search reports one."""
    family = search.family(random.choice(search.searcher.families()))
    box = search.draw_box(random, family)
    if even:
        box[0, 4] = 0
        box[0, 5] = min(box[0, 5], 5)
    candidate = search.draw_candidate(random, family, box)
    assume(candidate is not None)
    problem = search.builder.exact(candidate)
    found = search.found(candidate, search.draw_layout(random, problem))
    assume(found is not None)
    return problem, found


@pytest.mark.parametrize("name", ["uniform", "zipf", "fleet", "chips"])
@settings(max_examples=100)
@given(random=st.randoms(use_true_random=False))
def test_the_verifier_derives_the_same_figures(searched, name, random):
    search = searched[name]
    problem, found = drawn(search, random)
    solved = Solved(found, found.value, Stop.PROVEN, ())
    plan = assemble(search.scenario, search.searcher, solved, ((), 0.0), search.params)
    report = verify_plan(plan)
    assert [str(finding) for finding in report.findings] == []
    time, context = evaluate(problem, found.layout), context_of(plan)
    slack = problem.num_terms * 1e-12
    exact = {"path": context.recomputed.path_s, **context.occupancy_s}
    for name_, picoseconds in {"path": time.path, **time.busy}.items():
        # rounded up, never by more than a picosecond a term
        assert exact[name_] * (1 - 1e-12) <= seconds(picoseconds) + 1e-15
        assert seconds(picoseconds) <= exact[name_] * (1 + 1e-12) + slack
    assert time.step == max(time.path, time.busiest)


@pytest.mark.parametrize("name", ["uniform", "chips"])
@settings(max_examples=60)
@given(random=st.randoms(use_true_random=False), data=st.data())
def test_the_verifier_finds_overfull_devices_where_a_layout_does_not_fit(searched, name, random, data):
    search = searched[name]
    _, found = drawn(search, random)
    for size in (2, 4, 16, 64, 256):
        changes = {"least": found.candidate.host.dp * size, "most": found.candidate.host.dp * size}
        candidate = dataclasses.replace(found.candidate, **changes)
        problem = search.builder.exact(candidate)
        time = evaluate(problem, found.layout)
        if not time.fits:
            break
    assume(not time.fits)
    full = dataclasses.replace(found, candidate=candidate, step_s=seconds(time.step))
    solved = Solved(full, full.value, Stop.PROVEN, ())
    del data
    plan = _assembled(search, solved)
    assume(plan is not None)
    assert "capacity" in verify_plan(plan).failed


def _assembled(search, solved):
    """A plan, or None where its figures cannot be written down (negative free bytes)."""
    try:
        return assemble(search.scenario, search.searcher, solved, ((), 0.0), search.params)
    except ValueError:
        return None


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
    }
    assert time.step == time.path
