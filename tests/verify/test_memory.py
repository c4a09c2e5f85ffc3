import pytest

from placer.plan.placement import Role
from placer.plan.plan import Plan
from placer.verify.context import context_of


def memory_of(plan):
    return {device.place: device for device in context_of(Plan.model_validate(plan)).memory}


@pytest.mark.parametrize(
    ("experts_by_rank", "slots"),
    [([[0, 2], [1, 3]], 2), ([[0, 1, 2], [3]], 2), ([[0, 2], [1]], 2), ([[0], [1]], 1), ([[0], []], 1)],
)
def test_every_rank_has_a_slot_for_as_many_experts_as_the_fullest(plans, experts_by_rank, slots):
    plan = plans["mixed"]()
    plan["placement"]["experts"]["all"]["experts_by_rank"] = experts_by_rank
    device = memory_of(plan)[Role.SIDECAR, 0]
    # layers 1 to 3 have ceil(n / 2) slots of 48 B each, the hand plan two
    assert device.weights == 512 + 3 * 48 * (slots - 2)
    assert device.hot_experts == 48


def test_latent_attention_keeps_a_copy_of_the_cache_on_every_rank(plans):
    plan = plans["dense"]()
    plan["scenario"]["model"]["mixers"] = {
        "gqa": {
            "kind": "mla",
            "num_heads": 2,
            "kv_lora_rank": 3,
            "qk_nope_head_dim": 2,
            "qk_rope_head_dim": 1,
            "v_head_dim": 2,
        }
    }
    [device] = memory_of(plan).values()
    # latent 3 + 1 of 2 bytes, for m = 2 of r = 8 sequences of 9 tokens in two layers; t = 2 changes nothing
    assert device.kv == 2 * 2 * 8 * 9 * 8
    # query 6x4 and up-projection 4x3 by heads, latent 4x4 whole: 24 + 12 + 32; norms 8 + 6;
    # output 4x3 and 4x4 by heads: 12 + 16
    assert device.weights == pytest.approx(72 + 2 * (24 + 12 + 32 + 14 + 12 + 16 + 104))


def test_a_window_bounds_the_cache(plans):
    plan = plans["dense"]()
    plan["scenario"]["model"]["mixers"]["gqa"]["window"] = 5
    [device] = memory_of(plan).values()
    assert device.kv == 2 * 2 * 8 * 5 * 8


def test_experts_leave_room_for_the_copies_of_tokens(plans):
    memory = memory_of(plans["mixed"]())
    # m * 2H * (2r + 2k * r/t) with r = 2, k = 2
    assert memory[Role.HOST, 0].activations == 8 * (4 + 8)
    assert memory[Role.SIDECAR, 0].activations == 8 * (4 + 4)
