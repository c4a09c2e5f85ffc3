"""Several routing profiles at once: domains, days; what of their prices is made small."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from placer.scenario.objective import Objective
from placer.scenario.routing import RoutingProfile


class NamedProfile(BaseModel):
    """A routing profile and what it is called."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=400)] = Field(description="what it is called")
    routing: RoutingProfile = Field(description="how tokens spread over experts")


class Robust(BaseModel):
    """Routings that one plan must serve."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    objective: Objective = Field(default=Objective.WORST, description="mean or worst price over the profiles")
    profiles: Annotated[tuple[NamedProfile, ...], Field(min_length=2, max_length=32)] = Field(
        description="the routings"
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Robust:
        names = [profile.name for profile in self.profiles]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise ValueError(f'profiles[{index}].name: "{name}" is taken by profiles[{names.index(name)}]')
        return self
