import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.cost import block_time, context_parallel
from placer.cost.block_bytes import kv_bytes_per_sequence
from placer.graph.lower import lower
from placer.graph.op import Cache, Op, OpKind
from placer.model.catalog import load_model

LAW = settings(derandomize=True, deadline=None)
#: What the device of `conftest` reads and computes, and its link moves, in a second.
READ, COMPUTE, WIRE = 0.5e12, 0.25 * 100e12, 0.5 * 100e9


@pytest.fixture(scope="module")
def latent():
    """DeepSeek-V3: 128 heads on one latent of 512 + 64."""
    return lower(load_model("deepseek-v3")).layer_ops[0]


@pytest.fixture(scope="module")
def grouped():
    """Llama-70B: 64 heads of 128 on 8 KV heads."""
    return lower(load_model("llama-70b")).layer_ops[0]


@pytest.fixture(scope="module")
def layers():
    """Layers of gpt-oss: one with a window, one without."""
    return lower(load_model("gpt-oss-120b")).layer_ops[:2]


def one(times):
    return pytest.approx(float(times[0]), rel=1e-12)


def test_a_latent_is_kept_once_over_the_ranks_that_kept_copies(make_group, latent):
    copied, cut = (kv_bytes_per_sequence(make_group(8, 8, cp=cp), latent.core, 1_001) for cp in (1, 8))
    assert (copied, cut) == (1_001 * 1_152, 126 * 1_152)


def test_a_rank_holds_whole_pages(make_group, make_device, latent):
    device = make_device().model_copy(update={"kv_page_tokens": 32})
    # 1,100 tokens over 8: four pages of 32 and a bit, on the fullest five
    held = kv_bytes_per_sequence(make_group(8, 8, cp=8, device=device), latent.core, 1_100)
    assert held == 5 * 32 * 1_152


def test_core_reads_its_share_for_the_heads_of_all_ranks(make_group, latent, grouped):
    tokens = np.array([4.0])
    core = block_time.core_s(make_group(8, 8, cp=8), latent.core, tokens, 1_000)
    # 125 of 1,000 tokens, one written; 128 heads x 2 x (576 + 512) FLOP for each of the 125, all heads on every rank
    computing = 4 * 125 * 128 * 2 * 1_088 / COMPUTE
    assert one(core) == 1e-6 + max(4 * 126 * 1_152 / READ, computing)
    # the same work as with copies: an eighth of the heads on every token
    assert computing == pytest.approx(4 * 1_000 * 16 * 2 * 1_088 / COMPUTE)
    pair = block_time.core_s(make_group(16, 16, cp=2, domain=16), grouped.core, tokens, 1_000)
    assert one(pair) == 1e-6 + 4 * 501 * 4_096 / 8 / READ


def test_merge_by_hand(make_group, latent):
    # 4 tokens, 128 heads: queries of 576, partial outputs of 512 in BF16 and a log-sum-exp in FP32.
    queries, partials = 4 * 128 * 576 * 2, 4 * 128 * (512 * 2 + 4)
    gather = 5e-6 + 7 / 8 * queries / WIRE
    exchange = 7e-6 + 7 / 8 * partials / WIRE
    total = 1e-6 + partials / READ
    merge = context_parallel.merge_s(make_group(8, 8, cp=8), latent.core, np.array([4.0]))
    assert one(merge) == gather + exchange + total
    assert context_parallel.buffer_bytes(make_group(8, 8, cp=8), latent.core) == (queries + 2 * partials) / 4


def test_two_ranks_gather_the_heads_of_one_kv_head(make_group, grouped):
    # TP 16 over 64 heads: 4 a rank, 8 share a KV head
    group = make_group(16, 16, cp=2, domain=16)
    assert context_parallel.query_bytes(group, grouped.core) == 8 * 128 * 2
    assert context_parallel.partial_bytes(group, grouped.core) == 8 * (128 * 2 + 4)


def test_windows_keep_copies_and_merge_nothing(make_group, layers):
    tokens = np.array([16.0])
    alone, cut = (make_group(16, 16, cp=cp, domain=16) for cp in (1, 2))
    window, full = (ops.core for ops in layers)
    assert kv_bytes_per_sequence(cut, window, 4_000) == kv_bytes_per_sequence(alone, window, 4_000)
    assert kv_bytes_per_sequence(cut, full, 4_000) == kv_bytes_per_sequence(alone, full, 4_000) // 2
    assert one(block_time.core_s(cut, window, tokens, 4_000)) == float(
        block_time.core_s(alone, window, tokens, 4_000)[0]
    )
    assert context_parallel.merge_s(cut, window, tokens).tolist() == [0.0]
    assert context_parallel.buffer_bytes(cut, window) == 0.0
    assert context_parallel.merge_s(cut, full, tokens)[0] > 0.0
    assert context_parallel.merge_s(alone, full, tokens).tolist() == [0.0]


def test_an_attention_block_holds_core_and_merge(make_group, latent):
    tokens = np.array([4.0])
    times = {}
    for cp in (1, 8):
        group = make_group(8, 8, cp=cp)
        batch = block_time.Batch(tokens, tokens, tokens / 8)
        core = block_time.core_s(group, latent.core, tokens, 100_000)
        merge = context_parallel.merge_s(group, latent.core, tokens)
        times[cp] = block_time.attention_s(group, latent, batch, 100_000, 7_168) - core - merge
    assert times[1] == pytest.approx(times[8], rel=1e-12)


@pytest.mark.parametrize(
    "core",
    [
        Op(OpKind.ATTENTION_CORE, caches=(Cache(8, window=4),)),
        Op(OpKind.ATTENTION_CORE, caches=(Cache(8, stride=2),)),
        Op(OpKind.ATTENTION_CORE, caches=(Cache(8, most_read=4),)),
        Op(OpKind.ATTENTION_CORE, caches=(Cache(8), Cache(8, is_index=True))),
        Op(OpKind.SSM_CORE, state_bytes=8),
        Op(OpKind.NO_MIXER),
    ],
    ids=["window", "stride", "picked", "index", "state", "nothing"],
)
def test_what_is_not_read_whole_is_not_cut(core):
    assert not core.splits_context
    assert core.local_context(1_000, 8) == 1_000
    assert core.held_bytes(1_000, 8, 8) == core.held_bytes(1_000, 8)
    assert core.moved_bytes(1_000, 8, 8) == core.moved_bytes(1_000, 8)


@LAW
@given(cp=st.sampled_from([2, 4, 8]), context=st.integers(1, 10**6), sequences=st.integers(1, 500))
def test_cut_sequences_are_all_there_and_never_take_more(make_group, latent, cp, context, sequences):
    copied, cut = (make_group(cp, cp, cp=each) for each in (1, cp))
    held = kv_bytes_per_sequence(cut, latent.core, context)
    assert cp * held >= kv_bytes_per_sequence(copied, latent.core, context) >= held
    tokens = np.array([float(sequences)])
    alone, shared = (float(block_time.core_s(group, latent.core, tokens, context)[0]) for group in (copied, cut))
    # a token more on the fullest rank, for the heads of all, is all that can be lost
    extra = cp * sequences * (128 * 2 * 1_088 / cp) / COMPUTE
    assert shared <= alone + extra
