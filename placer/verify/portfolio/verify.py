"""Verifying a portfolio from its document alone, single plans left out; nothing here is shared with its planner."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from placer.errors import PlacerError
from placer.plan.plan import Status
from placer.plan.portfolio import Portfolio
from placer.verify.finding import CheckResult, Finding, VerificationReport
from placer.verify.portfolio import agents, devices, money, questions, rates, turns
from placer.verify.portfolio.context import PortfolioContext, finding

_BROKEN = (PlacerError, ArithmeticError, LookupError, ValueError, TypeError, StopIteration, AssertionError)


@dataclass(frozen=True)
class Check:
    """One check, and those without which it has nothing to go by."""

    name: str
    what: str
    run: Callable[[PortfolioContext], Iterator[Finding]]
    needs: tuple[str, ...] = ()


CHECKS: tuple[Check, ...] = (
    Check(questions.NAME, questions.WHAT, questions.check_questions),
    Check(devices.INVENTORY, devices.INVENTORY_WHAT, devices.check_inventory, (questions.NAME,)),
    Check(devices.UNITS, devices.UNITS_WHAT, devices.check_units, (questions.NAME, devices.INVENTORY)),
    Check(rates.NAME, rates.WHAT, rates.check_rates, (questions.NAME,)),
    Check(turns.TURNS, turns.TURNS_WHAT, turns.check_turns, (questions.NAME,)),
    Check(turns.TIERS, turns.TIERS_WHAT, turns.check_tiers, (questions.NAME,)),
    Check(agents.NAME, agents.WHAT, agents.check_agents, (questions.NAME,)),
    Check(money.SHARES, money.SHARES_WHAT, money.check_shares, (questions.NAME, devices.INVENTORY)),
    Check(money.BOUND, money.BOUND_WHAT, money.check_bound, (questions.NAME,)),
)


def verify_portfolio(portfolio: Portfolio) -> VerificationReport:
    """Verify a portfolio: re-derive everything it claims beyond its plans.

    Parameters
    ----------
    portfolio
        As read from its file. Never raises, however wrong it is.

    Returns
    -------
    VerificationReport
        One result per check, and all findings.
    """
    if portfolio.status is not Status.PLANNED:
        return _refused(portfolio)
    context = PortfolioContext(portfolio)
    results: list[CheckResult] = []
    findings: list[Finding] = []
    for check in CHECKS:
        not_passed = {done.name for done in results if not done.passed}
        broken = [name for name in check.needs if name in not_passed]
        if broken:
            what = f"skipped: {', '.join(broken)} must pass first"
            results.append(CheckResult(name=check.name, passed=False, what=what, skipped=True))
            continue
        found = _findings(check, context)
        results.append(CheckResult(name=check.name, passed=not found, what=check.what))
        findings += found
    return _report(results, findings)


def _findings(check: Check, context: PortfolioContext) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(check.run(context))
    except _BROKEN as error:
        found.append(finding(check.name, "portfolio", f"cannot be checked: {type(error).__name__}: {error}"))
    return found


def _refused(portfolio: Portfolio) -> VerificationReport:
    names = ("usd_per_hour", "devices", "models", "deployments", "slots", "agents")
    claims = [name for name in names if getattr(portfolio, name)]
    found = [finding("refusal", name, f"an {portfolio.status} portfolio has none") for name in claims]
    if portfolio.refusal is None or not portfolio.refusal.reason.strip() or not portfolio.refusal.conflict:
        found.append(finding("refusal", "refusal", "names no conflict or no reason"))
    if portfolio.bound is not None and not math.isfinite(portfolio.bound.usd_per_hour):
        found.append(finding("refusal", "bound", "not finite"))
    what = "a refusal names a conflict and a reason and claims nothing else; that there is none is not re-proved"
    return _report([CheckResult(name="refusal", passed=not found, what=what)], found)


def _report(results: list[CheckResult], findings: list[Finding]) -> VerificationReport:
    passed = all(result.passed for result in results)
    status = "verified" if passed else "rejected"
    return VerificationReport.model_validate({"status": status, "checks": tuple(results), "findings": tuple(findings)})
