"""Prompts in chunks: cuts of the declared space, cores, dealt experts, flow shops, KV cache on its way."""

import math
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.graph.op import Cache
from placer.plan.plan import Plan
from placer.plan.service import Chunking
from placer.scenario.service import Service
from placer.verify.context import context_of
from placer.verify.recompute.colocated import pass_s
from placer.verify.recompute.handover import Way, prompt_kv_bytes, seen_s, transfer_s
from placer.verify.recompute.prefill import entries_read
from placer.verify.recompute.prefill_group import alone_s, busiest_s, stage_of
from placer.verify.recompute.prompt import LIMITS, Chunk, chunks_of, found_tokens, is_declared
from placer.verify.recompute.prompt_layer import busiest_load, dealt, prefill_core_s
from placer.verify.recompute.queue import Servers

NS = 1e-9


@given(st.integers(1, 100_000), st.floats(0, 1, exclude_max=True))
def test_at_least_one_token_of_a_prompt_is_new(tokens, hits):
    found = found_tokens(Service(prefix_hit_rate=hits), tokens)
    assert 0 <= found < tokens
    assert tokens - found == Service(prefix_hit_rate=hits).new_tokens(tokens)


@given(st.integers(1, 100_000), st.sampled_from(LIMITS))
def test_every_limit_cuts_prompts_in_one_declared_way(new, limit):
    if limit >= new:
        prompts, tokens = limit // new, (new,)
    else:
        prompts, tokens = 1, tuple(min(limit, new - done) for done in range(0, new, limit))
    assert is_declared(Chunking(prompts=prompts, found_tokens=0, tokens=tokens), new)
    assert not is_declared(Chunking(prompts=prompts, found_tokens=0, tokens=(*tokens, 1)), new)
    if len(tokens) > 2:
        broken = (tokens[0] - 1, tokens[1] + 1, *tokens[2:])
        assert not is_declared(Chunking(prompts=1, found_tokens=0, tokens=broken), new)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=6), st.integers(0, 500), st.integers(1, 4))
def test_chunks_follow_one_another(tokens, found, prompts):
    chunks = chunks_of(Chunking(prompts=prompts, found_tokens=found, tokens=tuple(tokens)))
    assert chunks[0].before == found
    assert all(after.before == before.after for before, after in pairwise(chunks))
    assert chunks[-1].after == found + sum(tokens)
    assert [chunk.is_last for chunk in chunks] == [False] * (len(tokens) - 1) + [True]


@given(
    st.integers(1, 4),
    st.none() | st.integers(1, 12),
    st.none() | st.integers(1, 6),
    st.integers(0, 20),
    st.integers(1, 20),
)
def test_a_chunk_reads_what_its_tokens_read_one_by_one(stride, window, most, before, tokens):
    cache = Cache(1, stride=stride, window=window and window * stride, most_read=most)
    each = sum(cache.read(position) for position in range(before + 1, before + tokens + 1))
    assert entries_read(cache, before + tokens) - entries_read(cache, before) == each


@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=12), st.integers(1, 5))
def test_experts_are_dealt_forth_and_back_from_the_hottest(chances, ranks):
    hands = dealt(np.array(chances), ranks)
    assert sorted(expert for hand in hands for expert in hand) == list(range(len(chances)))
    laps = [
        sorted((hand[lap] for hand in hands if len(hand) > lap), key=lambda e: (-chances[e], e)) for lap in range(99)
    ]
    order = [expert for lap in laps for expert in lap]
    assert [chances[expert] for expert in order] == sorted(chances, reverse=True)
    sizes = [len(hand) for hand in hands]
    assert max(sizes) - min(sizes) <= 1
    if len(chances) > ranks:
        second = [hand[1] for hand in hands if len(hand) > 1]
        assert [chances[expert] for expert in second] == sorted(chances[expert] for expert in second)


def test_the_busiest_rank_is_touched_by_and_serves_the_most_of_any():
    # rank 0: 1/2 and 1/8, rank 1: 1/4 and 1/8; two tokens
    load = busiest_load(np.array([0.5, 0.25, 0.125, 0.125]), [[0, 3], [1, 2]], 2)
    assert load.touched == pytest.approx(3 / 4 + 15 / 64)
    assert load.tokens == pytest.approx(2 * 5 / 8)
    assert (load.num_experts, load.selected) == (4, 1.0)


def test_an_expert_every_token_selects_is_touched():
    assert busiest_load(np.array([1.0, 0.5]), [[0], [1]], 3).touched == 1.0


