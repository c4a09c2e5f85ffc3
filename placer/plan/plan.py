"""The answer: one self-contained document, the same on disk, on stdout and in Python."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from placer.plan.metrics import Alternative, Bound, MemoryUse, Metrics, Occupancy, TimeShares
from placer.plan.placement import GroupPlan, Placement
from placer.plan.provenance import Provenance, SearchReport
from placer.plan.refusal import Refusal
from placer.scenario.scenario import Scenario

SCHEMA_VERSION = 1


class Status(StrEnum):
    """How planning ended."""

    PLANNED = "planned"
    INFEASIBLE = "infeasible"
    UNDECIDED = "undecided"


class BatchPlan(BaseModel):
    """Sequences per microbatch and microbatches in flight of every replica."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequences_per_microbatch: Annotated[int, Field(ge=1)]
    microbatches_in_flight: Annotated[int, Field(ge=1)]


class Plan(BaseModel):
    """A plan, a refusal, or what is known when time ran out.

    ``planned`` has everything but ``refusal``; ``infeasible`` has ``refusal``; ``undecided`` has a bound only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = SCHEMA_VERSION
    status: Status
    verdict: str
    scenario: Scenario
    metrics: Metrics | None = None
    bound: Bound | None = None
    devices: dict[str, int] = Field(default_factory=dict)
    batch: BatchPlan | None = None
    groups: tuple[GroupPlan, ...] = ()
    memory: tuple[MemoryUse, ...] = ()
    time: TimeShares | None = None
    occupancy: tuple[Occupancy, ...] = ()
    binding: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    refusal: Refusal | None = None
    placement: Placement | None = None
    search: SearchReport
    provenance: Provenance

    @model_validator(mode="after")
    def _is_whole(self) -> Plan:
        needed = {
            Status.PLANNED: ("metrics", "bound", "batch", "time", "placement", "groups", "devices", "memory"),
            Status.INFEASIBLE: ("refusal",),
            Status.UNDECIDED: (),
        }[self.status]
        missing = [name for name in needed if not getattr(self, name)]
        if missing:
            raise ValueError(f"a plan with status {self.status} lacks {', '.join(missing)}")
        return self
