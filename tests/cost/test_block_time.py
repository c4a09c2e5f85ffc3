import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.catalog.kernel import KernelModel
from placer.cost import block_time
from placer.cost.collective import all_to_all_s
from placer.cost.group import exact_batch, relaxed_batch
from placer.cost.loads import ExpertLoads
from placer.graph.lower import lower
from placer.model.catalog import load_model
from placer.model.precision import ElementFormat

# The device of the fixtures: 1 us a launch, 0.5 x 1 TB/s, 0.25 x 100 TFLOP/s BF16. The link: 50 GB/s,
# all-reduce starts in 3 us to 2 and 5 us to 8, all-to-all in 7 us.
READ, COMPUTE, BETA = 0.5e12, 25e12, 50e9
LAW = settings(derandomize=True, deadline=None, max_examples=60)


@pytest.fixture(scope="module")
def llama():
    return lower(load_model("llama-70b"))


@pytest.fixture(scope="module")
def mixtral():
    return lower(load_model("mixtral-8x7b"))


@pytest.fixture(scope="module")
def deepseek():
    return lower(load_model("deepseek-v3"))


def one(array):
    assert array.shape == (1,)
    return float(array[0])


def batch_of(group, tokens):
    return exact_batch(np.array([float(tokens)]), group.shape)


def near(seconds):
    return pytest.approx(seconds, rel=1e-9)


def test_gemm_streams_at_small_batches_and_computes_at_large_ones(make_group, llama):
    op, norm = llama.layer_ops[0].dense, 8192 * 2
    elements = 3 * 8192 * 28672
    few, many = (one(block_time.gemm_s(make_group(8, 8), op, 8, np.array([b]))) for b in (1.0, 10_000.0))
    assert few == near(2e-6 + (2 * elements / 8 + norm) / READ)
    assert many == near(2e-6 + 10_000 * 2 * elements / 8 / COMPUTE)


def test_gemm_uses_the_kernel_of_the_stored_format(make_group, make_device, deepseek):
    same = {"mbu": 0.5, "mfu": 0.25}
    kernels = [KernelModel(family=family, floor="1 us", **same) for family in ("gemm", "attention", "moe")]
    kernels.append(KernelModel(family="gemm", weights="fp8-block128", floor="9 us", **same))
    group = make_group(device=make_device(kernels=tuple(kernels)))
    nothing = np.array([0.0])
    shared, router = deepseek.layer_ops[-1].moe.shared, deepseek.layer_ops[-1].moe.router
    assert one(block_time.gemm_s(group, shared, 1, nothing)) == near(18e-6 + shared.weight_bytes / READ)
    assert one(block_time.gemm_s(group, router, 1, nothing)) == near(1e-6 + router.weight_bytes / READ)


def test_core_reads_the_cache_of_every_sequence_and_writes_a_token(make_group, llama):
    # 10 sequences of 1,000 tokens, 4,096 B a token, over 8: (1000 + 1) x 4096 x 10 / 8 B.
    core = llama.layer_ops[0].core
    time = one(block_time.core_s(make_group(8, 8), core, np.array([10.0]), 1_000))
    assert time == near(1e-6 + 10 * 1_001 * 4_096 / 8 / READ)
    # A2: 4 x 64 x 128 FLOP a token attended to: 8 a byte, below the ridge.
    assert time - 1e-6 > 10 * 1_000 * 4 * 64 * 128 / 8 / COMPUTE


def test_core_beyond_its_kv_heads_reads_replicas(make_group, llama):
    core, tokens = llama.layer_ops[0].core, np.array([10.0])
    eight, sixteen = (block_time.core_s(make_group(16, tp), core, tokens, 1_000) for tp in (8, 16))
    assert one(eight) == near(one(sixteen))


def test_latent_core_is_compute_bound_and_reads_the_whole_cache_on_every_rank(make_group, deepseek):
    # A2: 128 heads x 2 x (576 + 512) FLOP a token attended to over 576 x 2 B: 242 FLOP/B, ridge 50 here.
    core, tokens = deepseek.layer_ops[0].core, np.array([4.0])
    whole = one(block_time.core_s(make_group(8, 1), core, tokens, 1_000))
    assert whole == near(1e-6 + 4 * 1_000 * 128 * 2 * (576 + 512) / COMPUTE)
    cut = one(block_time.core_s(make_group(8, 8), core, tokens, 1_000))
    assert cut == near(1e-6 + max(4 * 1_001 * 1_152 / READ, (whole - 1e-6) * COMPUTE / 8 / COMPUTE))


