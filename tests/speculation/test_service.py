"""Drafting in plans of the whole service: chosen by the price of a request, and compared with drafting nothing."""

import pytest

from placer.api import build_scenario, plan_scenario
from placer.verify.verify import verify_plan


def service(acceptance):
    scenario = build_scenario(
        "deepseek-ai/DeepSeek-V3",
        "h200-8x",
        workload={"input_tokens": 2000, "output_tokens": 1000},
        target={"tokens_per_s_per_user": 33, "cost_cap": "60 USD/h"},
        service={"ttft": "2 s"},
        speculation={"kind": "mtp", "acceptance": acceptance, "max_draft_tokens": 1},
    )
    return plan_scenario(scenario, budget_s=30.0)


@pytest.fixture(scope="module")
def accepted():
    return service(0.9)


def test_accepted_drafts_make_requests_cheaper(accepted):
    use = accepted.speculation
    assert use.draft_tokens == 1
    assert use.usd_per_request_without > accepted.metrics.usd_per_request
    assert verify_plan(accepted).status == "verified"


def test_rejected_drafts_are_not_made():
    plan = service(0.0)
    assert plan.speculation.draft_tokens == 0
    assert plan.speculation.usd_per_request_without == plan.metrics.usd_per_request
    assert verify_plan(plan).status == "verified"


def test_a_made_up_price_without_is_found(accepted):
    use = accepted.speculation.model_copy(update={"usd_per_request_without": accepted.metrics.usd_per_request * 0.9})
    assert "speculation" in verify_plan(accepted.model_copy(update={"speculation": use})).failed
