"""Where the whole planner cuts sequences over ranks that would keep copies, and where it does not."""

import pytest

from placer import verify
from placer.api import build_scenario, plan_scenario
from placer.plan.plan import Status

GAP = 0.01


def planned(model, fleet, tps_user, isl, *, may_cut):
    scenario = build_scenario(
        model,
        fleet,
        workload={"input_tokens": isl, "output_tokens": 1024},
        target={"tokens_per_s_per_user": tps_user},
    )
    space = scenario.space.model_copy(update={"context_parallel": may_cut})
    plan = plan_scenario(scenario.model_copy(update={"space": space}), gap=GAP, budget_s=120.0)
    assert plan.status is Status.PLANNED
    assert verify(plan).status == "verified"
    return plan


def price(plan):
    return plan.metrics.usd_per_million_output_tokens


@pytest.mark.parametrize(
    ("tps_user", "share"),
    # 131k tokens of DeepSeek-V3 are 9.3 GB; eight ranks read copies of it, or an eighth each
    [(50.0, 0.75), (80.0, 0.6)],
)
def test_long_latents_at_speed_are_cut(tps_user, share):
    copied, cut = (planned("deepseek-v3", "h200-8x", tps_user, 131_072, may_cut=may_cut) for may_cut in (False, True))
    (group,) = cut.groups
    assert group.cp == group.tp == 8
    assert cut.kv[0].copies == pytest.approx(1.0)
    assert {group.cp for group in copied.groups} == {1}
    assert price(cut) < share * price(copied)


@pytest.mark.parametrize(
    ("model", "fleet", "tps_user", "isl"),
    [
        # so short that gathering and merging in 61 layers takes longer than reading copies
        ("deepseek-v3", "h200-8x", 50.0, 8_192),
        # so slow that whole ranks can hold and read whole sequences
        ("deepseek-v3", "h200-8x", 20.0, 131_072),
        # as many KV heads as ranks: nothing to cut
        ("llama-70b", "gb200-nvl72", 100.0, 131_072),
    ],
)
def test_where_copies_cost_little_nothing_is_cut(model, fleet, tps_user, isl):
    copied, free = (planned(model, fleet, tps_user, isl, may_cut=may_cut) for may_cut in (False, True))
    assert {group.cp for group in free.groups} == {1}
    assert price(free) <= price(copied) * (1.0 + GAP)