def flow_shop(times):
    """Return the longest way through the grid of stages and chunks, over all of them."""
    stages, chunks = times.shape
    steps = stages + chunks - 2
    longest = 0.0
    for down in combinations(range(steps), stages - 1):
        stage = chunk = 0
        total = times[0, 0]
        for step in range(steps):
            stage, chunk = (stage + 1, chunk) if step in down else (stage, chunk + 1)
            total += times[stage, chunk]
        longest = max(longest, total)
    return longest


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 10**6))
def test_a_prompt_alone_takes_the_longest_way_through_stages_and_chunks(stages, chunks, seed):
    times = np.random.default_rng(seed).random((stages, chunks))
    assert alone_s(times) == pytest.approx(flow_shop(times))
    assert busiest_s(times) <= alone_s(times) * (1 + 1e-12)


@given(st.integers(1, 200), st.data())
def test_layers_are_dealt_to_stages_in_order_and_evenly(layers, data):
    stages = data.draw(st.integers(1, layers))
    dealt_to = [stage_of(layer, layers, stages) for layer in range(layers)]
    assert dealt_to == sorted(dealt_to)
    counts = [dealt_to.count(stage) for stage in range(stages)]
    assert sum(counts) == layers
    assert max(counts) - min(counts) <= 1


@given(st.floats(0, 10), st.floats(0, 10), st.integers(1, 100))
def test_bytes_that_travel_behind_prefill_are_seen_one_layer_at_least(carrying, prefill, layers):
    seen = seen_s(carrying, prefill, layers)
    assert carrying / layers <= seen * (1 + 1e-12)
    assert seen <= carrying * (1 + 1e-12)
    # layer after layer: each is sent when it is computed and the one before is sent
    sent = 0.0
    for layer in range(layers):
        sent = max(sent, prefill * (layer + 1) / layers) + carrying / layers
    assert seen == pytest.approx(sent - prefill, abs=1e-12)


def test_the_slower_of_two_ways_counts(services):
    model = context_of(Plan.model_validate(services["disaggregated"]())).model
    assert prompt_kv_bytes(model, 7) == 448
    near, far = Way(1e-6, 1e9, 1e9), Way(5e-6, 1e9, 0.5e9)
    assert transfer_s(model, [near], 7, 1.0) == pytest.approx(1112 * NS)
    assert transfer_s(model, [near, far], 7, 1.0) == pytest.approx(5224 * NS)


def test_a_core_reads_again_what_lies_before_a_chunk(services):
    context = context_of(Plan.model_validate(services["disaggregated"]()))
    core, group = context.model.layer_ops[0].core, context.groups["host"]
    # 16 FLOPs per entry as bytes, two entries of 16 B each for every token; 16 B for each entry before
    assert prefill_core_s(core, group, Chunk(1, 5, 0, is_last=True)) == pytest.approx(1240 * NS)
    assert prefill_core_s(core, group, Chunk(1, 5, 2, is_last=True)) == pytest.approx(1272 * NS)
    assert prefill_core_s(core, group, Chunk(3, 5, 2, is_last=True)) == pytest.approx(1816 * NS)


def test_a_chunk_passes_stages_as_they_are_placed(plans):
    # decode of `pipeline`: stages of 12560 and 12608 ns; with 5 tokens of a prompt, 2 before them, 8 tokens pass:
    # embedding 1064, layers 5768 + 1272 = 7040, head 1072: 15144 and 15152, hops 5064 and 5012
    raw = plans["pipeline"]()
    context = context_of(Plan.model_validate(raw))
    chunk = Chunk(1, 5, 2, is_last=True)
    parts = (context.model, context.placement, context.replica)
    assert pass_s(*parts, None, {}) == pytest.approx(35_204 * NS)
    assert pass_s(*parts, chunk, {}) == pytest.approx((15_144 + 15_152 + 5_064 + 5_012) * NS)
    raw["placement"]["layers"][2]["attention"]["stage"] = 0
    raw["placement"]["layers"][2]["ffn"][0]["at"]["stage"] = 0
    raw["scenario"]["fleet"]["link_types"]["outer"]["latency"] = "1 ns"
    skewed = context_of(Plan.model_validate(raw))
    # three layers in stage 0: 22184 ns, twice that is more than the path
    assert pass_s(skewed.model, skewed.placement, skewed.replica, chunk, {}) == pytest.approx(44_368 * NS)


@given(
    st.integers(1, 50), st.floats(0.01, 5.0), st.floats(0.0, 3.0), st.none() | st.floats(0.5, 6.0), st.floats(0.1, 0.95)
)
def test_no_more_prompts_are_taken_in_than_load_and_time_allow(slots, service_s, rest_s, ttft, load):
    servers = Servers(slots, service_s, rest_s)
    asked = Service(ttft=None if ttft is None else f"{ttft} s", max_prefill_load=load)
    most = servers.most_per_s(asked)
    assert servers.load(most) <= load * (1 + 1e-9)
    if ttft is not None and rest_s > ttft:
        assert most == 0.0
    if ttft is None:
        assert servers.load(most) == pytest.approx(load)
    assert Servers(slots, service_s, rest_s, ports_per_s=most / 2).most_per_s(asked) <= most / 2
    assert math.isfinite(most)
