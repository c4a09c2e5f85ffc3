"""DeepSeek's own accounts of its V3/R1 service, against arithmetic and against our decode cost model.

[DS] deepseek-ai/open-infra-index@56d8685, 202502OpenSourceWeek/day_6 (2025-02-28): 24 h of the service.
"""

import numpy as np
import pytest

from placer.catalog.fleet import Fleet, Pool
from placer.catalog.loader import load_device, load_link
from placer.cost import block_bytes, block_time
from placer.cost.group import Batch, Group, build_group, exact_batch
from placer.cost.loads import ExpertLoads
from placer.cost.money import usd_per_million_tokens
from placer.cost.shape import GroupShape
from placer.graph.lower import lower
from placer.graph.model_graph import ModelGraph
from placer.model.catalog import load_model
from placer.scenario.routing import UNIFORM

SECONDS_PER_DAY = 86_400
# [DS]: "Total input tokens: 608B, of which 342B (56.3%) hit the on-disk KV cache", output tokens 168B.
INPUT_TOKENS, CACHED_TOKENS, OUTPUT_TOKENS = 608e9, 342e9, 168e9
# [DS]: per H800 node "~73.7k tokens/s input (including cache hits)" or "~14.8k tokens/s output".
PREFILL_PER_NODE, DECODE_PER_NODE = 73.7e3, 14.8e3
# [DS]: "average occupancy of 226.75 nodes (each node contains 8 H800 GPUs)"; "$2 per hour per GPU".
MEAN_NODES, GPUS_PER_NODE, USD_PER_GPU_HOUR, USD_PER_DAY = 226.75, 8, 2.0, 87_072
# [DS]: "average output speed was 20-22 tokens per second", average KV length per output token 4,989.
TOKENS_PER_USER, MEAN_CONTEXT = 21.0, 4_989
# [DS]: decoding unit of 18 nodes, EP144, 2 routed experts and 1 shared expert per GPU.
UNIT_NODES, EP = 18, 144


@pytest.fixture(scope="module")
def deepseek() -> ModelGraph:
    return lower(load_model("deepseek-ai/DeepSeek-V3"))


def h800_group(num_devices: int) -> Group:
    """H100 silicon (same die, same kernels), NVLink cut to 400 GB/s both ways, one 400G NIC per GPU."""
    nvlink = load_link("nvlink4").model_copy(update={"bandwidth": 200e9})
    pool = Pool(name="h800", device="h100-sxm", count=num_devices, unit=8, domain=8, scale_up="up", scale_out="out")
    fleet = Fleet(
        name="h800",
        price_basis="contract",
        pools=(pool,),
        devices={"h100-sxm": load_device("h100-sxm")},
        link_types={"up": nvlink, "out": load_link("ib-ndr400")},
    )
    return build_group(fleet, GroupShape("h800", 1, num_devices, 1, 1))


def layer_times_s(model: ModelGraph, group: Group, batch: Batch, context: int) -> tuple[float, float]:
    """One microbatch through the whole model: time of compute, and of exchange between experts."""
    hidden, dispatch = model.spec.hidden_size, model.spec.precision.dispatch
    compute = block_time.embedding_s(group, model.embedding, batch, hidden)
    compute = compute + block_time.lm_head_s(group, model.lm_head, batch)
    exchange = np.zeros_like(compute)
    for entry in model.layer_classes:
        compute = compute + entry.count * block_time.attention_s(group, entry.ops, batch, context, hidden)
        if entry.ops.dense is not None:
            compute = compute + entry.count * block_time.dense_s(group, entry.ops.dense, batch, hidden)
            continue
        moe, everything = entry.ops.moe, (0, entry.ops.moe.num_experts)
        loads = ExpertLoads(UNIFORM.selection_probability(moe.num_experts, moe.top_k))
        copies = block_time.copies(group, loads, everything)
        compute = compute + entry.count * block_time.shared_s(group, moe, batch)
        compute = compute + entry.count * block_time.experts_s(group, moe, loads, everything, batch)
        exchange = exchange + entry.count * sum(block_time.exchange_s(group, copies, batch, hidden, dispatch))
    return float(compute[0]), float(exchange[0])


def tokens_per_s_per_gpu(model: ModelGraph, num_devices: int, rank_batch: int, context: int) -> float:
    """Two microbatches in flight (C2): T' = max(path, 2 busy, 2 fabric), as `docs/method.md` says."""
    group = h800_group(num_devices)
    batch = exact_batch(np.array([float(num_devices * rank_batch)]), group.shape)
    compute, exchange = layer_times_s(model, group, batch, context)
    return 2 * rank_batch / max(compute + exchange, 2 * compute, 2 * exchange)


def test_prefill_and_decode_nodes_add_up_to_the_reported_occupancy():
    # H1/E1 of physics, [DS]: 95.5 + 131.4 = 226.9 against 226.75 reported.
    prefill_nodes = INPUT_TOKENS / SECONDS_PER_DAY / PREFILL_PER_NODE
    decode_nodes = OUTPUT_TOKENS / SECONDS_PER_DAY / DECODE_PER_NODE
    assert prefill_nodes == pytest.approx(95.5, abs=0.05)
    assert decode_nodes == pytest.approx(131.4, abs=0.05)
    # Three digits are published; 0.1k of 14.8k is 0.7 %.
    assert prefill_nodes + decode_nodes == pytest.approx(MEAN_NODES, rel=0.01)


