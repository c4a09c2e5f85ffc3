"""Whole simulations, next to the plan's figures."""

import dataclasses

import pytest

import placer
from placer.errors import InputError
from placer.plan.plan import Plan
from placer.plan.schedule import Order, Schedule
from placer.simulate.outcome import Mode, SimulationReport
from placer.simulate.simulate import Options, simulate_plan
from tests.simulate.conftest import hand_plans

DETERMINISTIC = Options(mode=Mode.DETERMINISTIC)


def test_deterministic_runs_take_the_time_worked_out_by_hand(hand_plan):
    report = simulate_plan(hand_plan, DETERMINISTIC).report
    assert report.is_settled
    assert report.seed is None
    assert report.step_time.simulated == pytest.approx(hand_plan.metrics.step_time_s, rel=1e-9)
    assert report.step_time.difference == pytest.approx(0.0, abs=1e-9)
    assert report.tokens_per_s.simulated == pytest.approx(hand_plan.metrics.capacity_tokens_per_s, rel=1e-9)
    assert report.law_step_time_s == pytest.approx(hand_plan.metrics.law_step_time_s, rel=1e-9)


def is_no_resource(entry):
    return entry.resource == "path" or entry.resource.endswith(" turns")


def test_use_of_every_resource_is_that_of_the_plan(hand_plan):
    report = simulate_plan(hand_plan, DETERMINISTIC).report
    stated = {entry.resource: entry.busy_s for entry in hand_plan.occupancy if not is_no_resource(entry)}
    assert {entry.resource for entry in report.resources} == set(stated)
    for entry in report.resources:
        share = stated[entry.resource] / hand_plan.metrics.step_time_s
        assert entry.utilisation.simulated == pytest.approx(share, rel=1e-6, abs=1e-12), entry.resource


def test_every_device_is_reported_once(hand_plan):
    report = simulate_plan(hand_plan, DETERMINISTIC).report
    groups = {group.role: group for group in hand_plan.groups}
    expected = {
        f"{groups[role].pool}[{index}]"
        for replica in hand_plan.placement.replicas
        for role, starts in replica.first_device.items()
        for start in starts
        for index in range(start, start + groups[role].width)
    }
    assert sorted(use.device for use in report.devices) == sorted(expected)
    assert all(0 < use.utilisation["compute"] <= 1 for use in report.devices)


def test_a_stochastic_run_is_near_and_repeats_with_its_seed(hand_plan):
    options = Options(steps=60, jitter=0.05, seed=1)
    report = simulate_plan(hand_plan, options).report
    assert report == simulate_plan(hand_plan, options).report
    assert report != simulate_plan(hand_plan, dataclasses.replace(options, seed=2)).report
    assert abs(report.step_time.difference) < 0.1
    times = report.token_times
    assert 0 < times.p50_s <= times.p99_s
    gained = hand_plan.scenario.speculation.gained(2) if hand_plan.speculation else 1.0
    assert times.mean_s == report.step_time.simulated / gained
    assert all(0 <= use.utilisation <= 1 for use in report.stages)


def test_more_jitter_is_slower_where_microbatches_wait_for_each_other(pipeline):
    means = [
        simulate_plan(pipeline, Options(steps=300, jitter=jitter)).report.step_time.simulated
        for jitter in (0, 0.3, 0.9)
    ]
    assert means[0] < means[1] < means[2]
    # four microbatches, two stages: the queue before the busiest stage rarely runs dry
    assert means[1] < 1.2 * means[0]


def test_without_draws_a_stochastic_run_is_the_deterministic_one(pipeline):
    drawn = simulate_plan(pipeline, Options(steps=20, jitter=0.0)).report
    steady = simulate_plan(pipeline, DETERMINISTIC).report
    assert drawn.step_time.simulated == pytest.approx(steady.step_time.simulated, rel=1e-9)
    for one, other in zip(drawn.stages, steady.stages, strict=True):
        assert one.utilisation == pytest.approx(other.utilisation, abs=0.02)


def test_the_schedule_of_the_plan_is_the_one_that_runs(pipeline):
    # One microbatch in a stage at a time changes nothing here: stages have one engine; the report says which it was.
    for schedule in (Schedule(), Schedule(window=1), Schedule(order=Order.ARRIVAL)):
        report = simulate_plan(pipeline.model_copy(update={"schedule": schedule}), DETERMINISTIC).report
        assert report.schedule == schedule


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"steps": 0}, "steps"),
        ({"warm_up": -1}, "warm_up"),
        ({"jitter": -0.1}, "jitter"),
        ({"jitter": float("nan")}, "jitter"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_options_are_refused_by_name(options, where):
    with pytest.raises(InputError, match=f"^{where}: expected"):
        Options(**options)


def test_a_refusal_cannot_be_simulated(pipeline):
    raw = pipeline.model_dump() | {"status": "undecided", "placement": None, "batch": None}
    with pytest.raises(InputError, match="expected a plan with a placement, got one that is undecided"):
        placer.simulate(Plan.model_validate(raw))


def test_the_library_and_the_schema(pipeline, tmp_path):
    path = tmp_path / "trace.json"
    report = placer.simulate(pipeline, deterministic=True, trace=path)
    assert SimulationReport.model_validate_json(report.model_dump_json()) == report
    assert path.read_text().startswith('{"traceEvents":[')
    assert all(field.description for field in SimulationReport.model_fields.values())


class TestCertificate:
    """`placer.verify` runs the simulation again."""

    def test_hand_plans_pass(self, hand_plan):
        report = placer.verify(hand_plan)
        assert report.status == "verified", report.findings
        assert report.checks[-1].name == "simulation"

    @pytest.mark.parametrize("factor", [1.00001, 1.03])
    def test_a_plan_slower_than_its_shards_is_rejected_by_this_check_alone(self, factor):
        raw = hand_plans.pipeline()
        figures = raw["metrics"]
        step_s = factor * figures["step_time_s"]
        raw["metrics"] = hand_plans.metrics(step_s=step_s, users=24, usd_per_hour=2.0, power_w=400.0)
        raw["metrics"]["law_step_time_s"] = figures["law_step_time_s"]
        raw["bound"]["usd_per_million_output_tokens"] *= factor
        for alternative in raw["alternatives"]:
            for name in ("usd_per_million_output_tokens", "bound_usd_per_million_output_tokens"):
                alternative[name] = alternative[name] and alternative[name] * factor
        report = placer.verify(Plan.model_validate(raw))
        assert report.failed == ("simulation",), report.findings
        assert "metrics.step_time_s" in str(report.findings[0])

    def test_a_broken_plan_is_not_simulated(self):
        raw = hand_plans.pipeline()
        raw["placement"]["layers"].pop()
        report = placer.verify(Plan.model_validate(raw))
        assert report.checks[-1].skipped
        assert report.status == "rejected"
