"""How a plan came about."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Provenance(BaseModel):
    """Versions, seed, input hashes, and which figures are estimates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    placer_version: str = Field(description="version of placer")
    ortools_version: str = Field(description="version of OR-Tools")
    python_version: str = Field(description="version of Python")
    seed: int = Field(description="seed of the search")
    relative_gap_asked: float = Field(description="gap at which the search was to stop")
    budget_s: float = Field(description="time the search was given")
    input_sha256: dict[str, str] = Field(
        description="SHA-256 of model, fleet, workload, target and space, as canonical JSON"
    )
    estimates: tuple[str, ...] = Field(
        description="figures behind the plan that are guesses, as device.figure or link.figure"
    )


class SearchReport(BaseModel):
    """What the search did; ``wall_s`` is the only part of a plan that differs from run to run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidates: int = Field(description="candidates of the declared space")
    nodes: int = Field(description="boxes of candidates bounded")
    leaves: int = Field(description="candidates solved")
    largest_model_variables: int = Field(
        description="variables of the sizing model of the plan; 0 where none was needed"
    )
    simulated: int = Field(default=0, description="plans whose step time was simulated")
    stopped: str = Field(description="why the search ended")
    wall_s: float = Field(description="time it took")