def test_cache_hit_rate_is_the_reported_one():
    # A39 of claims, [DS]: "342B tokens (56.3%) hit the on-disk KV cache".
    hit_rate = CACHED_TOKENS / INPUT_TOKENS
    # 0.5625 to its last digit: the counts are rounded to 1B.
    assert hit_rate == pytest.approx(0.563, abs=0.001)


def test_cost_of_a_day_is_the_reported_one():
    # G1 of physics, [DS]: $87,072 per day at $2 per H800 hour.
    assert MEAN_NODES * GPUS_PER_NODE * USD_PER_GPU_HOUR * 24 == USD_PER_DAY


@pytest.mark.parametrize(
    ("tokens_per_s", "usd"),
    # G1 of physics, derived from [DS]: decode only, prefill only (cache hits included).
    [(DECODE_PER_NODE, 0.300), (PREFILL_PER_NODE, 0.060)],
)
def test_price_of_tokens_of_one_node(tokens_per_s, usd):
    node = GPUS_PER_NODE * USD_PER_GPU_HOUR
    assert usd_per_million_tokens(node, tokens_per_s) == pytest.approx(usd, abs=0.0005)


def test_price_of_output_all_in():
    # G1 of physics: $87,072 over 168B output tokens = $0.518/M.
    per_second = OUTPUT_TOKENS / SECONDS_PER_DAY
    assert usd_per_million_tokens(USD_PER_DAY / 24, per_second) == pytest.approx(0.518, abs=0.0005)


def test_resident_users_and_their_kv_cache_fit_beside_the_weights(deepseek):
    # H1 of physics, [DS]: 14.8K * 18 / 21 = 12.7K users = 88 per GPU = 30.9 GB of KV cache, fits 80 GB.
    group = h800_group(EP)
    users = DECODE_PER_NODE * UNIT_NODES / TOKENS_PER_USER
    assert users == pytest.approx(12.7e3, abs=50)
    per_gpu = round(users / EP)
    assert per_gpu == 88
    layers = deepseek.layer_ops
    kv = per_gpu * sum(block_bytes.kv_bytes_per_sequence(group, ops.core, MEAN_CONTEXT) for ops in layers)
    assert kv == pytest.approx(30.9e9, abs=0.05e9)
    weights = block_bytes.cut_bytes(group, deepseek.embedding) + block_bytes.cut_bytes(group, deepseek.lm_head)
    for ops in layers:
        weights += block_bytes.attention_bytes(group, ops)
        if ops.dense is not None:
            weights += block_bytes.cut_bytes(group, ops.dense)
        else:
            weights += block_bytes.cut_bytes(group, ops.moe.shared)
            weights += block_bytes.expert_bytes(group, ops.moe, ops.moe.num_experts)
    assert kv + weights <= group.device.usable_bytes


def test_experts_per_gpu_of_the_decode_unit(deepseek):
    # [DS]: "each GPU manages 2 routed experts and 1 shared expert" (256 experts and 32 redundant ones).
    moe = deepseek.layer_ops[-1].moe
    group = h800_group(EP)
    assert block_bytes.expert_bytes(group, moe, moe.num_experts) == 2 * moe.expert.weight_bytes
    assert (moe.num_experts + 32) / EP == 2
    assert moe.shared.weight_bytes == moe.expert.weight_bytes


# alibaba/InferSim@f2293da README ("actual", from deepseek-ai/profile-data), also arXiv 2507.19427:
# DeepSeek-V3 on H800, EP128, 4,096 in + 1,786 out, 128 sequences per GPU in two microbatches, no MTP:
# 2,324 tokens/s/GPU.
PROFILE_EP, PROFILE_RANK_BATCH, PROFILE_CONTEXT, PROFILE_PER_GPU = 128, 64, 4_096 + 1_786 // 2, 2_324
# Chosen before looking at any prediction.
PROFILE_TOLERANCE, SERVICE_FACTOR = 0.30, 1.5


def test_decode_speed_of_the_published_profile(deepseek):
    # Predicted 2,482, +6.8 %; InferSim itself 2,675, +15.1 %.
    per_gpu = tokens_per_s_per_gpu(deepseek, PROFILE_EP, PROFILE_RANK_BATCH, PROFILE_CONTEXT)
    assert per_gpu == pytest.approx(PROFILE_PER_GPU, rel=PROFILE_TOLERANCE)


def test_decode_speed_of_the_service(deepseek):
    # [DS]: 14.8K output tokens/s/node averaged over a day of changing load, about 88 users per GPU.
    # Predicted 16.2K, +9 %.
    per_node = GPUS_PER_NODE * tokens_per_s_per_gpu(deepseek, EP, 44, MEAN_CONTEXT)
    assert DECODE_PER_NODE / SERVICE_FACTOR <= per_node <= DECODE_PER_NODE * SERVICE_FACTOR
