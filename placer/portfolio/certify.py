"""A portfolio's certificate: its own checks, and the certificate of every plan in it."""

from __future__ import annotations

from placer.certify import certify
from placer.plan.portfolio import Portfolio
from placer.verify.finding import CheckResult, Finding, VerificationReport
from placer.verify.portfolio.verify import verify_portfolio

NAME = "plans"


def certify_portfolio(portfolio: Portfolio) -> VerificationReport:
    """Return the report of `placer.verify.portfolio.verify.verify_portfolio`, and that of every plan as one check.

    Parameters
    ----------
    portfolio
        As read from its file. Never raises, however wrong it is.
    """
    report = verify_portfolio(portfolio)
    plans = [(f"deployments[{i}].plan", each.plan) for i, each in enumerate(portfolio.deployments)]
    plans += [
        (f"slots[{i}].members[{j}].plan", member.plan)
        for i, slot in enumerate(portfolio.slots)
        for j, member in enumerate(slot.members)
    ]
    if not plans:
        return report
    found: list[Finding] = []
    for where, plan in plans:
        for each in certify(plan).findings:
            place = f"{where}: {each.check}: {each.where}"
            found.append(each.model_copy(update={"check": NAME, "where": place}))
    check = CheckResult(name=NAME, passed=not found, what=f"all {len(plans)} plan(s) verified by themselves, simulated")
    is_verified = report.status == "verified" and check.passed
    return report.model_copy(
        update={
            "status": "verified" if is_verified else "rejected",
            "checks": (*report.checks, check),
            "findings": (*report.findings, *found),
        }
    )
