"""Arithmetic claims made about the field, recomputed with our lowering.

Ids are those of our survey of claims: A1-A7 an essay on SRAM sidecars, A25-A26 "the memory wall" on Groq and
Jamba, A32 an overview of memory bets. Shapes are those of the models' configuration files on the Hub.
"""

import math

import pytest

from placer.catalog.loader import load_device
from placer.cost.block_bytes import kv_bytes_per_sequence
from placer.cost.group import Group
from placer.cost.shape import GroupShape
from placer.cost.shard import stored_shard_bytes
from placer.graph.lower import lower
from placer.graph.model_graph import ModelGraph
from placer.graph.op import OpKind
from placer.graph.totals import op_classes, read_bytes, totals
from placer.model.catalog import load_model
from placer.model.ffn import DenseFfn
from placer.model.mixer import GroupedQueryAttention
from placer.model.precision import WeightFormat
from placer.model.spec import LayerKind, LayerRun, ModelSpec

GIB, TIB = 2**30, 2**40
KI = 1024
CS3_BYTES = 44e9


@pytest.fixture(scope="module")
def llama() -> ModelGraph:
    return lower(load_model("meta-llama/Llama-3.1-70B"))


@pytest.fixture(scope="module")
def llama_fp8() -> ModelGraph:
    spec = load_model("meta-llama/Llama-3.1-70B")
    precision = spec.precision.with_weights(WeightFormat.FP8)
    return lower(spec.model_copy(update={"precision": precision}))


def attention_model(num_layers: int, num_heads: int, num_kv_heads: int, head_dim: int) -> ModelGraph:
    """A decoder of which only attention matters."""
    return lower(
        ModelSpec(
            name="attention-only",
            source="test",
            hidden_size=num_heads * head_dim,
            vocab_size=2,
            mixers={"a": GroupedQueryAttention(num_heads=num_heads, num_kv_heads=num_kv_heads, head_dim=head_dim)},
            ffns={"f": DenseFfn(intermediate_size=1)},
            layers=(LayerRun(repeat=num_layers, pattern=(LayerKind(mixer="a", ffn="f"),)),),
        )
    )


def ffn_bytes(model: ModelGraph) -> int:
    """Weight matrices of all FFNs, norms left out."""
    return sum(matrix.stored_bytes() for ops in model.layer_ops for matrix in ops.dense.matrices)


def test_a1_ffn_matrix_of_llama_70b_is_470_mb(llama):
    # A1: claimed 471 MB, exactly 8192 x 28672 x 2 = 469,762,048 B = 448 MiB.
    down = llama.layer_ops[0].dense.matrices[-1]
    assert (down.rows, down.columns) == (8192, 28672)
    assert down.stored_bytes() == 469_762_048 == 448 * 2**20
    assert down.stored_bytes() == pytest.approx(471e6, rel=0.003)


def test_a2_ffn_of_a_layer_and_of_the_model(llama):
    # A2: "~1.4 GB per layer, ~112 GB": 1.4093 GB and 112.743 GB.
    per_layer = sum(matrix.stored_bytes() for matrix in llama.layer_ops[0].dense.matrices)
    assert per_layer == 3 * 469_762_048
    assert per_layer / 1e9 == pytest.approx(1.4093, abs=0.00005)
    assert ffn_bytes(llama) == 80 * per_layer
    assert ffn_bytes(llama) / 1e9 == pytest.approx(112.743, abs=0.0005)


def test_a3_cs3_holds_39_percent_of_the_ffn_in_bf16_and_78_in_fp8(llama, llama_fp8):
    # A3: "about 40 %": 39.0 % BF16, 78 % FP8; all of it takes 3 or 2 wafers.
    assert CS3_BYTES / ffn_bytes(llama) == pytest.approx(0.390, abs=0.0005)
    assert CS3_BYTES / ffn_bytes(llama_fp8) == pytest.approx(0.78, abs=0.005)
    assert math.ceil(ffn_bytes(llama) / CS3_BYTES) == 3
    assert math.ceil(ffn_bytes(llama_fp8) / CS3_BYTES) == 2


