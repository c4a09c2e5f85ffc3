"""How many devices hold a model: published counts (physics H4, H5, H10) against our lowering and catalog."""

import math

import pytest

from placer.catalog.loader import load_device, load_fleet
from placer.cost import block_bytes
from placer.cost.group import build_group
from placer.cost.money import rental_table, usd_per_million_tokens
from placer.cost.shape import GroupShape
from placer.graph.lower import lower
from placer.graph.model_graph import ModelGraph
from placer.graph.roofline import roofline
from placer.graph.totals import totals
from placer.model.catalog import load_model
from placer.model.ffn import DenseFfn
from placer.model.mixer import GroupedQueryAttention
from placer.model.precision import Precision, WeightFormat
from placer.model.spec import LayerKind, LayerRun, ModelSpec

CS3_BYTES, LPU_BYTES = 44e9, 230e6


def llama_like(layers: int, hidden: int, intermediate: int, heads: int, vocabulary: int) -> ModelSpec:
    return ModelSpec(
        name="llama-like",
        source="test",
        hidden_size=hidden,
        vocab_size=vocabulary,
        mixers={"a": GroupedQueryAttention(num_heads=heads, num_kv_heads=8, head_dim=hidden // heads)},
        ffns={"f": DenseFfn(intermediate_size=intermediate)},
        layers=(LayerRun(repeat=layers, pattern=(LayerKind(mixer="a", ffn="f"),)),),
    )


def weight_bytes(spec: ModelSpec) -> int:
    return totals(lower(spec), 1).weight_bytes


def every_weight_in(spec: ModelSpec, weight_format: WeightFormat) -> ModelSpec:
    """Embedding, router and LM head included; norms stay in BF16."""
    names = ("attention", "dense_ffn", "experts", "shared_experts", "router", "embedding", "lm_head")
    return spec.model_copy(update={"precision": Precision(**dict.fromkeys(names, weight_format))})


def near_bytes_of_layer(model: ModelGraph, shape: GroupShape, fleet: str) -> int:
    """Weights of the first layer on one device of a stage."""
    group, ops = build_group(load_fleet(fleet), shape), model.layer_ops[0]
    held = block_bytes.attention_bytes(group, ops)
    if ops.dense is not None:
        return held + block_bytes.cut_bytes(group, ops.dense)
    return held + block_bytes.expert_bytes(group, ops.moe, ops.moe.num_experts)


@pytest.fixture(scope="module")
def llama() -> ModelGraph:
    return lower(load_model("meta-llama/Llama-3.1-70B"))


def test_devices_of_the_catalog_have_the_published_capacity():
    # H4: CS-3 44 GB (Cerebras), LPU v1 0.23 GB (Groq).
    assert load_device("cs3").compute_tier.capacity == CS3_BYTES
    assert load_device("lpu-v1").compute_tier.capacity == LPU_BYTES


def test_70b_takes_four_cs3(llama):
    # H4, Cerebras: "70B on as few as four": 141.1 / 44 = 3.2.
    weights = totals(llama, 1).weight_bytes
    assert weights / 1e9 == pytest.approx(141.1, abs=0.05)
    assert weights / CS3_BYTES == pytest.approx(3.2, abs=0.05)
    assert math.ceil(weights / CS3_BYTES) == 4


def test_70b_fits_four_pipeline_stages_of_one_cs3_but_not_three(llama):
    # H4 once more, by the bytes the search packs: 80 layers, embedding first, LM head last.
    group = build_group(load_fleet("cs3-x4"), GroupShape("cs3", 4, 1, 1, 1))
    layer = near_bytes_of_layer(llama, group.shape, "cs3-x4")
    ends = [block_bytes.cut_bytes(group, op) for op in (llama.embedding, llama.lm_head)]
    assert max(ends) + 20 * layer <= group.device.usable_bytes
    assert 27 * layer > group.device.usable_bytes
    assert sum(ends) + 80 * layer == totals(llama, 1).weight_bytes


def test_20b_fits_one_cs3():
    # H4, Cerebras: "20B on one CS-3", BF16: 20 layers of Llama-3.1-70B with its vocabulary are 19.2B.
    spec = llama_like(20, 8192, 28672, 64, 128_256)
    assert totals(lower(spec), 1).parameters == pytest.approx(20e9, rel=0.05)
    assert math.ceil(weight_bytes(spec) / CS3_BYTES) == 1


def test_405b_takes_19_wafers():
    # H4: Llama-3.1-405B in BF16 on at least 19 wafers; shape: config.json of the Hub repository.
    spec = llama_like(126, 16_384, 53_248, 128, 128_256)
    assert totals(lower(spec), 1).parameters / 1e9 == pytest.approx(405.85, abs=0.005)
    assert math.ceil(weight_bytes(spec) / CS3_BYTES) == 19


@pytest.mark.parametrize(
    ("layers", "hidden", "intermediate", "heads", "wafers"),
    # H4 once more, as `placer roofline` counts: 20 layers of the 70B, all 80, and 405B.
    [(20, 8_192, 28_672, 64, 1), (80, 8_192, 28_672, 64, 4), (126, 16_384, 53_248, 128, 19)],
)
def test_roofline_counts_the_same_wafers(layers, hidden, intermediate, heads, wafers):
    model = lower(llama_like(layers, hidden, intermediate, heads, 128_256))
    rows = {row.what: row for row in roofline(model, load_device("cs3"), (1,), (1,)).holdings}
    assert rows["weights"].min_devices == wafers
    assert rows["weights"].held_bytes == totals(model, 1).weight_bytes


@pytest.mark.parametrize(("weight_format", "chips"), [(WeightFormat.INT8, 307), (WeightFormat.BF16, 614)])
def test_llama_3_70b_takes_307_lpus_in_eight_bits_and_614_in_sixteen(weight_format, chips):
    # A24, H4: 70.6e9 B / 0.23 GB = 307 chips, weights only; 614 in BF16.
    spec = every_weight_in(load_model("meta-llama/Llama-3.1-70B"), weight_format)
    assert math.ceil(weight_bytes(spec) / LPU_BYTES) == chips


def test_llama_2_70b_in_sixteen_bits_takes_more_than_the_576_deployed_lpus():
    # H4: 576 = 8 racks of 72 = 132.5 GB. Llama-2-70B has 68.98B parameters: 8 bits fit, 16 do not.
    spec = llama_like(80, 8192, 28672, 64, 32_000)
    assert totals(lower(spec), 1).parameters / 1e9 == pytest.approx(68.98, abs=0.005)
    room = 576 * LPU_BYTES
    assert room / 1e9 == pytest.approx(132.5, abs=0.05)
    assert weight_bytes(every_weight_in(spec, WeightFormat.INT8)) < room < weight_bytes(spec)
    # H4 gives 307 as the least for this model; that is Llama-3-70B's count (above). This one takes 300.
    assert math.ceil(weight_bytes(every_weight_in(spec, WeightFormat.INT8)) / LPU_BYTES) == 300


def test_gpt_oss_120b_checkpoint_has_the_published_size():
    # OpenAI, gpt-oss model card (arXiv 2508.10925), table 1: 116.83B parameters, checkpoint 60.8 GiB.
    size = totals(lower(load_model("openai/gpt-oss-120b")), 1)
    assert size.parameters / 1e9 == pytest.approx(116.83, abs=0.005)
    assert size.weight_bytes / 2**30 == pytest.approx(60.8, abs=0.05)


def test_gpt_oss_120b_leaves_half_of_576_lpus_to_the_kv_cache():
    # H4 [SHIP, table 2, secondary]: 132.48 - 69.7 = 62.8 GB of weights. The checkpoint has 65.3 GB (OpenAI),
    # which leaves 67.2; one digit of "half" is all the two agree on.
    weights = totals(lower(load_model("openai/gpt-oss-120b")), 1).weight_bytes
    room = 576 * LPU_BYTES
    assert room / 1e9 == pytest.approx(132.48, abs=0.005)
    assert (room - weights) / room == pytest.approx(0.5, abs=0.05)


def test_qwen3_235b_takes_16_lpus_a_layer_and_1520_in_all():
    # H4, D2 [SHIP, secondary]: TP16 x PP95 (94 layers and one) = 1,520 LPUs; 8 a layer would not hold it.
    spec = load_model("Qwen/Qwen3-235B-A22B")
    model = lower(spec.model_copy(update={"precision": spec.precision.with_weights(WeightFormat.INT8)}))
    assert spec.num_layers == 94
    shapes = {width: GroupShape("lpu", 95, width, 16 if width == 16 else 8, 1) for width in (8, 16)}
    held = {width: near_bytes_of_layer(model, shape, "groq-lpu-v1") for width, shape in shapes.items()}
    assert held[16] <= LPU_BYTES < held[8]
    assert shapes[16].num_devices == 1_520
    # The 95th stage: embedding and LM head, cut 16 ways.
    group = build_group(load_fleet("groq-lpu-v1"), shapes[16])
    assert block_bytes.cut_bytes(group, model.embedding) + block_bytes.cut_bytes(group, model.lm_head) <= LPU_BYTES


def test_qwen3_235b_in_sixteen_bits_does_not_fit_16_lpus_a_layer():
    model = lower(load_model("Qwen/Qwen3-235B-A22B"))
    assert near_bytes_of_layer(model, GroupShape("lpu", 95, 16, 16, 1), "groq-lpu-v1") > LPU_BYTES


def test_lpx_rack_adds_up():
    # H5 [NVIDIA, Inside Groq 3 LPX, 2026-03-16]: 256 x 500 MB = 128 GB, 38.4 PB/s ("40"), 307.2 PF ("315").
    fleet = load_fleet("vera-rubin-nvl72-lpx")
    chip, unit = fleet.device_of("lpx"), fleet.pool("lpx").unit
    assert unit == 256
    assert unit * chip.compute_tier.capacity == 128e9
    assert unit * chip.compute_tier.bandwidth == pytest.approx(38.4e15)
    assert unit * chip.peak["fp8"] == pytest.approx(307.2e15)


@pytest.mark.parametrize(
    ("users", "context", "fits"),
    # H10: about 35 GB are left on four CS-3 for 2.68 GB (8,192 tokens) or 2.62 GB (8,000) a user.
    [(12, 8_192, True), (13, 8_000, True), (14, 8_000, False), (128, 8_000, False), (128, 8_192, False)],
)
def test_users_of_70b_that_four_cs3_can_hold(llama, users, context, fits):
    size = totals(llama, context)
    assert (size.weight_bytes + users * size.kv_bytes_per_sequence <= 4 * CS3_BYTES) is fits


def test_128_users_at_8k_exceed_four_cs3_tenfold(llama):
    # H10: 4 x 44 - 141.1 = 34.9 GB against 128 x 8,192 x 327,680 B = 343.6 GB, whatever the cut.
    size = totals(llama, 8_192)
    room = 4 * CS3_BYTES - size.weight_bytes
    assert room / 1e9 == pytest.approx(34.9, abs=0.05)
    assert 128 * size.kv_bytes_per_sequence / 1e9 == pytest.approx(343.6, abs=0.05)
    fleet = load_fleet("cs3-x4")
    assert fleet.pool("cs3").count * fleet.device_of("cs3").usable_bytes == 4 * CS3_BYTES


def test_13_users_at_8192_miss_four_cs3_by_a_few_megabytes(llama):
    # H10 says 13, from 35 GB rounded up. Exactly 34.893 / 2.684 GB = 12.9985: 13 users fit at 8,000 tokens.
    size = totals(llama, 8_192)
    missing = size.weight_bytes + 13 * size.kv_bytes_per_sequence - 4 * CS3_BYTES
    assert 0 < missing < 5e6


@pytest.mark.parametrize(
    ("users", "usd"),
    # H10, B7: 4 CS-3 at 41.96 USD/h each, 450 tokens/s/user; USD/M by users, to the digits given.
    [(1, 103.6), (8, 13.0), (32, 3.2), (128, 0.81)],
)
def test_price_of_70b_on_four_cs3_by_users(users, usd):
    rental = rental_table(load_fleet("cs3-x4"), (GroupShape("cs3", 4, 1, 1, 1),)).rental(0)
    price = usd_per_million_tokens(rental.usd_per_hour, 450 * users)
    assert price == pytest.approx(usd, abs={103.6: 0.05, 13.0: 0.5, 3.2: 0.05, 0.81: 0.005}[usd])
