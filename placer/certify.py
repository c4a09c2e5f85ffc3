"""A plan's certificate: verification by independent code, and a second run of its simulation."""

from __future__ import annotations

from placer.errors import PlacerError
from placer.plan.plan import Plan, Status
from placer.simulate.planned import steady_of
from placer.verify.finding import CheckResult, Finding, VerificationReport
from placer.verify.verify import verify_plan

NAME = "simulation"
WHAT = "the placed shards, simulated with the plan's schedule, take the step time the plan says"
#: Float noise below; above, the search has rounded times up to picoseconds.
BELOW, ABOVE = 1e-9, 1e-6

#: Without these there is nothing to simulate.
_NEEDED = ("schema", "scenario", "space", "residency", "order", "sequences")


def certify(plan: Plan) -> VerificationReport:
    """Return the report of `placer.verify.verify.verify_plan` with one more check: the simulation.

    Parameters
    ----------
    plan
        As read from its file. Never raises, however wrong it is. Of a whole service the decoding replicas
        are simulated.
    """
    report = verify_plan(plan)
    if plan.status is not Status.PLANNED:
        return report
    broken = [check.name for check in report.checks if check.name in _NEEDED and not check.passed]
    if broken:
        what = f"skipped: {', '.join(broken)} must pass first"
        return _with(report, CheckResult(name=NAME, passed=False, what=what, skipped=True), ())
    found = _findings(plan)
    return _with(report, CheckResult(name=NAME, passed=not found, what=WHAT), found)


def _with(report: VerificationReport, check: CheckResult, found: tuple[Finding, ...]) -> VerificationReport:
    passed = report.status == "verified" and check.passed
    return report.model_copy(
        update={
            "status": "verified" if passed else "rejected",
            "checks": (*report.checks, check),
            "findings": (*report.findings, *found),
        }
    )


def _findings(plan: Plan) -> tuple[Finding, ...]:
    """Return what simulation does not confirm: of the plan, and of the plan under every routing it must serve."""
    where, decode = "metrics" if plan.phases is None else "phases.decode.metrics", plan.decode_part()
    assert decode.metrics is not None
    stated = [(where, decode, decode.metrics.step_time_s, decode.metrics.law_step_time_s)]
    if plan.robust is not None and plan.scenario.robust is not None:
        routings = {profile.name: profile.routing for profile in plan.scenario.robust.profiles}
        stated += [
            (f"robust.profiles[{one.name}]", plan.under(routings[one.name]), one.step_time_s, one.law_step_time_s)
            for one in plan.robust.profiles
            if one.name in routings
        ]
    return tuple(
        finding for where, subject, step_s, law_s in stated for finding in _differences(where, subject, step_s, law_s)
    )


def _differences(where: str, plan: Plan, stated: float, law_s: float) -> tuple[Finding, ...]:
    try:
        steady = steady_of(plan)
    except (PlacerError, ArithmeticError, LookupError, ValueError, TypeError) as error:
        message = f"cannot be simulated: {type(error).__name__}: {error}"
        return (Finding(check=NAME, where="plan", message=message),)
    # A plan never counts on a step shorter than its law: a schedule may be kept back, and `verify` checks the law.
    longest = max(steady.step_s, law_s)
    if steady.step_s * (1.0 - BELOW) <= stated <= longest * (1.0 + ABOVE):
        return ()
    return (
        Finding(
            check=NAME,
            where=f"{where}.step_time_s",
            message="differs from what the simulated schedule takes",
            expected=f"{steady.step_s!r} s",
            found=f"{stated!r} s",
        ),
    )