def test_latent_core_uses_its_own_kernel_where_the_device_has_one(make_group, make_device, deepseek, llama):
    same = {"mbu": 0.5, "mfu": 0.25}
    kernels = [KernelModel(family=family, floor="1 us", **same) for family in ("gemm", "attention", "moe")]
    kernels.append(KernelModel(family="mla", floor="40 us", **same))
    group, nothing = make_group(device=make_device(kernels=tuple(kernels))), np.array([0.0])
    assert one(block_time.core_s(group, deepseek.layer_ops[0].core, nothing, 1)) == near(40e-6)
    assert one(block_time.core_s(group, llama.layer_ops[0].core, nothing, 1)) == near(1e-6)


def test_window_bounds_the_time_of_a_core(make_group):
    window, full = (layer.core for layer in lower(load_model("gpt-oss-120b")).layer_ops[:2])
    group, tokens = make_group(), np.array([16.0])
    assert one(block_time.core_s(group, window, tokens, 128)) == one(block_time.core_s(group, full, tokens, 128))
    far = [one(block_time.core_s(group, window, tokens, context)) for context in (128, 100_000)]
    assert far[0] == far[1] < one(block_time.core_s(group, full, tokens, 100_000))


def test_tp_collectives_carry_bf16_hidden_states(make_group):
    # A6: 100 tokens x 1,000 x 2 B over 4 ranks.
    group, tokens = make_group(4, 4), np.array([100.0])
    assert one(block_time.reduce_s(group, tokens, 1_000)) == near(5e-6 + 1.5 * 200_000 / BETA)
    assert one(block_time.gather_s(group, tokens, 1_000)) == near(5e-6 + 0.75 * 200_000 / BETA)


def test_one_rank_has_no_collectives(make_group):
    tokens = np.array([100.0])
    for time in (block_time.reduce_s, block_time.gather_s):
        assert one(time(make_group(8, 1), tokens, 1_000)) == 0


def test_attention_block_is_its_ops_one_all_reduce_and_the_router(make_group, llama, mixtral):
    group = make_group(8, 4)
    batch = batch_of(group, 64)
    assert batch.rank_tokens.tolist() == [32]
    for model, hidden in ((llama, 8192), (mixtral, 4096)):
        ops, tokens = model.layer_ops[0], batch.rank_tokens
        parts = [block_time.gemm_s(group, op, 4, tokens) for op in (ops.projection, ops.output)]
        parts += [block_time.core_s(group, ops.core, tokens, 500), block_time.reduce_s(group, tokens, hidden)]
        parts += [block_time.gemm_s(group, ops.moe.router, 1, tokens)] if ops.moe else []
        assert one(block_time.attention_s(group, ops, batch, 500, hidden)) == near(sum(map(one, parts)))


def test_dense_ffn_of_llama_70b_by_hand(make_group, llama):
    # 8 ranks, 16 tokens: two launches, a shard of 176 MB, then 16 x 16,384 B summed.
    group = make_group(8, 8)
    weights = 3 * 8192 * 28672 * 2 / 8 + 8192 * 2
    expected = 2e-6 + weights / READ + 5e-6 + 1.75 * 16 * 16_384 / BETA
    assert one(block_time.dense_s(group, llama.layer_ops[0].dense, batch_of(group, 16), 8192)) == near(expected)


def test_experts_stream_what_the_batch_touches(make_group, mixtral):
    # Mixtral on one device: 8 (1 - (3/4)^b) experts of 3 x 4096 x 14336 x 2 B; one launch.
    moe, group, size = mixtral.layer_ops[0].moe, make_group(), 3 * 4096 * 14336 * 2
    loads = ExpertLoads(np.full(8, 0.25))
    for tokens in (1, 4):
        time = one(block_time.experts_s(group, moe, loads, (0, 8), batch_of(group, tokens)))
        assert time == near(1e-6 + 8 * (1 - 0.75**tokens) * size / READ)


def test_experts_compute_what_the_batch_sends_them(make_group, mixtral):
    # 4,096 tokens x 2 of 8 experts over 4 ranks: 2,048 tokens a rank through 3 x 4096 x 14336 multiply-adds.
    moe, group = mixtral.layer_ops[0].moe, make_group(4, 1)
    time = one(block_time.experts_s(group, moe, ExpertLoads(np.full(8, 0.25)), (0, 8), batch_of(group, 4_096)))
    assert time == near(1e-6 + 2_048 * 2 * 3 * 4096 * 14336 / COMPUTE)


