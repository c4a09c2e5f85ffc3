"""The cyclic law of microbatches in flight (physics C2); how many MegaScale-Infer needs (C1, H3)."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from placer.catalog.loader import load_fleet, load_link
from placer.cost import block_time
from placer.cost.collective import hop_s
from placer.cost.group import build_group, exact_batch
from placer.cost.loads import ExpertLoads
from placer.cost.shape import GroupShape
from placer.graph.lower import lower
from placer.model.catalog import load_model
from placer.scenario.routing import UNIFORM

Number = int | float | Fraction


def cyclic_law(times: list[Number], in_flight: int) -> Number:
    """Time between two visits of a microbatch to the same station: max(path, m busiest)."""
    return max(sum(times), in_flight * max(times))


def simulated_period(times: list[Number], in_flight: int, rounds: int = 400) -> Number:
    """Event by event: a ring of stations, each serving one microbatch at a time, first come first served."""
    free = [0 * times[0]] * len(times)
    ready = [0 * times[0]] * in_flight
    marks = []
    for _ in range(rounds):
        for microbatch in range(in_flight):
            at = ready[microbatch]
            for station, time in enumerate(times):
                at = max(at, free[station]) + time
                free[station] = at
            ready[microbatch] = at
        marks.append(ready[0])
    half = rounds // 2
    return (marks[-1] - marks[half - 1]) / (rounds - half)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(times=st.lists(st.integers(1, 12), min_size=4, max_size=4), in_flight=st.integers(1, 6))
def test_law_is_exact_for_attention_link_ffn_link(times, in_flight):
    # C2: deterministic A, A->F, F, F->A, full duplex: TPOT = L max(m max(...), sum(...)), exact.
    period = simulated_period([Fraction(time) for time in times], in_flight)
    assert period == cyclic_law(times, in_flight)


def test_one_microbatch_is_serial_and_many_are_as_fast_as_the_busiest():
    # C2: serial, ping-pong and bandwidth-bound are one formula.
    times = [3, 1, 3, 1]
    assert [cyclic_law(times, in_flight) for in_flight in (1, 2, 3, 4)] == [8, 8, 9, 12]


@settings(derandomize=True, deadline=None)
@given(
    ffn_s=st.integers(1, 1_000),
    share=st.fractions(min_value=0, max_value=Fraction(99, 100), max_denominator=100),
)
def test_megascale_needs_three_or_four_microbatches(ffn_s, share):
    # C1 [MSI, arXiv 2504.02263, eqs 1-3]: m >= 2 (1 + T_c/T_f): 3 if T_c < T_f/2, else 4.
    link_s = share * ffn_s
    least = math.ceil(2 * (1 + link_s / ffn_s))
    assert least <= (2 if share == 0 else 3 if share <= Fraction(1, 2) else 4)
    times = [ffn_s, link_s, ffn_s, link_s]
    # From there on attention and experts never wait; one microbatch fewer and they do.
    assert cyclic_law(times, least) == least * ffn_s
    assert cyclic_law(times, least - 1) > (least - 1) * ffn_s


@pytest.mark.parametrize(
    ("link_share", "in_flight"),
    # H3, arXiv 2504.02263: three or four microbatches.
    [(Fraction(1, 100), 3), (Fraction(49, 100), 3), (Fraction(51, 100), 4), (Fraction(99, 100), 4)],
)
def test_megascale_microbatches_keep_both_sides_busy_in_simulation(link_share, in_flight):
    times = [Fraction(1), link_share, Fraction(1), link_share]
    assert simulated_period(times, in_flight) == in_flight
    assert simulated_period(times, in_flight - 1) > in_flight - 1


def test_step3_decode_speed_follows_from_the_law():
    # C4, H2 [StepMesh@740ac12; arXiv 2507.19427]: 61 layers, 3 microbatches of 128, attention and FFN 273 us
    # each on as many GPUs, 91 us there and 182 us back: 50 ms, 4,039 tokens/s/GPU reported, 10 % asked for.
    step_s = 61 * cyclic_law([273e-6, 91e-6, 273e-6, 182e-6], 3)
    assert step_s == pytest.approx(50e-3, rel=0.01)
    assert 3 * 128 / step_s / 2 == pytest.approx(4_039, rel=0.10)


# C4 [StepMesh@740ac12]: three microbatches of 128 tokens of 7,168, FP8 there and BF16 back, 61 layers in 50 ms.
STEP3_TPOT_S, STEP3_LAYERS, STEP3_BATCH, STEP3_HIDDEN = 50e-3, 61, 128, 7_168


def test_step3_needs_one_attention_gpu_per_ffn_gpu_and_a_273_us_stage():
    # H2: 50 ms / 61 layers / 3 microbatches = 273 us; with n_A = n_F, 3 x 128 n_A / (50 ms (n_A + n_F)) = 3,840.
    stage = STEP3_TPOT_S / STEP3_LAYERS / 3
    assert stage == pytest.approx(273e-6, rel=0.002)
    law = STEP3_LAYERS * cyclic_law([stage, stage / 3, stage, 2 * stage / 3], 3)
    assert law == pytest.approx(STEP3_TPOT_S)
    per_gpu = 3 * STEP3_BATCH / law / 2
    assert per_gpu == pytest.approx(3_840, rel=1e-6)
    assert per_gpu == pytest.approx(4_039, rel=0.10)


def test_step3_hops_need_161_gbits_and_a_400_gbit_port_has_them():
    # H2, per FFN GPU (C4): 2 x 128 x 7,168 x 1 B in 91 us, x 2 B in 182 us = 161.3 Gb/s.
    stage = STEP3_TPOT_S / STEP3_LAYERS / 3
    there = 2.0 * STEP3_BATCH * STEP3_HIDDEN
    for message, budget in ((there, stage / 3), (2 * there, 2 * stage / 3)):
        assert 8 * message / budget == pytest.approx(161.3e9, rel=0.005)
        port = load_link("ib-ndr400")
        assert hop_s(port.latency, port.effective_bytes_per_s, message) < budget


def test_dead_zone_if_a_port_had_less():
    # H2, C6: at half of those 161.3 Gb/s the way back alone is longer than a stage, and the pace is the link's.
    stage = STEP3_TPOT_S / STEP3_LAYERS / 3
    there = 2.0 * STEP3_BATCH * STEP3_HIDDEN
    slow = [hop_s(0.0, 161.3e9 / 8 / 2, message) for message in (there, 2 * there)]
    law = STEP3_LAYERS * cyclic_law([stage, slow[0], stage, slow[1]], 3)
    assert law > 1.3 * STEP3_TPOT_S


@pytest.mark.parametrize("rank_batch", [32, 128, 256, 512])
def test_h3_three_or_four_microbatches_are_enough_on_our_h20_and_l40s(rank_batch):
    # H3 with C1: m >= 2 (1 + T_c / T_f), times of the cost model.
    attention, hop, experts, _ = mixtral_stations(rank_batch)
    least = math.ceil(2 * (1 + hop / max(attention, experts)))
    assert 3 <= least <= 4
    assert cyclic_law([attention, hop, experts, hop], least) == pytest.approx(least * max(attention, experts))


def mixtral_stations(rank_batch: int) -> list[float]:
    """Attention of Mixtral on 8 H20, experts on 8 L40S, both ways between; per microbatch and layer."""
    model, fleet = lower(load_model("mixtral-8x7b")), load_fleet("h20-l40s")
    host = build_group(fleet, GroupShape("h20", 1, 8, 1, 1))
    side = build_group(fleet, GroupShape("l40s", 1, 8, 1, 1))
    tokens = np.array([8.0 * rank_batch])
    ops, hidden = model.layer_ops[0], model.spec.hidden_size
    loads = ExpertLoads(UNIFORM.selection_probability(8, 2))
    attention = block_time.attention_s(host, ops, exact_batch(tokens, host.shape), 730, hidden)
    experts = block_time.experts_s(side, ops.moe, loads, (0, 8), exact_batch(tokens, side.shape))
    cross = fleet.cross_link("h20", "l40s")
    narrow = 8 * min(fleet.port_bytes_per_s(cross, pool) for pool in ("h20", "l40s"))
    link = fleet.link_types[cross.link]
    hop = hop_s(0.0, narrow, tokens * ops.moe.top_k * hidden * 2.0)
    assert link.latency > 0
    return [float(attention[0]), float(hop[0]), float(experts[0]), float(hop[0])]


@pytest.mark.parametrize("rank_batch", [1, 32, 256])
@pytest.mark.parametrize("in_flight", [1, 2, 3, 4])
def test_law_holds_for_times_of_our_cost_model(rank_batch, in_flight):
    # C2 on the hardware of H3; the context is of no matter to the law.
    times = mixtral_stations(rank_batch)
    assert simulated_period(times, in_flight) == pytest.approx(cyclic_law(times, in_flight), rel=1e-9)


@settings(derandomize=True, deadline=None)
@given(
    times=st.lists(st.floats(1e-6, 1e-3), min_size=2, max_size=8),
    in_flight=st.integers(1, 64),
    factor=st.floats(0.1, 10),
)
def test_law_scales_and_rate_never_falls_with_microbatches(times, in_flight, factor):
    assume(max(times) * factor < 1)
    scaled = cyclic_law([factor * time for time in times], in_flight)
    assert scaled == pytest.approx(factor * cyclic_law(times, in_flight))
    rate = in_flight / cyclic_law(times, in_flight)
    assert (in_flight + 1) / cyclic_law(times, in_flight + 1) >= rate * (1 - 1e-12)
