"""Verifying a plan from its file alone; nothing here is shared with the search but catalog and formulas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from placer.errors import PlacerError
from placer.plan.plan import Plan, Status
from placer.verify.checks import (
    bound,
    capacity,
    caps,
    colocated,
    devices,
    kv,
    links,
    money,
    occupancy,
    order,
    paused,
    phases,
    prefill,
    prefill_devices,
    provenance,
    refusal,
    residency,
    robust,
    scenario,
    sequences,
    service,
    space,
    speculation,
    target,
    timing,
)
from placer.verify.context import Context, context_of
from placer.verify.finding import CheckResult, Finding, RecomputedMetrics, VerificationReport
from placer.verify.service import ServiceView, service_view

Subject = TypeVar("Subject")
Run = Callable[["Subjects"], Iterator[Finding]]

#: What broken indices, shapes or definitions can lead to while figures are derived.
_BROKEN = (PlacerError, ArithmeticError, LookupError, ValueError, TypeError, StopIteration)


@dataclass(frozen=True)
class Subjects:
    """What checks look at.

    Attributes
    ----------
    whole
        The plan.
    decode
        The decoding replicas by themselves: a plan of its own, and the plan itself where only decode is planned.
    service
        Prefill and decode together; None where only decode is planned.
    """

    whole: Context
    decode: Context
    service: ServiceView | None


@dataclass(frozen=True)
class Check:
    """One check of a planned plan, and the checks without which it has nothing to go by."""

    name: str
    what: str
    run: Run
    needs: tuple[str, ...] = ()


def _of_whole(check: Callable[[Context], Iterator[Finding]]) -> Run:
    return lambda subjects: check(subjects.whole)


def _of_decode(check: Callable[[Context], Iterator[Finding]]) -> Run:
    return lambda subjects: check(subjects.decode)


def _of_service(check: Callable[[ServiceView], Iterator[Finding]]) -> Run:
    return lambda subjects: iter(()) if subjects.service is None else check(subjects.service)


_STRUCTURE = ("scenario", "space", "residency", "order", "sequences")
_RENTAL = ("scenario", "space", "devices", "phases", "prefill-devices")
_SERVICE = (*_STRUCTURE, "phases")

CHECKS: tuple[Check, ...] = (
    Check(scenario.NAME, scenario.WHAT, _of_whole(scenario.check_scenario)),
    Check(refusal.NAME, refusal.WHAT_PLANNED, _of_whole(refusal.check_planned)),
    Check(space.NAME, space.WHAT, _of_decode(space.check_space), ("scenario",)),
    Check(residency.NAME, residency.WHAT, _of_decode(residency.check_residency)),
    Check(order.NAME, order.WHAT, _of_decode(order.check_order)),
    Check(devices.NAME, devices.WHAT, _of_decode(devices.check_devices)),
    Check(sequences.NAME, sequences.WHAT, _of_decode(sequences.check_sequences)),
    Check(phases.NAME, phases.WHAT, _of_whole(phases.check_phases), ("scenario", "space")),
    Check(
        prefill_devices.NAME,
        prefill_devices.WHAT,
        _of_whole(prefill_devices.check_prefill_devices),
        ("scenario", "space", "phases"),
    ),
    Check(capacity.NAME, capacity.WHAT, _of_decode(capacity.check_capacity), _STRUCTURE),
    Check(kv.NAME, kv.WHAT, _of_decode(kv.check_kv), (*_STRUCTURE, "capacity")),
    Check(paused.NAME, paused.WHAT, _of_decode(paused.check_paused), (*_STRUCTURE, "capacity")),
    Check(timing.NAME, timing.WHAT, _of_decode(timing.check_timing), _STRUCTURE),
    Check(occupancy.NAME, occupancy.WHAT, _of_decode(occupancy.check_occupancy), _STRUCTURE),
    Check(links.NAME, links.WHAT, _of_decode(links.check_links), _STRUCTURE),
    Check(target.NAME, target.WHAT, _of_decode(target.check_target), _STRUCTURE),
    Check(caps.NAME, caps.WHAT, _of_whole(caps.check_caps), _RENTAL),
    Check(money.NAME, money.WHAT, _of_decode(money.check_money), (*_STRUCTURE, "devices")),
    Check(speculation.NAME, speculation.WHAT, _of_whole(speculation.check_speculation), _STRUCTURE),
    Check(prefill.NAME, prefill.WHAT, _of_service(prefill.check_prefill), _SERVICE),
    Check(colocated.NAME, colocated.WHAT, _of_service(colocated.check_colocated), _SERVICE),
    Check(service.NAME, service.WHAT, _of_service(service.check_service), (*_SERVICE, "devices", "prefill-devices")),
    Check(bound.NAME, bound.WHAT, _of_whole(bound.check_bound)),
    Check(robust.NAME, robust.WHAT, _of_whole(robust.check_robust), (*_STRUCTURE, "devices")),
    Check(provenance.NAME, provenance.WHAT, _of_whole(provenance.check_provenance)),
)


def verify_plan(plan: Plan) -> VerificationReport:
    """Verify a plan: re-derive everything it claims, from its placement and its inputs.

    Parameters
    ----------
    plan
        As read from its file. Never raises, however wrong it is.

    Returns
    -------
    VerificationReport
        One result per check, all findings, and the derived figures where they could be derived.
    """
    if plan.status is not Status.PLANNED:
        return _verify_refusal(plan)
    context = context_of(plan)
    if context is None:
        missing = Finding(check="schema", where="plan", message="a planned plan lacks parts it must have")
        return _report([CheckResult(name="schema", passed=False, what="all parts are there")], [missing])
    subjects = Subjects(context, context.decode, service_view(context))
    results: list[CheckResult] = []
    findings: list[Finding] = []
    for check in CHECKS:
        result, found = _run(check, subjects, {done.name for done in results if not done.passed})
        results.append(result)
        findings += found
    return _report(results, findings, _recomputed(subjects, results))


def _run(check: Check, subjects: Subjects, not_passed: set[str]) -> tuple[CheckResult, list[Finding]]:
    broken = [name for name in check.needs if name in not_passed]
    if broken:
        what = f"skipped: {', '.join(broken)} must pass first"
        return CheckResult(name=check.name, passed=False, what=what, skipped=True), []
    found = _findings(check.name, check.run, subjects)
    return CheckResult(name=check.name, passed=not found, what=check.what), found


def _findings(name: str, run: Callable[[Subject], Iterator[Finding]], subject: Subject) -> list[Finding]:
    """Run a check; what it stumbles over is a finding as well."""
    found: list[Finding] = []
    try:
        found.extend(run(subject))
    except _BROKEN as error:
        message = f"cannot be checked: {type(error).__name__}: {error}"
        found.append(Finding(check=name, where="plan", message=message))
    return found


def _recomputed(subjects: Subjects, results: list[CheckResult]) -> RecomputedMetrics | None:
    if any(result.skipped and result.name in {money.NAME, service.NAME} for result in results):
        return None
    try:
        return subjects.whole.recomputed if subjects.service is None else subjects.service.recomputed
    except _BROKEN:
        return None


def _verify_refusal(plan: Plan) -> VerificationReport:
    runs: tuple[tuple[str, str, Callable[[Plan], Iterator[Finding]]], ...] = (
        (scenario.NAME, scenario.WHAT, lambda subject: scenario.scenario_findings(subject.scenario)),
        (refusal.NAME, refusal.WHAT, refusal.check_refusal),
        (provenance.NAME, "input hashes are those of the embedded inputs", provenance.hash_findings),
    )
    results, findings = [], []
    for name, what, run in runs:
        found = _findings(name, run, plan)
        results.append(CheckResult(name=name, passed=not found, what=what))
        findings += found
    note = "checked: inputs, hashes, form of the answer; not re-proved: that there is no plan, and the reliefs"
    return _report(results, findings, note=note)


def _report(
    results: list[CheckResult],
    findings: list[Finding],
    recomputed: RecomputedMetrics | None = None,
    note: str = "",
) -> VerificationReport:
    passed = all(result.passed for result in results)
    return VerificationReport(
        status="verified" if passed else "rejected",
        checks=tuple(results),
        findings=tuple(findings),
        recomputed=recomputed,
        note=note,
    )
