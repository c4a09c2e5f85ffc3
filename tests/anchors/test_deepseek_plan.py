"""What the planner makes of DeepSeek's published day, beside what they run (physics H1).

[DS] deepseek-ai/open-infra-index@56d8685, day 6: 608 G tokens in, 56.3 % of them found in a cache, 168 G tokens out, at
20 to 22 tokens/s per user with 4,989 tokens of context; decode in units of 144 GPUs (EP144), 95.5 nodes of prefill for
131.4 of decode by their rates; at $2 per GPU-hour $0.060/M tokens in and $0.300/M out.
"""

import pytest

from placer.api import build_scenario, plan_scenario

#: Mean output O and input 3.62 O, so that the context halfway through the output is 4,989.
OUTPUT, INPUT, HITS, SPEED = 1_211, 4_384, 0.563, 21.0
USD_PER_GPU_HOUR, USD_IN, USD_OUT = 2.0, 0.060, 0.300


@pytest.fixture(scope="module")
def plan():
    scenario = build_scenario(
        "deepseek-ai/DeepSeek-V3",
        "h100-8x",
        workload={"input_tokens": INPUT, "output_tokens": OUTPUT},
        target={"tokens_per_s_per_user": SPEED},
        service={"prefix_hit_rate": HITS, "ttft": "5 s"},
    )
    return plan_scenario(scenario, gap=0.02, budget_s=60.0)


def test_prompts_have_nodes_of_their_own_and_decode_is_wide_expert_parallel(plan):
    (decode,) = plan.groups
    assert plan.mode == "P/D-disaggregated"
    assert (decode.tp, decode.expert_tp) == (1, 1)
    assert decode.width >= 64


def test_fewer_nodes_prefill_than_decode(plan):
    prefill = sum(pool.num_devices for pool in plan.phases.prefill)
    decode = len(plan.placement.replicas) * sum(group.num_devices for group in plan.groups)
    assert 0.3 < prefill / decode < 1.0  # 0.73 by their rates


def test_prices_are_theirs_within_a_factor_of_two(plan):
    # Ours leave out what an engine adds to kernels, and have no peaks and nights.
    device = plan.scenario.fleet.usd_per_hour("h100")
    price_in, price_out = (
        figure * USD_PER_GPU_HOUR / device
        for figure in (plan.metrics.usd_per_million_input_tokens, plan.metrics.usd_per_million_output_tokens)
    )
    assert 0.5 < price_in / USD_IN < 2.0
    assert 0.5 < price_out / USD_OUT < 2.0
