"""Choices that published systems made, and refusals that arithmetic demands, from the whole planner."""

import pytest

from placer import plan, verify
from placer.plan.placement import Role
from placer.plan.plan import Status

# MegaScale-Infer (arXiv 2504.02263, table 3 and section 4): of H20 and L40S, attention belongs on H20, experts on L40S.
TPOT_150_MS = 1.0 / 0.150
MEDIAN_INPUT, MEDIAN_OUTPUT = 571, 159


@pytest.mark.slow
def test_h3_attention_goes_to_h20_and_experts_to_l40s():
    chosen = plan(
        "mixtral-8x7b",
        "h20-l40s",
        tps_user=TPOT_150_MS,
        isl=MEDIAN_INPUT,
        osl=MEDIAN_OUTPUT,
        gap=0.05,
        budget_s=60.0,
        decode_only=True,
    )
    assert chosen.status is Status.PLANNED
    assert chosen.placement is not None
    pools = {group.role: group.pool for group in chosen.groups}
    assert pools == {Role.HOST: "h20", Role.SIDECAR: "l40s"}
    attention_on_h20 = sum(layer.attention.role is Role.HOST for layer in chosen.placement.layers)
    experts_on_l40s = sum(layer.ffn[-1].at.role is Role.SIDECAR for layer in chosen.placement.layers)
    assert attention_on_h20 >= 28  # of 32; a few whole layers fill what the L40S have left
    assert experts_on_l40s >= 28
    assert verify(chosen).status == "verified"
    # At least one of the two pools alone costs 1.3 times as much (H3: direction, not the digit).
    without = {entry.without_pool: entry.usd_per_million_output_tokens for entry in chosen.alternatives}
    assert chosen.metrics is not None
    assert without["l40s"] is None or without["l40s"] > 1.3 * chosen.metrics.usd_per_million_output_tokens


# physics H10: a 70B model in BF16 leaves four CS-3 (44 GB each) 35 GB of KV cache; 128 sequences of 8,192 need 344.
def test_h10_four_cs3_refuse_128_users_of_8k():
    refused = plan("llama-3.1-70b", "cs3-x4", tps_user=450.0, isl=8191, osl=1, tps=128 * 450.0, decode_only=True)
    assert refused.status is Status.INFEASIBLE
    assert refused.refusal is not None
    assert any("context" in limit for limit in refused.refusal.conflict)
    assert any("rate" in limit for limit in refused.refusal.conflict)
    assert {relief.change for relief in refused.refusal.nearest} == {"target.tokens_per_s", "workload.context"}


def test_h10_the_nearest_context_works():
    refused = plan("llama-3.1-70b", "cs3-x4", tps_user=100.0, isl=8191, osl=1, tps=12_800.0, decode_only=True)
    assert refused.refusal is not None
    context = next(relief.value for relief in refused.refusal.nearest if relief.change == "workload.context")
    works = plan("llama-3.1-70b", "cs3-x4", tps_user=100.0, isl=int(context) - 1, osl=1, tps=12_800.0, decode_only=True)
    assert works.status is Status.PLANNED


@pytest.mark.parametrize(
    ("users", "isl", "usd"),
    # H10, B7: 4 CS-3 at 41.96 USD/h, 450 tokens/s/user, paid for what is asked for: $103.6/M at 1 user, $13 at 8,
    # $3.2 at 32, $0.81 at 128. With 1,024 tokens 103 users fit; 128 do with 200.
    [(1, 1_000, 103.6), (8, 1_000, 13.0), (32, 1_000, 3.2), (128, 100, 0.81)],
)
def test_h10_price_by_users_from_the_planner(users, isl, usd):
    planned = plan("llama-3.1-70b", "cs3-x4", tps_user=450.0, isl=isl, osl=100, tps=450.0 * users, decode_only=True)
    assert planned.status is Status.PLANNED
    assert planned.metrics is not None
    assert planned.devices == {"cs3": 4}
    price = planned.metrics.usd_per_million_output_tokens
    assert price == pytest.approx(usd, abs={103.6: 0.05, 13.0: 0.5, 3.2: 0.05, 0.81: 0.005}[usd])
