"""What drafting and verifying cost: widened steps, and a drafter on the LM head's devices, search against verifier."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.catalog.loader import load_fleet
from placer.cost import block_time, draft
from placer.cost.group import build_group, exact_batch, relaxed_batch
from placer.cost.shape import GroupShape
from placer.graph.drafter import lower_drafter
from placer.graph.lower import lower
from placer.model.catalog import load_model
from placer.plan.placement import GroupPlan, Role
from placer.scenario.speculation import Speculation
from placer.verify.recompute.group import group_of
from placer.verify.recompute.load import Microbatch
from placer.verify.recompute.speculation import draft_of

FLEET = load_fleet("h200-8x")
POOL = FLEET.pools[0].name
DEEPSEEK, LLAMA = load_model("deepseek-ai/DeepSeek-V3"), load_model("llama-3.1-8b")
CONTEXT, CAPACITY = 5_000, 9_216


def drafters():
    mtp = Speculation(kind="mtp", acceptance=0.8)
    return {
        "a module of DeepSeek-V3": lower_drafter(mtp, DEEPSEEK),
        "three modules of Llama": lower_drafter(mtp.model_copy(update={"modules": 3}), LLAMA),
        "Llama-3.1-8B": lower_drafter(Speculation(kind="model", draft=LLAMA, acceptance=0.8), DEEPSEEK),
        "gpt-oss": lower_drafter(Speculation(kind="model", draft=load_model("gpt-oss-20b"), acceptance=0.8), DEEPSEEK),
    }


DRAFTERS = drafters()


def shapes():
    return st.sampled_from([(8, 1, 1), (8, 8, 8), (8, 4, 1), (4, 2, 2), (2, 1, 1), (1, 1, 1)]).map(
        lambda cut: GroupShape(POOL, 1, *cut)
    )


@given(st.sampled_from(sorted(DRAFTERS)), shapes(), st.integers(1, 600), st.integers(1, 8), st.integers(1, 4))
@settings(max_examples=40)
def test_search_and_verifier_agree(name, shape, sequences, drafted, in_flight):
    drafter, group = DRAFTERS[name], build_group(FLEET, shape)
    batch = exact_batch(np.array([float(sequences)]), shape)
    dealt = tuple(sequences // shape.dp + (rank < sequences % shape.dp) for rank in range(shape.dp))
    plan = GroupPlan(
        role=Role.HOST, pool=POOL, stages=1, width=shape.width, tp=shape.tp, expert_tp=shape.expert_tp,
        sequences_per_rank=dealt,
    )  # fmt: skip
    of_model = Microbatch(sequences, in_flight, DEEPSEEK.hidden_size, 1, CONTEXT, CAPACITY, drafted + 1)
    exact = draft_of(drafter, drafted, group_of(plan, FLEET, drafted + 1), of_model)
    assert drafted * draft.pass_s(group, drafter, batch, CONTEXT)[0] == pytest.approx(exact.passes_s, rel=1e-12)
    assert draft.weight_bytes(group, drafter) == pytest.approx(exact.weights, abs=exact.items)
    kept = draft.in_flight_bytes(group, drafter, batch, (CAPACITY, drafted + 1))[0]
    assert kept == pytest.approx(exact.kept, abs=exact.items)


def test_a_pass_by_hand():
    # Llama-3.1-8B whole on one H200, one sequence: every weight and 5,001 tokens of KV cache are read once.
    drafter, group = DRAFTERS["Llama-3.1-8B"], build_group(FLEET, GroupShape(POOL, 1, 1, 1, 1))
    batch = exact_batch(np.array([1.0]), group.shape)
    weights = 2 * (8_030_261_248 - 128_256 * 4_096)
    kv = 5_001 * 32 * 2 * 8 * 128 * 2
    least = (weights + kv) / group.device.compute_tier.bandwidth
    assert least < draft.pass_s(group, drafter, batch, CONTEXT)[0] < 2.5 * least
    assert draft.weight_bytes(group, drafter) == 2 * 8_030_261_248
    buffers = 2 * 4_096 * 2
    paged = group.device.paged(CAPACITY)
    assert draft.in_flight_bytes(group, drafter, batch, (CAPACITY, 2))[0] == paged * 32 * 2 * 8 * 128 * 2 + buffers


def test_a_module_is_a_layer_a_projection_and_an_embedding():
    # DeepSeek-V3 report, Hub: "671B of the Main Model weights and 14B of the Multi-Token Prediction Module weights":
    # 11.5 B of its own, embedding and LM head shared.
    drafter = DRAFTERS["a module of DeepSeek-V3"]
    ops = [drafter.projection, *drafter.model.layer_ops[0].attention]
    own = sum(sum(op.parameters.values()) for op in ops)
    moe = drafter.model.layer_ops[0].moe
    own += sum(moe.router.parameters.values()) + sum(moe.shared.parameters.values())
    own += moe.num_experts * sum(moe.expert.parameters.values())
    assert own == pytest.approx(11.6e9, rel=0.02)
    assert drafter.shares_head


@given(shapes(), st.integers(2, 9))
@settings(max_examples=25)
def test_widened_steps_read_the_kv_cache_once_and_everything_else_grows(shape, width):
    group, ops = build_group(FLEET, shape), lower(DEEPSEEK).layer_ops[-1]
    one = exact_batch(np.array([64.0, 256.0]), shape)
    wide = one.widened(width)
    assert np.array_equal(wide.rank_sequences, one.rank_sequences)
    narrow_s = block_time.core_s(group, ops.core, one.rank_tokens, CONTEXT)
    wide_s = block_time.core_s(group, ops.core, wide.rank_tokens, CONTEXT, width)
    batched_s = block_time.core_s(group, ops.core, wide.rank_tokens, CONTEXT)
    assert (narrow_s <= wide_s).all()
    assert (wide_s < batched_s).all()
    assert ops.core.moved_bytes(CONTEXT, tokens=width) < ops.core.moved_bytes(CONTEXT) + width * ops.core.kv_bytes(1)


@given(st.sampled_from(sorted(DRAFTERS)), shapes(), st.integers(1, 9))
@settings(max_examples=25)
def test_times_per_sequence_never_rise_with_the_batch(name, shape, width):
    # What bounds rest on: relaxed times over sequences fall, whatever is drafted.
    group, ops = build_group(FLEET, shape), lower(DEEPSEEK).layer_ops[-1]
    sizes = np.array([1.0, 2.0, 3.0, 8.0, 20.0, 64.0, 250.0, 1000.0])
    batch = relaxed_batch(sizes, shape)
    drafting = draft.pass_s(group, DRAFTERS[name], batch, CONTEXT) / sizes
    verifying = block_time.attention_s(group, ops, batch.widened(width), CONTEXT, DEEPSEEK.hidden_size) / sizes
    for per_sequence in (drafting, verifying):
        assert (np.diff(per_sequence) <= 1e-12 * per_sequence[:-1]).all()


def test_picked_entries_are_read_by_every_token_for_itself():
    sparse = lower(load_model("deepseek-ai/DeepSeek-V3.2")).layer_ops[-1].core
    cache, index = sparse.caches[0], sparse.caches[1]
    assert cache.most_read == 2_048
    assert cache.read_together(100_000, 3) == 3 * 2_048
    assert cache.read_together(4_000, 3) == 4_000
    assert index.read_together(100_000, 3) == 100_000


def test_states_are_kept_for_every_token_that_may_be_taken_back():
    core = next(
        ops.core for ops in lower(load_model("Qwen/Qwen3-Next-80B-A3B-Instruct")).layer_ops if ops.core.state_bytes
    )
    assert core.held_bytes(1_000, states=4) == 4 * core.held_bytes(1_000)
    assert core.moved_bytes(1_000, tokens=4) == 5 / 2 * core.moved_bytes(1_000)
