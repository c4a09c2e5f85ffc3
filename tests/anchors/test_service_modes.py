"""The modes machines are built for are found where the field has them; orders are pinned, not prices (claims B1-B3)."""

import pytest

from placer.api import build_scenario, plan_scenario
from placer.catalog.loader import load_fleet
from placer.plan.placement import Role

FLEET = "vera-rubin-nvl72-lpx"


def service(model, fleet, speed, *, isl=8192, osl=1024, gap=0.5, **service):
    scenario = build_scenario(
        model,
        fleet,
        workload={"input_tokens": isl, "output_tokens": osl},
        target={"tokens_per_s_per_user": speed},
        service={"ttft": "2 s"} | service,
    )
    return plan_scenario(scenario, gap=gap, budget_s=60.0)


def per_dollar(fleet, pool, figure):
    device = fleet.device_of(pool)
    return figure(device) / fleet.usd_per_hour(pool)


def test_a_small_model_at_high_interactivity_decodes_in_sram_alone():
    plan = service("llama-3.1-8b", FLEET, 2000, gap=0.6)
    assert plan.mode == "P/D-disaggregated, all-in-SRAM decode"
    assert {group.pool for group in plan.groups} == {"lpx"}
    # Prompts want FLOPs: they go to the GPUs (B1).
    assert {pool.pool for pool in plan.phases.prefill} == {"rubin"}


def test_at_low_interactivity_the_sidecar_is_left_out():
    for model in ("llama-3.1-8b", "deepseek-ai/DeepSeek-V3"):
        assert set(service(model, FLEET, 20).devices) == {"rubin"}


def test_a_large_moe_in_between_splits_attention_and_ffn():
    plan = service("deepseek-ai/DeepSeek-V3", FLEET, 100, gap=0.15)
    assert "AFD" in plan.mode
    assert set(plan.devices) == {"rubin", "lpx"}
    # Attention keeps the KV cache, and HBM; without the sidecar the same costs more.
    (without,) = (other for other in plan.alternatives if other.without_pool == "lpx")
    assert without.usd_per_request > plan.metrics.usd_per_request


def decode_split(fleet, model, speed, isl, osl, gap=0.1):
    scenario = build_scenario(
        model,
        fleet,
        workload={"input_tokens": isl, "output_tokens": osl},
        target={"tokens_per_s_per_user": speed},
    )
    plan = plan_scenario(scenario, gap=gap, budget_s=60.0)
    pools = {group.role: group.pool for group in plan.groups}
    return plan, pools.get(Role.HOST), pools.get(Role.SIDECAR)


def test_afd_has_two_opposite_reasons():
    # MegaScale-Infer: FFNs of many sequences are bound by FLOPs, and go where FLOPs per dollar are (L40S).
    fleet = load_fleet("h20-l40s")
    _, attention, ffn = decode_split("h20-l40s", "mixtral-8x7b", 20, 571, 159)
    flops = [per_dollar(fleet, pool, lambda device: max(device.peak.values())) for pool in (attention, ffn)]
    assert flops[1] > flops[0]
    # LPX: FFNs of few sequences are bound by bandwidth, and go where bandwidth per dollar is (SRAM).
    fleet = load_fleet(FLEET)
    _, attention, ffn = decode_split(FLEET, "deepseek-ai/DeepSeek-V3", 100, 8192, 1024, gap=0.3)
    bandwidth = [per_dollar(fleet, pool, lambda device: device.compute_tier.bandwidth) for pool in (attention, ffn)]
    assert bandwidth[1] > bandwidth[0]


@pytest.mark.parametrize("forbidden", ["colocated", "disaggregated"])
def test_a_forbidden_mode_is_not_used_and_costs_no_less(forbidden):
    free = service("gpt-oss-120b", "h200-8x", 40, isl=4000, osl=1000, gap=0.01)
    bound = free.bound.usd_per_request
    plan = service("gpt-oss-120b", "h200-8x", 40, isl=4000, osl=1000, gap=0.01, forbidden_modes=(forbidden,))
    assert plan.metrics.usd_per_request >= bound * (1 - 1e-9)
    assert ("colocated" in plan.mode) is (forbidden == "disaggregated")