def test_experts_cut_over_devices_take_their_share(make_group, mixtral):
    moe, loads = mixtral.layer_ops[0].moe, ExpertLoads(np.full(8, 0.25))
    group = make_group(4, 1, 4)
    time = one(block_time.experts_s(group, moe, loads, (0, 8), batch_of(group, 4)))
    assert time == near(1e-6 + 8 * (1 - 0.75**4) * 3 * 4096 * 14336 * 2 / 4 / READ)


def test_copies_count_every_device_of_a_cut_expert(make_group):
    loads = ExpertLoads(np.full(8, 0.25))
    assert block_time.copies(make_group(8, 1), loads, (0, 8)) == near(2)
    assert block_time.copies(make_group(8, 1, 8), loads, (0, 8)) == near(8 * (1 - 0.75**8))
    assert block_time.copies(make_group(4, 1, 2), loads, (0, 8)) == near(2 * 2 * (1 - 0.75**4))
    # The hotter half: one of two selected experts, each on a rank of its own.
    assert block_time.copies(make_group(4, 1), loads, (0, 4)) == near(1)
    # Over eight ranks only four hold any of them.
    assert block_time.copies(make_group(8, 1), loads, (0, 4)) == near(1)
    assert block_time.copies(make_group(8, 1, 2), loads, (0, 2)) == near(2 * 2 * 0.25)


def test_exchange_goes_out_in_the_dispatch_format_and_comes_back_in_bf16(make_group):
    # B2: 8 devices, 16 tokens each, 2 copies, hidden 1,000: 32 kB in FP8, 64 kB in BF16, 7/8 of them leave.
    group = make_group(8, 1)
    batch = batch_of(group, 128)
    narrow = one(sum(block_time.exchange_s(group, 2.0, batch, 1_000, ElementFormat.FP8)))
    assert narrow == near(14e-6 + 0.875 * (32e3 + 64e3) / BETA)
    wide = one(sum(block_time.exchange_s(group, 2.0, batch, 1_000, ElementFormat.BF16)))
    assert wide == near(14e-6 + 0.875 * 2 * 64e3 / BETA)


def test_tp_ranks_share_what_they_exchange(make_group):
    # 8 devices, TP 4: 2 ranks of 64 tokens, a quarter of them per device: as much as without TP.
    plain, cut = make_group(8, 1), make_group(8, 4)
    times = [
        one(sum(block_time.exchange_s(group, 2.0, batch_of(group, 128), 1_000, ElementFormat.FP8)))
        for group in (plain, cut)
    ]
    assert times[0] == near(times[1])


def test_one_device_exchanges_nothing(make_group):
    group = make_group()
    assert one(sum(block_time.exchange_s(group, 2.0, batch_of(group, 128), 1_000, ElementFormat.FP8))) == 0


def test_exchange_over_domains_is_that_of_both_links(make_group, make_link):
    slow = make_link(bandwidth="10 GB/s", all_to_all=({"devices": 16, "latency": "20 us"},))
    group = make_group(16, 1, scale_out=slow)
    batch = batch_of(group, 1_600)
    sent = batch.device_tokens * 2 * 1_000
    parts = [all_to_all_s(group.scale_up, slow, (16, 8), sent * size) for size in (1, 2)]
    time = one(sum(block_time.exchange_s(group, 2.0, batch, 1_000, ElementFormat.FP8)))
    assert time == near(sum(map(one, parts)))
    assert time == near(40e-6 + 0.5 * 200e3 * 3 / 5e9)


def test_shared_experts_are_a_gemm_or_nothing(make_group, mixtral, deepseek):
    group = make_group(8, 2)
    batch = batch_of(group, 8)
    assert one(block_time.shared_s(group, mixtral.layer_ops[0].moe, batch)) == 0
    shared = deepseek.layer_ops[-1].moe.shared
    expected = 2e-6 + (3 * 7168 * 2048 + 3 * 56 * 16 * 4) / 2 / READ
    assert one(block_time.shared_s(group, deepseek.layer_ops[-1].moe, batch)) == pytest.approx(expected, rel=1e-6)
    assert shared.weight_bytes == 3 * 7168 * 2048 + 3 * 56 * 16 * 4


def test_embedding_reads_a_row_a_token(make_group, llama):
    one_rank, two_ranks = make_group(), make_group(2, 2)
    tokens = 1_000
    plain = one(block_time.embedding_s(one_rank, llama.embedding, batch_of(one_rank, tokens), 8192))
    assert plain == near(1e-6 + tokens * 16_384 / READ)
    cut = one(block_time.embedding_s(two_ranks, llama.embedding, batch_of(two_ranks, tokens), 8192))
    assert cut == near(plain + 3e-6 + tokens * 16_384 / BETA)


