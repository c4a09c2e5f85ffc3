"""The answer: one self-contained document, the same on disk, on stdout and in Python."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from placer.plan.kv import KvUse
from placer.plan.metrics import Alternative, Bound, MemoryUse, Metrics, Occupancy, TimeShares
from placer.plan.paused import PausedSessions
from placer.plan.placement import GroupPlan, Placement
from placer.plan.provenance import Provenance, SearchReport
from placer.plan.refusal import Refusal
from placer.plan.robust import RobustReport
from placer.plan.schedule import Schedule
from placer.plan.service import Phases
from placer.plan.speculation import SpeculationUse
from placer.scenario.routing import RoutingProfile
from placer.scenario.scenario import Scenario

SCHEMA_VERSION: Final = 3


class Status(StrEnum):
    """How planning ended."""

    PLANNED = "planned"
    INFEASIBLE = "infeasible"
    UNDECIDED = "undecided"


class BatchPlan(BaseModel):
    """Sequences per microbatch and microbatches in flight of every replica."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequences_per_microbatch: Annotated[int, Field(ge=1)] = Field(description="b of `docs/method.md`")
    microbatches_in_flight: Annotated[int, Field(ge=1)] = Field(description="m of `docs/method.md`")
    draft_tokens: Annotated[int, Field(ge=0)] = Field(
        default=0, description="tokens drafted of every sequence and verified with it in a step; 0 = plain decode"
    )


class Plan(BaseModel):
    """A plan, a refusal, or what is known when time ran out.

    ``planned`` has everything but ``refusal``; ``infeasible`` has ``refusal``; ``undecided`` a bound at most.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Annotated[Literal[3], Field(description="version of this document")] = SCHEMA_VERSION
    status: Status = Field(description="how planning ended")
    verdict: str = Field(description="the answer in one line")
    scenario: Scenario = Field(description="the question, self-contained")
    metrics: Metrics | None = Field(default=None, description="what the plan achieves")
    bound: Bound | None = Field(default=None, description="what no plan can beat")
    devices: dict[str, int] = Field(default_factory=dict, description="rented devices by pool")
    batch: BatchPlan | None = Field(default=None, description="sequences and microbatches of a replica")
    schedule: Schedule = Field(default=Schedule(), description="how the microbatches of a replica share it")
    groups: tuple[GroupPlan, ...] = Field(default=(), description="groups of a replica: host, then sidecar")
    memory: tuple[MemoryUse, ...] = Field(default=(), description="memory of the fullest device of every group")
    kv: tuple[KvUse, ...] = Field(default=(), description="KV budgets in tokens of the groups that run attention")
    paused: PausedSessions | None = Field(
        default=None, description="where paused sessions wait; null where the workload has no sessions"
    )
    robust: RobustReport | None = Field(
        default=None, description="the plan under every routing asked for; null where there is one"
    )
    speculation: SpeculationUse | None = Field(
        default=None, description="what drafting does; null where the scenario has none"
    )
    time: TimeShares | None = Field(default=None, description="where the critical path goes")
    occupancy: tuple[Occupancy, ...] = Field(default=(), description="how long every resource is busy in a step")
    binding: tuple[str, ...] = Field(default=(), description="limits that are used (nearly) in full")
    alternatives: tuple[Alternative, ...] = Field(default=(), description="the best plan without each pool")
    refusal: Refusal | None = Field(default=None, description="why there is no plan")
    mode: str = Field(default="", description="how the service lies on the fleet, in the field's words")
    phases: Phases | None = Field(default=None, description="prefill and decode; null where only decode is planned")
    placement: Placement | None = Field(default=None, description="where everything lies")
    search: SearchReport = Field(description="what the search did")
    provenance: Provenance = Field(description="versions, seed, hashes, estimates")

    def under(self, routing: RoutingProfile) -> Plan:
        """Return the same plan asked about another routing, its figures left as they are."""
        workload = self.scenario.workload.model_copy(update={"routing": routing})
        return self.model_copy(update={"scenario": self.scenario.model_copy(update={"workload": workload})})

    def decode_part(self) -> Plan:
        """Return the decoding replicas by themselves; the plan itself where only decode is planned.

        Its bound says nothing: what is proven is proven of the whole.
        """
        if self.phases is None:
            return self
        decode = self.phases.decode
        return self.model_copy(
            update={
                "scenario": self.scenario.model_copy(update={"service": None}),
                "metrics": decode.metrics,
                "devices": decode.devices,
                "bound": Bound(usd_per_million_output_tokens=0.0, relative_gap=1.0),
                "phases": None,
            }
        )

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
