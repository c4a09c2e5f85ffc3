"""A decode step against the peaks of a device, and what splitting it could bring."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.catalog.loader import device_names, load_device
from placer.errors import InputError, ScenarioError
from placer.graph.lower import lower
from placer.graph.roofline import Part, ridge, roofline, turnover_s
from placer.graph.totals import op_classes, read_bytes, totals
from placer.graph.what_if import expert_use, ffn_speed_ups, hops
from placer.model.catalog import load_model, model_paths
from placer.model.precision import ComputePrecision, WeightFormat
from placer.scenario.routing import UNIFORM, RoutingKind, RoutingProfile


@pytest.fixture(scope="module")
def llama():
    return lower(load_model("llama-3.1-70b"))


@pytest.fixture(scope="module")
def deepseek():
    return lower(load_model("deepseek-v3"))


def _parts(found):
    return {row.what: row for row in found.holdings}


@pytest.mark.parametrize(
    ("device", "precision", "flops_per_byte"),
    # Peak over bandwidth, from the figures of the device files.
    [
        ("h100-sxm", "bf16", 989 / 3.35),
        ("lp30", "fp8", 8.0),
        ("lpu-v1", "int8", 9.375),
        ("b200-sxm", "fp4", 9000 / 7.7),
    ],
)
def test_ridge_is_peak_over_bandwidth(device, precision, flops_per_byte):
    assert ridge(load_device(device), ComputePrecision(precision)) == pytest.approx(flops_per_byte, rel=1e-9)


@pytest.mark.parametrize(("device", "seconds"), [("lpu-v1", 2.875e-6), ("lp30", 3.33e-6), ("cs3", 2.1e-6)])
def test_turnover_of_sram_devices(device, seconds):
    # physics A4: 2.9, 3.33 and 2.1 us.
    assert turnover_s(load_device(device)) == pytest.approx(seconds, rel=0.003)


@pytest.mark.parametrize("name", model_paths())
def test_a_device_with_every_format_reads_what_the_lowering_says(name):
    model, device = lower(load_model(name)), load_device("b200-sxm")
    found = roofline(model, device, (3,), (5_000,))
    expected = [read_bytes(entry, 3, 5_000) for entry in op_classes(model)]
    assert [op.read_bytes for op in found.ops] == pytest.approx(expected)
    assert sum(op.flops for op in found.ops) == 3 * totals(model, 5_000).flops_per_token
    assert _parts(found)["weights"].held_bytes == totals(model, 1).weight_bytes
    assert _parts(found)["cache"].held_bytes == 3 * totals(model, 5_000).held_bytes_per_sequence


@pytest.mark.parametrize("device", device_names())
def test_every_op_takes_the_longer_of_reading_and_computing(deepseek, device):
    chip = load_device(device)
    found = roofline(deepseek, chip, (32,), (4_096,))
    for op in found.ops:
        reading = op.read_bytes / chip.compute_tier.bandwidth
        computing = op.flops / chip.peak[op.precision]
        assert op.seconds == max(reading, computing)
        assert op.is_compute_bound == (computing > reading) == (op.arithmetic_intensity > op.ridge)
    assert found.seconds == pytest.approx(sum(op.seconds for op in found.ops))
    assert found.aggregate_seconds == pytest.approx(found.seconds / found.min_devices)


def test_ffn_of_llama_turns_compute_bound_where_the_batch_passes_the_ridge(llama):
    # 295.2 FLOP/B; a BF16 matrix does b FLOP per byte.
    for batch, expected in ((295, False), (296, True)):
        found = roofline(llama, load_device("h100-sxm"), (batch,), (100,))
        (ffn,) = (op for op in found.ops if op.part is Part.FFN)
        assert ffn.is_compute_bound is expected
        assert ffn.arithmetic_intensity == pytest.approx(batch, rel=0.001)


@pytest.mark.parametrize(("device", "held", "factor"), [("lp30", "fp8", 1), ("cs3", "bf16", 2), ("lpu-v1", "bf16", 2)])
def test_a_device_holds_what_it_cannot_multiply_wider(device, held, factor):
    spec = load_model("llama-3.1-70b")
    precision = spec.precision.model_copy(update={"dense_ffn": WeightFormat.FP8})
    narrow = lower(spec.model_copy(update={"precision": precision}))
    found = roofline(narrow, load_device(device), (1,), (1,))
    (ffn,) = (op for op in found.ops if op.part is Part.FFN)
    assert ffn.weights_as == held
    assert _parts(found)["ffn"].held_bytes == pytest.approx(factor * 80 * 3 * 8192 * 28672, rel=1e-4)


@pytest.mark.parametrize("device", ["cs3", "lp30", "h200-sxm"])
def test_least_devices_leave_the_reserve_and_one_fewer_do_not(llama, device):
    chip = load_device(device)
    found = roofline(llama, chip, (4,), (8_192,))
    for row in found.holdings:
        assert row.devices == row.held_bytes / chip.compute_tier.capacity
        assert row.min_devices * chip.usable_bytes >= row.held_bytes > (row.min_devices - 1) * chip.usable_bytes
    assert found.min_devices == found.holdings[-1].min_devices


def test_a_tied_head_is_held_once():
    found = roofline(lower(load_model("qwen3-0.6b")), load_device("h100-sxm"), (1,), (1,))
    # 151,936 x 1,024 in BF16 and the last norm
    assert _parts(found)["embedding_and_head"].held_bytes == 151_936 * 1_024 * 2 + 1_024 * 2


@pytest.mark.parametrize(
    ("batch", "context", "share"),
    # By hand, L3-70B: 112.74 GB of FFN over 112.74 + 28.37 - 2.10 + B S 327,680 B.
    [(8, 2_048, 0.78), (8, 8_192, 0.70), (8, 32_768, 0.50), (8, 131_072, 0.23), (64, 131_072, 0.04)],
)
def test_ffn_share_of_llama(llama, batch, context, share):
    (entry,) = roofline(llama, load_device("h100-sxm"), (batch,), (context,)).ffn_shares
    assert entry.byte_share == pytest.approx(share, abs=0.005)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(num_hot=st.integers(0, 256), exponent=st.floats(0, 2), batch=st.integers(1, 2_000))
def test_hot_experts_save_at_most_their_share_of_routings_and_at_least_their_number(deepseek, num_hot, exponent, batch):
    use = expert_use(deepseek, RoutingProfile(kind=RoutingKind.ZIPF, exponent=exponent), num_hot, (batch,))
    (entry,) = use.batches
    # A batch of one saves exactly the share of routings, an endless one the share of experts.
    assert num_hot / 256 - 1e-9 <= entry.saved_share <= use.hot_share + 1e-9
    assert entry.cold_touched <= entry.touched <= min(256, 8 * batch) + 1e-9
    assert 0 <= use.needs_no_cold <= 1


def test_touched_experts_agree_with_a_simulation(deepseek):
    # 256 experts, top 8, uniform: 222.4 touched by 64 tokens (physics B1).
    draw = np.random.default_rng(1)
    seen = [len({e for _ in range(64) for e in draw.choice(256, 8, replace=False)}) for _ in range(200)]
    (entry,) = expert_use(deepseek, UNIFORM, 0, (64,)).batches
    assert entry.touched == pytest.approx(222.4, abs=0.05)
    assert np.mean(seen) == pytest.approx(entry.touched, abs=4 * np.std(seen) / math.sqrt(len(seen)))


def test_a_dense_model_has_no_experts_to_keep_elsewhere(llama, deepseek):
    assert expert_use(llama, UNIFORM, 0, (1,)) is None
    with pytest.raises(InputError, match=r"--hot: .*no routed experts"):
        expert_use(llama, UNIFORM, 1, (1,))
    with pytest.raises(InputError, match="--hot: expected at most the 256 experts"):
        expert_use(deepseek, UNIFORM, 257, (1,))
    with pytest.raises(ScenarioError, match="3 counts for 256 experts"):
        expert_use(deepseek, RoutingProfile(kind=RoutingKind.COUNTS, counts=(1, 2, 3)), 0, (1,))


@pytest.mark.parametrize(
    ("model", "layers", "full"),
    [("llama-3.1-70b", 80, 80), ("gpt-oss-120b", 36, 18), ("ai21-jamba-1.5-mini", 32, 4), ("gemma-3-27b", 62, 10)],
)
def test_hops_count_layers_whose_cache_grows(model, layers, full):
    found = hops(lower(load_model(model)), 1_000.0)
    assert (found.num_layers, found.full_attention_layers) == (layers, full)
    assert found.layer_budget_s == pytest.approx(1e-3 / layers)
    for entry in found.latencies:
        assert entry.every_layer_s == pytest.approx(2 * layers * entry.latency_s)
        assert entry.every_layer_tokens_per_s * entry.every_layer_s == pytest.approx(1)
        assert entry.full_attention_s == pytest.approx(2 * full * entry.latency_s)


@settings(derandomize=True, deadline=None)
@given(share=st.floats(0, 1))
def test_amdahl_never_promises_more_than_the_factor(share):
    entries = ffn_speed_ups(share)
    steps = [entry.step for entry in entries]
    assert steps == sorted(steps)
    assert all(1 <= entry.step <= (entry.ffn or math.inf) + 1e-9 for entry in entries)
