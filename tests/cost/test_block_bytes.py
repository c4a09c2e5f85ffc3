import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.cost.block_bytes import (
    attention_bytes,
    buffer_bytes,
    cut_bytes,
    expert_bytes,
    kv_bytes_per_sequence,
)
from placer.cost.group import exact_batch
from placer.cost.shape import GroupShape
from placer.graph.lower import lower
from placer.graph.model_graph import ModelGraph
from placer.graph.op import Cache, Op, OpKind
from placer.model.catalog import load_model

LAW = settings(derandomize=True, deadline=None)


def model(name: str) -> ModelGraph:
    return lower(load_model(name))


def test_attention_of_llama_70b_over_eight(make_group):
    # 64 query and 8 KV heads of 128: (8192 + 1024 + 1024 + 8192) x 8192 x 2 B over 8, and a norm on each.
    ops = model("llama-70b").layer_ops[0]
    assert attention_bytes(make_group(8, 8), ops) == 18_432 * 8192 * 2 // 8 + 8192 * 2


def test_attention_of_an_expert_layer_brings_the_replicated_router(make_group):
    # Mixtral: (4096 + 1024 + 1024 + 4096) x 4096 x 2 B over 8, norm; router 8 x 4096 x 2 B and norm, whole.
    ops = model("mixtral-8x7b").layer_ops[0]
    held = 10_240 * 4096 * 2 // 8 + 4096 * 2 + (8 * 4096 * 2 + 4096 * 2)
    assert attention_bytes(make_group(8, 8), ops) == held


@pytest.mark.parametrize(
    ("tp", "share"),
    # Llama-70B has 8 KV heads: 4,096 B a token and layer, a head is the least a rank can hold.
    [(1, 1), (2, 2), (8, 8), (16, 8), (64, 8)],
)
def test_kv_cache_is_cut_by_heads_and_then_replicated(make_group, tp, share):
    core = model("llama-70b").layer_ops[0].core
    assert kv_bytes_per_sequence(make_group(64, tp), core, 1_000) == 4_096 * 1_000 // share


@pytest.mark.parametrize("tp", [1, 8])
def test_latent_kv_cache_is_replicated_on_every_rank(make_group, tp):
    # A2: DeepSeek-V3 caches 512 + 64 values a token and layer, shared by all heads.
    core = model("deepseek-v3").layer_ops[0].core
    assert kv_bytes_per_sequence(make_group(8, tp), core, 1_000) == 576 * 2 * 1_000


def test_sliding_window_caps_the_kv_cache(make_group):
    window, full = (layer.core for layer in model("gpt-oss-120b").layer_ops[:2])
    assert kv_bytes_per_sequence(make_group(), window, 100) == kv_bytes_per_sequence(make_group(), full, 100)
    assert kv_bytes_per_sequence(make_group(), window, 100_000) == 128 * 2 * 8 * 64 * 2
    assert kv_bytes_per_sequence(make_group(), full, 100_000) == 100_000 * 2 * 8 * 64 * 2


@pytest.mark.parametrize(("tp", "heads_held"), [(1, 8), (2, 4), (4, 2), (8, 1), (24, 1)])
def test_every_rank_holds_whole_kv_heads(make_group, tp, heads_held):
    # 24 query heads on 8 KV heads (Llama-3.2-3B, config of the Hub); only such degrees are shapes (test_shape).
    per_head = 2 * 128 * 2
    core = Op(OpKind.ATTENTION_CORE, caches=(Cache(8 * per_head),), kv_max_shards=8)
    held = kv_bytes_per_sequence(make_group(24, tp, domain=24), core, 1_000)
    assert held == heads_held * per_head * 1_000


@pytest.mark.parametrize(
    ("width", "expert_tp", "num_experts", "experts_held"),
    [(1, 1, 256, 256), (8, 1, 256, 32), (144, 1, 256, 2), (8, 8, 256, 256), (8, 2, 250, 63), (256, 1, 64, 1)],
)
def test_fullest_rank_holds_whole_experts(make_group, width, expert_tp, num_experts, experts_held):
    moe = model("deepseek-v3").layer_ops[-1].moe
    group = make_group(width, 1, expert_tp)
    # gate, up, down: 3 x 7168 x 2048 in FP8, and an FP32 scale per 128 x 128 block.
    whole = 3 * 7168 * 2048 + 3 * 56 * 16 * 4
    assert moe.expert.weight_bytes == whole
    assert expert_bytes(group, moe, num_experts) == experts_held * -(-whole // expert_tp)


def test_dense_ffn_is_cut_over_tp_and_its_norm_is_not(make_group):
    dense = model("llama-70b").layer_ops[0].dense
    assert cut_bytes(make_group(8, 8), dense) == 3 * 8192 * 28672 * 2 // 8 + 8192 * 2


def test_buffers_by_hand():
    # docs/method.md: 2H (2r + 2k r/t): H = 10, r = 3, t = 2, k = 4.
    batch = exact_batch(np.array([9.0]), GroupShape("p", 1, 6, 2, 1))
    assert buffer_bytes(batch, 10, 4).tolist() == [20 * (2 * 3 + 2 * 4 * 1.5)]


@LAW
@given(tp=st.sampled_from([1, 2, 4, 8]), more=st.sampled_from([1, 2, 4, 8]), context=st.integers(1, 10**6))
def test_kv_cache_never_grows_with_tp_nor_shrinks_with_context(make_group, tp, more, context):
    core = model("llama-8b").layer_ops[0].core
    held = kv_bytes_per_sequence(make_group(64, tp), core, context)
    assert kv_bytes_per_sequence(make_group(64, tp * more), core, context) <= held
    assert kv_bytes_per_sequence(make_group(64, tp), core, context + 1) >= held
