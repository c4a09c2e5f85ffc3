from placer.plan.plan import Plan
from placer.verify.verify import verify_plan


def test_a_broken_plan_fails_the_checks_meant_for_it_and_no_other(mutant, plan_of):
    report = verify_plan(Plan.model_validate(plan_of(mutant)))
    assert report.status == "rejected"
    assert set(report.failed) == set(mutant.failed), [str(finding) for finding in report.findings]


def test_every_failed_check_says_where_and_what(mutant, plan_of):
    report = verify_plan(Plan.model_validate(plan_of(mutant)))
    assert {finding.check for finding in report.findings} == set(report.failed)
    assert all(finding.where and finding.message for finding in report.findings)
    assert not any("cannot be checked" in finding.message for finding in report.findings)
