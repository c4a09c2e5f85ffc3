"""A question of a sweep: a scenario and how hard to search, with a key that names its answer for good."""

from __future__ import annotations

import hashlib
from functools import cached_property, lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

import placer
from placer.planner.provenance import version_of
from placer.scenario.scenario import Scenario


class Question(BaseModel):
    """A scenario, and how hard to search for its plan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scenario: Scenario = Field(description="the question to the planner")
    relative_gap: float = Field(ge=0.0, lt=1.0, default=0.009, description="gap at which the search stops")
    budget_s: float = Field(gt=0.0, le=1e6, default=60.0, description="wall seconds for the search")
    seed: int = Field(default=0, description="seed of CP-SAT")
    with_alternatives: bool = Field(default=False, description="whether to plan without each pool as well")
    with_reason: bool = Field(default=True, description="whether to look for the reason where there is no plan")

    @cached_property
    def key(self) -> str:
        """Name of the answer: SHA-256 of the question and of everything that answers it."""
        text = "\n".join([*versions(), self.model_dump_json()])
        return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=1)
def versions() -> tuple[str, ...]:
    """Return what an answer depends on beside its question: versions, and a digest of our own code."""
    root = Path(placer.__file__).parent
    code = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        code.update(path.relative_to(root).as_posix().encode())
        code.update(path.read_bytes())
    packages = [f"{name} {version_of(name)}" for name in ("placer", "ortools", "numpy")]
    return (*packages, f"code {code.hexdigest()}")
