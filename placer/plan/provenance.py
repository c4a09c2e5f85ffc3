"""How a plan came about."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Provenance(BaseModel):
    """Versions, seed, input hashes, and which figures are estimates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    placer_version: str
    ortools_version: str
    python_version: str
    seed: int
    relative_gap_asked: float
    budget_s: float
    input_sha256: dict[str, str]
    estimates: tuple[str, ...]


class SearchReport(BaseModel):
    """What the search did; ``wall_s`` is the only part of a plan that differs from run to run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidates: int
    nodes: int
    leaves: int
    largest_model_variables: int
    stopped: str
    wall_s: float