def test_a3_our_cs3_multiplies_in_16_bits_and_holds_fp8_checkpoints_as_wide(llama, llama_fp8):
    # The FP8 half of A3 is out of reach of the catalog's CS-3 (no FP8 multiplier, no dequantisation).
    cs3 = load_device("cs3")
    assert cs3.compute_tier.capacity == CS3_BYTES
    wide, narrow = (stored_shard_bytes(model.layer_ops[0].dense, 1, cs3) for model in (llama, llama_fp8))
    assert wide == narrow


@pytest.mark.parametrize(
    ("context", "terabytes"),
    # A4: claimed ~2.1 TB; 2.749 TB at 131,072 tokens, 2.684 TB at 128,000; 2.10 TB is what 100K gives.
    [(131_072, 2.749), (128_000, 2.684), (100_000, 2.097)],
)
def test_a4_kv_cache_of_64_users_of_llama_70b(llama, context, terabytes):
    kv = 64 * totals(llama, context).kv_bytes_per_sequence
    assert kv / 1e12 == pytest.approx(terabytes, abs=0.0005)


def test_a4_kv_cache_per_token_of_llama_70b(llama):
    # A4: 80 layers x 8 heads x 128 x K and V x 2 B; the product at 128Ki x 64 is 2.5 TiB.
    assert totals(llama, 1).kv_bytes_per_token == 327_680
    assert 64 * totals(llama, 131_072).kv_bytes_per_sequence == 2.5 * TIB


def test_a5_kv_cache_of_one_user_at_128k_is_40_gib(llama):
    # A5: claimed 60-80 GB; 42.95 GB = 40 GiB with 8 KV heads, 343.6 GB with 64.
    assert totals(llama, 131_072).kv_bytes_per_sequence == 40 * GIB
    assert pytest.approx(42.95, abs=0.005) == 40 * GIB / 1e9
    every_head = attention_model(80, 64, 64, 128)
    assert totals(every_head, 131_072).kv_bytes_per_sequence / 1e9 == pytest.approx(343.6, abs=0.05)


@pytest.mark.parametrize(("gigabytes", "context"), [(60, 183e3), (80, 244e3)])
def test_a5_context_the_claim_would_need(llama, gigabytes, context):
    # A5: 60-80 GB needs 183K-244K tokens.
    assert gigabytes * 1e9 / totals(llama, 1).kv_bytes_per_token == pytest.approx(context, abs=500)


def test_a6_activation_between_attention_and_ffn_is_16_kib(llama):
    # A6: 8192 values = 16,384 B in BF16.
    edge = llama.graph.edges["layer.17.attention_output", "layer.17.dense_ffn"]
    assert edge["bytes_per_token"] == 16_384
    back = llama.graph.edges["layer.17.dense_ffn", "layer.18.attention_projection"]
    assert back["bytes_per_token"] == 16_384


@pytest.mark.parametrize(("weight_format", "parameters"), [(WeightFormat.BF16, 22e9), (WeightFormat.INT8, 44e9)])
def test_a7_parameters_that_44_gb_can_hold(weight_format, parameters):
    # A7: "20-25B in BF16, or more in INT8": 22 B and 44 B, without a KV cache.
    ffn = DenseFfn(intermediate_size=28672)
    spec = load_model("meta-llama/Llama-3.1-70B").model_copy(update={"ffns": {"dense": ffn}})
    precision = spec.precision.with_weights(weight_format)
    op = lower(spec.model_copy(update={"precision": precision})).layer_ops[0].dense
    weights = sum(matrix.elements for matrix in op.matrices)
    size = sum(matrix.stored_bytes() for matrix in op.matrices)
    # An INT8 matrix carries one scale.
    assert weights * CS3_BYTES / size == pytest.approx(parameters, rel=1e-7)


