import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.graph.lower import lower
from placer.kv.budget import capacity_tokens, kv_use
from placer.kv.shards import StageKv, stage_kv
from placer.plan.plan import Plan
from placer.verify.verify import verify_plan

PAGES = st.integers(1, 64)
MANY = st.integers(0, 10**12)


@given(MANY, st.integers(1, 10**9), PAGES, PAGES)
def test_whole_pages_fit_and_one_more_would_not(room, sequence_bytes, pages, page):
    tokens = capacity_tokens(room, sequence_bytes, pages * page, page)
    assert tokens % page == 0
    fitting = tokens // page
    assert fitting * sequence_bytes <= room * pages < (fitting + 1) * sequence_bytes


@given(MANY, st.integers(1, 10**6), PAGES, PAGES, st.integers(0, 1000))
def test_sequences_that_fit_are_counted_in_full(room, sequence_bytes, pages, page, sequences):
    fits = sequences * sequence_bytes <= room
    assert fits == (capacity_tokens(room, sequence_bytes, pages * page, page) >= sequences * pages * page)


def test_no_room_is_no_tokens():
    assert capacity_tokens(-5, 10, 4, 4) == 0


@pytest.mark.parametrize("name", ["dense", "cut", "mixed", "pipeline"])
def test_budgets_are_those_worked_out_by_hand(plans, name):
    plan = Plan.model_validate(plans[name]())
    model, context = lower(plan.scenario.model), plan.scenario.workload.capacity_context
    for group, use, row in zip(plan.groups, plan.kv, plan.memory, strict=True):
        device = plan.scenario.fleet.device_of(group.pool)
        room = row.capacity_bytes - row.reserved_bytes - row.weights_bytes - row.hot_experts_bytes
        rooms = [room - row.activations_bytes] * group.stages
        tokens = device.paged(context, group.cp)
        stages = stage_kv(model, plan.placement, group, tokens)
        assert kv_use(group, device, stages, rooms, (tokens, plan.batch.microbatches_in_flight)) == use


def test_the_stage_with_least_room_for_tokens_limits(plans):
    plan = Plan.model_validate(plans["pipeline"]())
    [group], device = plan.groups, plan.scenario.fleet.device_of("line")
    # 100 tokens of 1 B, 50 of 3 B: the fuller stage has more room for tokens
    stages = {0: StageKv(1, 10, 10), 1: StageKv(3, 30, 30)}
    use = kv_use(group, device, stages, [100, 150], (10, 4))
    assert (use.stage, use.layers, use.capacity_tokens, use.bytes_per_token_per_device) == (1, 3, 50, 3.0)


def test_pages_are_whole(plans):
    raw = plans["dense"]()
    raw["scenario"]["fleet"]["devices"]["chip"] |= {"kv_page_tokens": 4, "reserve": 0.0}
    plan = Plan.model_validate(raw)
    # 9 tokens are three pages of four: 2 layers of 8 B; 4000 - 424 - 256 B are 207.5 tokens, 51 pages
    use = kv_use(plan.groups[0], plan.scenario.fleet.device_of("pool"), {0: StageKv(2, 192, 384)}, [3320], (12, 2))
    assert (use.sequence_tokens, use.capacity_tokens, use.used_tokens) == (12, 204, (192,))
    raw["memory"][0] |= {"reserved_bytes": 0, "kv_bytes": 3072, "free_bytes": 248}
    raw["kv"] = [use.model_dump(mode="json")]
    report = verify_plan(Plan.model_validate(raw))
    assert not {"kv", "capacity"} & {finding.check for finding in report.findings}
