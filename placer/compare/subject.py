"""A plan as comparison sees it: verified, with everything derived from its placement at hand."""

from __future__ import annotations

from dataclasses import dataclass, replace

from placer.errors import InputError, InternalError
from placer.plan.metrics import Metrics
from placer.plan.plan import Plan, Status
from placer.verify.context import Context, context_of
from placer.verify.recompute.rental import drafter_blocks, prefill_blocks, replica_blocks, used_devices
from placer.verify.verify import verify_plan

#: What devices do, in the order of reports.
DECODE, DRAFTING, PREFILL, IDLE = "decode", "drafting", "prefill", "idle in rented units"


@dataclass(frozen=True)
class Subject:
    """One of two plans.

    Attributes
    ----------
    plan
        As given, or its decoding replicas by themselves.
    label
        What people call it.
    context
        What follows from its placement.
    """

    plan: Plan
    label: str
    context: Context

    @property
    def metrics(self) -> Metrics:
        """What it achieves."""
        return self.context.metrics

    @property
    def is_service(self) -> bool:
        """Whether prefill is planned."""
        return self.plan.phases is not None

    @property
    def price(self) -> float:
        """What is minimised: US dollars per request, or per million output tokens where only decode is planned."""
        request = self.metrics.usd_per_request
        return request if self.is_service and request is not None else self.metrics.usd_per_million_output_tokens

    @property
    def bound(self) -> float:
        """No answer to its question has a lower `price`."""
        bound = self.context.bound
        request = bound.usd_per_request
        return request if self.is_service and request is not None else bound.usd_per_million_output_tokens

    @property
    def replicas(self) -> int:
        """Decoding replicas."""
        return len(self.context.placement.replicas)

    @property
    def devices(self) -> dict[str, int]:
        """Devices rented, by pool; pools of which there are none are left out."""
        return {pool: count for pool, count in self.plan.devices.items() if count}

    def devices_by_use(self) -> dict[tuple[str, str], int]:
        """Return numbers of devices by pool and use; all of a pool sum to what is rented of it."""
        fleet, drafters = self.plan.scenario.fleet, self.context.drafter_pool
        uses = {
            DECODE: replica_blocks(self.context.placement, self.context.groups),
            DRAFTING: iter(()) if drafters is None else drafter_blocks(drafters, fleet),
            PREFILL: prefill_blocks(self.context.prefill_pools, fleet),
        }
        found = {use: used_devices(blocks) for use, blocks in uses.items()}
        counts: dict[tuple[str, str], int] = {}
        for pool, rented in self.devices.items():
            for use, used in found.items():
                if used.get(pool):
                    counts[pool, use] = used[pool]
            idle = rented - sum(used.get(pool, 0) for used in found.values())
            if idle:
                counts[pool, IDLE] = idle
        return counts

    def usd_per_device_hour(self, pool: str) -> float:
        """Return what a device of a pool costs an hour, on the fleet's basis."""
        usd = self.plan.scenario.fleet.usd_per_hour(pool)
        if usd is None:
            raise InternalError(f"{pool} has no price")
        return usd

    def decode_alone(self) -> Subject:
        """Return the decoding replicas by themselves."""
        return replace(self, plan=self.plan.decode_part(), context=self.context.decode)


def assert_sound(plan: Plan, where: str) -> None:
    """Refuse a plan whose figures do not follow from its placement: comparing them would explain nothing.

    Raises
    ------
    InputError
        With the first finding of `placer verify`.
    """
    report = verify_plan(plan)
    if report.findings:
        more = f" and {len(report.findings) - 1} more" if len(report.findings) > 1 else ""
        raise InputError(f"is rejected by `placer verify`: {report.findings[0]}{more}; expected a plan", where=where)


def subject_of(plan: Plan, label: str) -> Subject | None:
    """Return a sound plan as a subject; None for a refusal or an undecided search."""
    context = context_of(plan)
    return Subject(plan, label, context) if plan.status is Status.PLANNED and context is not None else None
