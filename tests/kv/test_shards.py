import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.errors import InputError
from placer.graph.lower import lower
from placer.kv.shards import kv_shards, sequences_by_rank, stage_kv
from placer.plan.placement import GroupPlan
from placer.plan.plan import Plan
from placer.verify.verify import verify_plan


def shards(raw):
    plan = Plan.model_validate(raw)
    return plan, list(kv_shards(plan, lower(plan.scenario.model)))


def held(plan, found, replica=0):
    """Bytes by device of all microbatches in flight."""
    total = Counter()
    for shard in found:
        size = len(shard.sequences) * plan.batch.microbatches_in_flight * shard.sequence_bytes
        total[shard.device(plan, replica)] += size
    return total


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20))
def test_every_sequence_lies_with_one_rank(dealt):
    group = GroupPlan(role="host", pool="p", stages=1, width=len(dealt), tp=1, expert_tp=1, sequences_per_rank=dealt)
    ranks = sequences_by_rank(group)
    assert [sequence for rank in ranks for sequence in rank] == list(range(sum(dealt)))
    assert [len(rank) for rank in ranks] == dealt


def test_heads_are_cut_over_the_ranks(plans):
    plan, found = shards(plans["dense"]())
    # two layers, two ranks with one head each: 9 tokens of 8 B
    assert [(shard.layer, shard.tensor_rank, shard.part, shard.num_parts, shard.sequence_bytes) for shard in found] == [
        (0, 0, 0, 2, 72),
        (0, 1, 1, 2, 72),
        (1, 0, 0, 2, 72),
        (1, 1, 1, 2, 72),
    ]
    assert held(plan, found) == {"pool[2]": 2304, "pool[3]": 2304}


def test_tokens_are_dealt_to_the_ranks_of_a_head(plans):
    _, found = shards(plans["cut"]())
    # two layers, two ranks with the one head: pages of two tokens, five each, 8 B a token
    assert [(shard.tensor_rank, shard.part, shard.num_parts, shard.cp, shard.first_token) for shard in found] == [
        *((0, 0, 1, 2, 0), (1, 0, 1, 2, 1)),
        *((0, 0, 1, 2, 0), (1, 0, 1, 2, 1)),
    ]
    assert {shard.sequence_bytes for shard in found} == {40}


@pytest.mark.parametrize("name", ["dense", "cut", "mixed", "pipeline"])
def test_shards_add_up_to_the_memory_map(plans, name):
    plan, found = shards(plans[name]())
    by_pool = {}
    for device, size in held(plan, found).items():
        pool = device.partition("[")[0]
        by_pool[pool] = max(by_pool.get(pool, 0), size)
    assert by_pool == {use.pool: use.kv_bytes for use in plan.memory}


def test_another_replica_has_the_same_on_other_devices(plans):
    plan, found = shards(plans["pipeline"]())
    assert held(plan, found, 0) == {"line[0]": 3456, "line[1]": 3456}
    assert held(plan, found, 1) == {"line[2]": 3456, "line[3]": 3456}


def test_what_heads_share_lies_whole_on_every_rank(plans):
    raw = plans["dense"]()
    latent = {"kv_lora_rank": 3, "qk_nope_head_dim": 2, "qk_rope_head_dim": 1, "v_head_dim": 2}
    raw["scenario"]["model"]["mixers"]["gqa"] = {"kind": "mla", "num_heads": 2, **latent}
    plan, found = shards(raw)
    assert {(shard.part, shard.num_parts, shard.sequence_bytes) for shard in found} == {(0, 1, 9 * 8)}
    kept = stage_kv(lower(plan.scenario.model), plan.placement, plan.groups[0], 9)[0]
    assert plan.groups[0].tp * kept.device_bytes == 2 * kept.whole_bytes


def test_more_ranks_than_heads_keep_copies(plans):
    raw = plans["dense"]()
    raw["groups"][0] |= {"width": 4, "tp": 4}
    raw["scenario"]["model"]["mixers"]["gqa"]["num_heads"] = 4
    assert [shard.part for shard in shards(raw)[1][:4]] == [0, 0, 1, 1]


def test_a_refusal_holds_nothing(plans):
    plan = Plan.model_validate(plans["dense"]()).model_copy(update={"placement": None})
    with pytest.raises(InputError, match="holds no KV"):
        list(kv_shards(plan, lower(plan.scenario.model)))


def test_a_plan_without_budgets_loads_and_is_verified(plans):
    raw = plans["mixed"]()
    del raw["kv"]
    assert verify_plan(Plan.model_validate(json.loads(json.dumps(raw)))).status == "verified"
