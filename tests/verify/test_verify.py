import pytest

from placer.plan.plan import Plan
from placer.verify.verify import CHECKS, verify_plan


@pytest.mark.parametrize("name", ["dense", "mixed", "pipeline"])
def test_a_plan_worked_out_by_hand_is_verified(plans, name):
    report = verify_plan(Plan.model_validate(plans[name]()))
    assert [str(finding) for finding in report.findings] == []
    assert report.status == "verified"
    assert [check.name for check in report.checks] == [check.name for check in CHECKS]