def test_lm_head_agrees_on_the_best_token(make_group, llama):
    # 128,256 x 8,192 x 2 B and a norm; then a value and an id of 4 B each per rank and token.
    size, norm = 128_256 * 8192 * 2, 8192 * 2
    assert one(block_time.lm_head_s(make_group(), llama.lm_head, batch_of(make_group(), 4))) == near(
        1e-6 + (size + norm) / READ
    )
    group = make_group(4, 4)
    expected = 1e-6 + (size / 4 + norm) / READ + 5e-6 + 0.75 * 4 * 8 * 4 / BETA
    assert one(block_time.lm_head_s(group, llama.lm_head, batch_of(group, 4))) == near(expected)


def all_blocks(group, model, batch, context):
    """Times of every block of the last layer and of the ends."""
    ops, hidden = model.layer_ops[-1], model.spec.hidden_size
    times = [
        block_time.attention_s(group, ops, batch, context, hidden),
        block_time.embedding_s(group, model.embedding, batch, hidden),
        block_time.lm_head_s(group, model.lm_head, batch),
    ]
    if ops.dense is not None:
        return [*times, block_time.dense_s(group, ops.dense, batch, hidden)]
    everything = (0, ops.moe.num_experts)
    loads = ExpertLoads(np.full(ops.moe.num_experts, ops.moe.top_k / ops.moe.num_experts))
    copies = block_time.copies(group, loads, everything)
    return [
        *times,
        block_time.shared_s(group, ops.moe, batch),
        block_time.experts_s(group, ops.moe, loads, everything, batch),
        *block_time.exchange_s(group, copies, batch, hidden, ElementFormat.FP8),
    ]


degrees = st.sampled_from([(1, 1), (8, 1), (8, 2), (8, 8)])


@pytest.mark.parametrize("name", ["llama", "deepseek"])
@LAW
@given(degrees=degrees, tokens=st.integers(1, 20_000), more=st.integers(0, 20_000), context=st.integers(1, 10**6))
def test_no_block_gets_faster_with_tokens_or_context(request, make_group, name, degrees, tokens, more, context):
    model, group = request.getfixturevalue(name), make_group(*degrees)
    batch = exact_batch(np.array([float(tokens), float(tokens + more)]), group.shape)
    for time in all_blocks(group, model, batch, context):
        assert time[1] >= time[0] * (1 - 1e-12)
        assert time[0] >= 0
    near_, far = (all_blocks(group, model, batch, at) for at in (context, 2 * context))
    for short, long in zip(near_, far, strict=True):
        assert (long >= short).all()


@pytest.mark.parametrize("name", ["llama", "deepseek"])
@LAW
@given(degrees=degrees, tokens=st.floats(1, 1e5), factor=st.floats(1, 100), context=st.integers(1, 10**6))
def test_no_block_takes_longer_per_token_in_a_larger_relaxed_batch(
    request, make_group, name, degrees, tokens, factor, context
):
    # docs/method.md, section 4, fact 1: the bound of a box rests on this.
    model, group = request.getfixturevalue(name), make_group(*degrees)
    sizes = np.array([tokens, factor * tokens])
    for time in all_blocks(group, model, relaxed_batch(sizes, group.shape), context):
        assert time[1] / sizes[1] <= time[0] / sizes[0] * (1 + 1e-9)


@pytest.mark.parametrize("name", ["llama", "deepseek"])
@LAW
@given(degrees=degrees, tokens=st.integers(1, 20_000), context=st.integers(1, 10**6))
def test_relaxed_batch_never_takes_longer_than_the_exact_one(request, make_group, name, degrees, tokens, context):
    model, group, size = request.getfixturevalue(name), make_group(*degrees), np.array([float(tokens)])
    exact, relaxed = (
        all_blocks(group, model, deal(size, group.shape), context) for deal in (exact_batch, relaxed_batch)
    )
    for least, most in zip(relaxed, exact, strict=True):
        assert least[0] <= most[0] * (1 + 1e-12)


@pytest.mark.parametrize("name", ["llama", "deepseek"])
@LAW
@given(tokens=st.integers(1, 20_000), factor=st.integers(1, 50))
def test_no_block_gets_slower_with_memory_bandwidth(request, make_group, make_device, name, tokens, factor):
    model = request.getfixturevalue(name)
    groups = [make_group(8, 2, device=make_device(bandwidth=f"{speed} TB/s")) for speed in (1, factor)]
    slow, fast = (all_blocks(group, model, batch_of(group, tokens), 4_096) for group in groups)
    for least, most in zip(fast, slow, strict=True):
        assert least[0] <= most[0]
