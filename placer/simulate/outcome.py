"""What a simulation reports, next to the plan's prediction; also the schema of ``placer simulate --json``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.plan.placement import Role
from placer.plan.schedule import Schedule

Figure = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Mode(StrEnum):
    """Where durations come from."""

    DETERMINISTIC = "deterministic"
    STOCHASTIC = "stochastic"


class Compared(BaseModel):
    """A simulated figure and the plan's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    simulated: Figure = Field(description="as simulated")
    predicted: Figure = Field(description="as the plan has it")
    difference: float | None = Field(description="simulated over predicted, less 1; null where the plan has 0")


class TokenTimes(BaseModel):
    """Time between two tokens of a user, over all steps and microbatches after the warm-up.

    With speculative decoding the time of a step over the tokens a sequence gains in one on average.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean_s: Figure = Field(description="mean; at full load the TPOT")
    p50_s: Figure = Field(description="median")
    p99_s: Figure = Field(description="99th percentile")


class StageUse(BaseModel):
    """How long one engine or port of a stage is in use, as a share of the time; its devices act in lock-step."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role = Field(description="group of the stage")
    stage: Annotated[int, Field(ge=0)] = Field(description="stage of the group")
    engine: str = Field(description="compute, fabric, a direction of the link between groups, or to the next stage")
    utilisation: Figure = Field(description="share of the time it is in use")
    busy_s: Figure = Field(description="time in use per step, all microbatches counted")


class DeviceUse(BaseModel):
    """How long the engines of one device are in use, as shares of the time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str = Field(description="pool and number, as pool[i]")
    replica: Annotated[int, Field(ge=0)] = Field(description="replica it serves")
    role: Role = Field(description="group it is in")
    stage: Annotated[int, Field(ge=0)] = Field(description="stage of the group")
    utilisation: dict[str, Figure] = Field(description="by engine or link direction: share of the time it is in use")


class ResourceUse(BaseModel):
    """A resource of the plan's occupancy: its busiest stage, next to what the plan has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resource: str = Field(description="a group, its fabric, or its port in one direction")
    utilisation: Compared = Field(description="share of the time its busiest stage is in use")


class SimulationReport(BaseModel):
    """One simulation of a plan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode = Field(description="deterministic: times of the cost model; stochastic: with jitter and drawn experts")
    schedule: Schedule = Field(description="how microbatches share a replica")
    steps: Annotated[int, Field(ge=1)] = Field(description="steps of every microbatch that were measured")
    warm_up_steps: Annotated[int, Field(ge=0)] = Field(description="steps before those")
    seed: int | None = Field(description="seed of the draws; null where nothing is drawn")
    jitter: Figure | None = Field(description="relative standard deviation of every op's time; null where none")
    is_settled: bool | None = Field(
        description="deterministic: whether steps repeat exactly; else the figures average over the last steps"
    )
    law_step_time_s: Figure = Field(description="the longer of path and busiest resource: no schedule is shorter")
    step_time: Compared = Field(description="time between two tokens of a user, mean [s]")
    token_times: TokenTimes = Field(description="its distribution")
    tokens_per_s: Compared = Field(description="tokens of all replicas at full load per second")
    resources: tuple[ResourceUse, ...] = Field(description="resources of the plan's occupancy")
    stages: tuple[StageUse, ...] = Field(description="every engine and port of every stage of a replica")
    devices: tuple[DeviceUse, ...] = Field(description="every device of every replica")
