"""DeepSeek-R1 on GB200: throughput collapses with speed, and multi-token prediction flattens that.

InferenceX, FP8, 8k in and 1k out, tokens/s per GPU at 68, 89 and 110 tokens/s per user: 1500, 461, 257 without MTP;
6008, 5149, 4430 with it. The shape is held, not the figures: more than three times less without, less than twice with.
"""

from placer.api import build_scenario, plan_scenario

#: Second, third and fourth token; the second as in the DeepSeek-V3 report, the others made up to fall.
ACCEPTANCE = (0.85, 0.7, 0.6)


def price(speed):
    scenario = build_scenario(
        "deepseek-ai/DeepSeek-R1",
        "gb200-nvl72",
        workload={"input_tokens": 8_192, "output_tokens": 1_024},
        target={"tokens_per_s_per_user": speed},
        speculation={"kind": "mtp", "acceptance": ACCEPTANCE},
    )
    plan = plan_scenario(scenario, gap=0.03, budget_s=60.0)
    return plan.metrics.usd_per_million_output_tokens, plan.speculation.usd_per_million_output_tokens_without


def test_mtp_flattens_the_drop_from_68_to_110_tokens_a_second():
    slow, slow_plain = price(68.0)
    fast, fast_plain = price(110.0)
    assert fast_plain > 3.0 * slow_plain
    assert fast < 2.0 * slow
    assert slow < slow_plain
