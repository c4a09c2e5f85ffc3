"""A device with weights in SRAM and KV cache in HBM: room and times by hand, plans, and what does not know it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from placer.api import build_scenario, plan, verify
from placer.catalog.device import Device
from placer.catalog.loader import parse_fleet
from placer.cost import block_time
from placer.cost.group import Batch, build_group
from placer.cost.room import alone, exchange_rate, taken
from placer.cost.shape import GroupShape
from placer.errors import InputError
from placer.graph.lower import lower
from placer.graph.roofline import roofline
from placer.model.catalog import load_model
from placer.plan.plan import Plan
from placer.planner.planner import make_plan
from placer.predict.ask import predict
from placer.search.params import SolveParams

MODEL = "llama-3.1-8b"
ASK = {"tps_user": 200, "isl": 8192, "osl": 512, "gap": 0.05}


def chip(sram="1 GB", hbm="64 GB", sram_rate="100 TB/s", hbm_rate="4 TB/s"):
    return {
        "memory": [
            {"tier": "sram", "capacity": sram, "bandwidth": sram_rate},
            {"tier": "hbm", "role": "cache", "capacity": hbm, "bandwidth": hbm_rate},
        ],
        "peak": {"bf16": "500 TFLOP/s"},
        "kernels": [
            {"family": family, "floor": "1 us", "mbu": 0.5, "mfu": 0.5} for family in ("gemm", "attention", "moe")
        ],
        "reserve": 0.05,
        "power": "800 W",
        "price": {"tco": "1.5 USD/h"},
    }


def fleet(**memory):
    pool = {"name": "chips", "device": "chip", "count": 64, "unit": 32, "domain": 32}
    return parse_fleet(
        {
            "name": "split",
            "price_basis": "tco",
            "pools": [pool | {"scale_up": "fabric", "scale_out": "fabric"}],
            "devices": {"chip": chip(**memory)},
            "link_types": {"fabric": {"bandwidth": "500 GB/s", "latency": "1 us"}},
        },
        "split",
    )


@pytest.fixture(scope="module")
def planned():
    return plan(MODEL, fleet(), decode_only=True, **ASK)


def test_room_by_hand():
    # 950 MB of SRAM and 9.5 GB of HBM to fill: a byte of KV cache is worth a tenth of one of weights.
    device = fleet(hbm="10 GB").devices["chip"]
    rate = exchange_rate(device)
    assert rate == pytest.approx(0.1)
    weights, cached = np.array([500e6, 100e6]), np.array([2e9, 4e9])
    assert taken(weights, cached, rate).tolist() == pytest.approx([500e6, 400e6])
    assert alone(2e9, rate) == pytest.approx(200e6)


def test_one_tier_is_as_before():
    device = Device.model_validate(chip() | {"name": "chip", "memory": chip()["memory"][:1]})
    assert not device.is_split
    assert device.cache_tier is device.compute_tier
    assert exchange_rate(device) == 0.0
    assert taken(np.array([3.0]), np.array([4.0]), 0.0).tolist() == [7.0]


def test_attention_reads_the_one_tier_and_matrices_the_other():
    ops, batch = lower(load_model(MODEL)).layer_ops[0], Batch(np.array([8.0]), np.array([8.0]), np.array([8.0]))

    def times(**memory):
        group = build_group(fleet(**memory), GroupShape("chips", 1, 1, 1, 1))
        core = block_time.core_s(group, ops.core, batch.rank_tokens, 8192)
        return float(core[0]), float(block_time.dense_s(group, ops.dense, batch, 4096)[0])

    core, ffn = times()
    # 8 sequences of 8,192 entries of 2 x 8 heads x 128 in BF16, and 8 written, at half of 4 TB/s, after 1 us.
    assert core == pytest.approx(1e-6 + 8 * 8193 * 4096 / 2e12)
    assert times(hbm_rate="8 TB/s") == (pytest.approx(1e-6 + (core - 1e-6) / 2), ffn)
    assert times(sram_rate="1 TB/s")[0] == core
    assert times(sram_rate="1 TB/s")[1] > 10 * ffn


def test_a_plan_puts_weights_in_sram_and_kv_in_hbm(planned):
    (row,), device = planned.memory, planned.scenario.fleet.devices["chip"]
    assert (row.tier, row.capacity_bytes, row.reserved_bytes) == ("sram", 10**9, 5 * 10**7)
    assert row.weights_bytes + row.free_bytes == device.usable_bytes
    assert (row.cache.tier, row.cache.capacity_bytes) == ("hbm", 64 * 10**9)
    assert row.kv_bytes > row.weights_bytes
    assert row.kv_bytes + row.activations_bytes + row.cache.free_bytes == device.usable_cache_bytes
    assert planned.kv[0].tier == "hbm"
    assert {layer.attention.tier for layer in planned.placement.layers} == {"hbm"}
    assert {part.at.tier for layer in planned.placement.layers for part in layer.ffn} == {"sram"}
    # 16 GB of weights in 0.95 GB of SRAM each: at least 17 devices.
    assert planned.groups[0].stages * planned.groups[0].width >= 17
    assert verify(planned).status == "verified"


def test_each_tier_limits_a_plan_by_itself():
    assert plan(MODEL, fleet(sram="200 MB"), decode_only=True, **ASK).refusal.conflict == ("weights", "inventory")
    tight = plan(MODEL, fleet(hbm="2 GB"), decode_only=True, **ASK)
    row = tight.memory[0]
    assert row.cache.free_bytes < 0.2 * row.cache.capacity_bytes
    # One tier of both sizes together would hold many times the sequences: weights leave most of the SRAM unused.
    assert row.free_bytes > 0.1 * row.capacity_bytes
    assert verify(tight).status == "verified"


@pytest.mark.parametrize(
    ("change", "checks"),
    [
        (lambda raw: raw["memory"][0]["cache"].update(free_bytes=1), {"capacity"}),
        (lambda raw: raw["memory"][0].update(cache=None), {"capacity"}),
        (lambda raw: raw["memory"][0]["cache"].update(tier="ddr"), {"capacity"}),
        (lambda raw: raw["kv"][0].update(tier="sram"), {"kv"}),
        (lambda raw: raw["placement"]["layers"][3]["attention"].update(tier="sram"), {"residency"}),
        (lambda raw: raw["placement"]["layers"][3]["ffn"][0]["at"].update(tier="hbm"), {"residency"}),
    ],
)
def test_a_plan_that_misstates_a_tier_is_found_out(planned, change, checks):
    raw = json.loads(planned.model_dump_json())
    change(raw)
    assert {finding.check for finding in verify(Plan.model_validate(raw)).findings} == checks


@pytest.mark.parametrize("tier", [0, 1])
def test_overfilling_either_tier_is_found_out(planned, tier):
    row = planned.memory[0]
    used = row.weights_bytes if tier == 0 else row.kv_bytes + row.activations_bytes
    raw = json.loads(planned.model_dump_json())
    raw["scenario"]["fleet"]["devices"]["chip"]["memory"][tier]["capacity"] = f"{0.9 * used} B"
    found = [finding for finding in verify(Plan.model_validate(raw)).findings if "overfills" in finding.message]
    assert found
    assert all(
        finding.check == "capacity" and f"the {('sram', 'hbm')[tier]} of" in finding.message for finding in found
    )


def test_prefill_has_devices_of_its_own_and_both_tiers_hold_it():
    answer = plan(MODEL, fleet(), budget_s=20.0, **ASK)
    assert answer.phases.colocated is None
    assert answer.phases.prefill
    assert verify(answer).status == "verified"


def test_what_reckons_with_one_tier_refuses():
    device = fleet().devices["chip"]
    with pytest.raises(InputError, match="tier of its own"):
        roofline(lower(load_model(MODEL)), device, (1,), (1024,))
    with pytest.raises(InputError, match="tier of its own"):
        predict(MODEL, "chip", tp=32, isl=1024, osl=128, batch=1, fleet=fleet())


def test_a_device_has_one_cache_at_most():
    memory = [*chip()["memory"], {"tier": "lpddr", "role": "cache", "capacity": "1 GB", "bandwidth": "1 TB/s"}]
    with pytest.raises(ValueError, match="more than one memory tier has the role cache"):
        Device.model_validate(chip() | {"name": "chip", "memory": memory})


def test_a_faster_or_larger_cache_never_costs_more():
    def price(**memory):
        target = {"tokens_per_s_per_user": 100}
        workload = {"input_tokens": 8192, "output_tokens": 512}
        answer = make_plan(
            build_scenario(MODEL, fleet(**memory), workload=workload, target=target), SolveParams(relative_gap=0.005)
        )
        return answer.bound.usd_per_million_output_tokens, answer.metrics.usd_per_million_output_tokens

    (_, achieved), (bound, _) = price(hbm="4 GB"), price(hbm="8 GB")
    assert bound <= achieved
    (_, achieved), (bound, _) = price(), price(hbm_rate="6 TB/s")
    assert bound <= achieved
