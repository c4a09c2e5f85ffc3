"""What speculation gains where bytes, FLOPs or nothing at all bind; and what a plan makes of acceptance."""

from itertools import pairwise

import numpy as np
import pytest

from placer import verify
from placer.api import build_scenario, plan_scenario
from placer.catalog.fleet import Fleet
from placer.catalog.loader import load_fleet
from placer.cost.shape import GroupShape
from placer.plan.plan import Status
from placer.planner.solve import build_searcher
from placer.scenario.speculation import Speculation
from placer.search.layout.construct import cut_one_group
from placer.search.params import SolveParams
from placer.search.sizing.build import Candidate
from tests.oracle.instances import hand_scenario


def unbound(peak):
    """H200 nodes with another peak and without anything that starts up: bandwidth binds where the peak is high."""
    fleet = load_fleet("h200-8x")
    kernels = ("gemm", "attention", "mla", "moe")
    device = fleet.device_of("h200")
    raw = device.model_dump(mode="json") | {
        "kernels": [{"family": family, "floor": "0 s", "mbu": 1.0, "mfu": 1.0} for family in kernels],
        "peak": dict.fromkeys(device.peak, peak),
    }
    devices = fleet.devices | {device.name: type(device).model_validate(raw)}
    bare = {
        name: link.model_copy(update={"latency": 0.0, "bandwidth": 1e18, "all_reduce": (), "all_to_all": ()})
        for name, link in fleet.link_types.items()
    }
    return Fleet.model_validate(fleet.model_copy(update={"devices": devices, "link_types": bare}))


def speed_up(fleet, chance, sequences):
    """Tokens of a user per second with one token drafted by DeepSeek-V3's module, over those of plain decode."""
    scenario = build_scenario(
        "deepseek-ai/DeepSeek-V3",
        fleet,
        workload={"input_tokens": 1_024, "output_tokens": 256},
        target={"tokens_per_s_per_user": 1.0},
        speculation={"kind": "mtp", "acceptance": chance},
    )
    candidate = Candidate(GroupShape("h200", 1, 8, 1, 1), None, 1, sequences, sequences)
    steps = []
    for drafted in (0, 1):
        searcher = build_searcher(scenario, SolveParams(), (drafted, None))
        steps.append(cut_one_group(searcher.builder.exact(candidate))[1])
    return scenario.speculation.gained(1) * steps[0] / steps[1]


@pytest.mark.parametrize("chance", [0.85, 0.9])
def test_the_module_of_deepseek_v3_gains_about_1_8_where_bandwidth_binds(chance):
    # DeepSeek-V3 report, section 5.4.3: the second token is accepted in 85 to 90 %, which gains 1.8 times the speed.
    # At 512 sequences every expert is touched with and without the draft.
    assert speed_up(unbound("100 PFLOP/s"), chance, 512) == pytest.approx(1.8, abs=0.06)


def test_nothing_is_gained_where_flops_bind():
    assert speed_up(unbound("10 TFLOP/s"), 0.9, 512) < 1.0


def test_with_few_sequences_drafted_tokens_touch_experts_of_their_own():
    # 4 sequences of 8 experts each touch about 31 of 256, 8 tokens about 57: reads grow nearly as tokens do.
    few, many = speed_up(unbound("100 PFLOP/s"), 0.9, 8), speed_up(unbound("100 PFLOP/s"), 0.9, 512)
    assert few < 1.45 < many


def tiny(acceptance):
    """The scenario of the oracle, with room and time to draft."""
    return hand_scenario().model_copy(
        update={"speculation": Speculation(kind="mtp", acceptance=acceptance, max_draft_tokens=3)}
    )


def layered(acceptance):
    """The same with ten layers, of which a module is a small part."""
    scenario = tiny(acceptance)
    layers = tuple(run.model_copy(update={"repeat": 10}) for run in scenario.model.layers)
    target = scenario.target.model_copy(update={"tokens_per_s_per_user": 0.01})
    return scenario.model_copy(update={"model": scenario.model.model_copy(update={"layers": layers}), "target": target})


def test_acceptance_of_nothing_drafts_nothing():
    plan = plan_scenario(layered(0.0), gap=0.0)
    plain = plan_scenario(layered(0.0).model_copy(update={"speculation": None}), gap=0.0)
    assert plan.batch.draft_tokens == 0
    assert plan.metrics == plain.metrics
    assert plan.speculation.usd_per_million_output_tokens_without == plan.metrics.usd_per_million_output_tokens


def test_more_acceptance_never_costs_more():
    plans = [plan_scenario(layered(chance), gap=0.0) for chance in np.linspace(0.0, 1.0, 9).tolist()]
    prices = [plan.metrics.usd_per_million_output_tokens for plan in plans]
    depths = [plan.batch.draft_tokens for plan in plans]
    assert all(later <= earlier * (1 + 1e-9) for earlier, later in pairwise(prices))
    assert depths == sorted(depths)
    assert depths[0] == 0
    assert depths[-1] == 3
    assert all(plan.bound.relative_gap == 0.0 for plan in plans)
    assert all(verify(plan).status == "verified" for plan in plans)


def test_a_speed_only_drafting_reaches():
    fastest = 1.0 / plan_scenario(layered(0.0), gap=0.0).metrics.step_time_s
    target = layered(0.9).target.model_copy(update={"tokens_per_s_per_user": 1.2 * fastest})
    plan = plan_scenario(layered(0.9).model_copy(update={"target": target}), gap=0.0)
    assert plan.batch.draft_tokens > 0
    assert plan.speculation.usd_per_million_output_tokens_without is None
    beyond = target.model_copy(update={"tokens_per_s_per_user": 10.0 * fastest})
    refused = plan_scenario(layered(0.9).model_copy(update={"target": beyond}), gap=0.0)
    assert refused.status is Status.INFEASIBLE
    # 2 % below what three drafted tokens reach: the nearest speed is that of drafting, not of plain decode.
    assert fastest * 1.2 < refused.refusal.nearest[0].value < 10.0 * fastest


def test_ways_to_draft_that_nobody_had_time_for_are_no_proof():
    scenario = build_scenario(
        "gpt-oss-20b",
        "h200-8x",
        workload={"input_tokens": 2_048, "output_tokens": 512},
        target={"tokens_per_s_per_user": 20.0},
        speculation={"kind": "mtp", "acceptance": 0.8},
    )
    plan = plan_scenario(scenario, gap=0.05, budget_s=0.2)
    assert plan.status is not Status.INFEASIBLE
    assert plan.bound is None or plan.bound.usd_per_million_output_tokens == 0.0
    if plan.status is Status.PLANNED:
        assert plan.bound.relative_gap == 1.0
        assert verify(plan).status == "verified"


def test_a_plan_for_real_hardware_verifies_and_says_what_drafting_brings():
    scenario = build_scenario(
        "gpt-oss-20b",
        "h200-8x",
        workload={"input_tokens": 2_048, "output_tokens": 512},
        target={"tokens_per_s_per_user": 150.0},
        speculation={"kind": "mtp", "acceptance": 0.8, "max_draft_tokens": 2},
    )
    plan = plan_scenario(scenario, gap=0.05, budget_s=30.0)
    use = plan.speculation
    assert verify(plan).status == "verified"
    assert use.draft_tokens > 0
    assert use.tokens_per_step == pytest.approx(scenario.speculation.gained(use.draft_tokens))
    assert use.usd_per_million_output_tokens_without > plan.metrics.usd_per_million_output_tokens
    assert plan.metrics.tokens_per_s_per_user == pytest.approx(use.tokens_per_step / plan.metrics.step_time_s)