@pytest.mark.parametrize(
    ("batch", "touched"),
    # A11: 256 experts, top 8: bytes touched grow with the batch.
    [(1, 8), (8, 57), (32, 163), (64, 222), (128, 252), (256, 256)],
)
def test_a11_experts_touched_by_a_batch(batch, touched):
    model = lower(load_model("deepseek-ai/DeepSeek-V3"))
    experts = next(entry for entry in op_classes(model) if entry.op.kind is OpKind.EXPERT)
    per_layer = read_bytes(experts, batch, context=1) / experts.op.weight_bytes / 58
    assert per_layer == pytest.approx(touched, abs=0.5)


def test_a25_kv_cache_at_256k_is_80_gib(llama):
    # A25: claimed "over 100 GB": 85.9 GB with 8 KV heads, 687 GB with 64.
    assert totals(llama, 256 * KI).kv_bytes_per_sequence == 80 * GIB
    assert pytest.approx(85.9, abs=0.05) == 80 * GIB / 1e9
    every_head = totals(attention_model(80, 64, 64, 128), 256 * KI).kv_bytes_per_sequence
    assert every_head / 1e9 == pytest.approx(687, abs=0.5)


@pytest.mark.parametrize(
    ("shape", "gib"),
    # A26, "4 GB against 128 GB": Jamba's 4 attention layers with 8 of 32 heads; Llama-2-7B; Mixtral-8x7B.
    [((4, 32, 8, 128), 4), ((32, 32, 32, 128), 128), ((32, 32, 8, 128), 32)],
)
def test_a26_kv_cache_at_256k_of_jamba_and_what_it_is_compared_to(shape, gib):
    assert totals(attention_model(*shape), 256 * KI).kv_bytes_per_sequence == gib * GIB


def test_a26_mixtral_of_the_catalog_is_the_fair_comparator():
    assert totals(lower(load_model("mixtral-8x7b")), 256 * KI).kv_bytes_per_sequence == 32 * GIB


def test_a32_modern_model_of_the_claim():
    # A32: 16 KB a token and layer, x 96 = 1.5 MB, 100K tokens = 150 GB: MHA, hidden size 4096, 96 layers.
    imagined = totals(attention_model(96, 32, 32, 128), 100_000)
    assert imagined.kv_bytes_per_token == 96 * 16_384
    assert imagined.kv_bytes_per_token / 1e6 == pytest.approx(1.573, abs=0.0005)
    assert imagined.kv_bytes_per_sequence / 1e9 == pytest.approx(157, abs=0.5)


def test_a32_models_that_exist(llama):
    # A32: GPT-3 (96 x 128, MHA) 4.72 MB; Llama-3-70B 0.328 MB, 32.8 GB; DeepSeek-V3 70,272 B, 7.0 GB.
    assert totals(attention_model(96, 96, 96, 128), 1).kv_bytes_per_token / 1e6 == pytest.approx(4.72, abs=0.005)
    assert totals(llama, 1).kv_bytes_per_token / 1e6 == pytest.approx(0.328, abs=0.0005)
    assert totals(llama, 100_000).kv_bytes_per_sequence / 1e9 == pytest.approx(32.8, abs=0.05)
    deepseek = totals(lower(load_model("deepseek-ai/DeepSeek-V3")), 100_000)
    assert deepseek.kv_bytes_per_token == 70_272 == 61 * (512 + 64) * 2
    assert deepseek.kv_bytes_per_sequence / 1e9 == pytest.approx(7.0, abs=0.05)


@pytest.mark.parametrize(("name", "context"), [("llama-70b", 131_072), ("deepseek-v3", 100_000)])
def test_cost_terms_count_the_kv_cache_as_the_lowering_does(name, context):
    # The claims above hold for what the search packs, too: one device, nothing cut.
    model, device = lower(load_model(name)), load_device("h100-sxm")
    group = Group(GroupShape("p", 1, 1, 1, 1), device, 1, None, None)
    packed = sum(kv_bytes_per_sequence(group, ops.core, context) for ops in model.layer_ops)
    assert packed == totals(model, device.paged(context)).kv_bytes_per_sequence
