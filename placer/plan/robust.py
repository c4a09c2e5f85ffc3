"""What a plan for several routings costs under each of them, and what other choices would."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Figure = Annotated[float, Field(ge=0)]


class ProfileFigures(BaseModel):
    """The plan under one routing, beside the plan made for that routing alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="the routing")
    law_step_time_s: Figure = Field(description="least step time of the plan under it, by the law")
    step_time_s: Figure = Field(description="step time of the plan under it, simulated")
    usd_per_million_output_tokens: Figure = Field(description="price of the plan under it")
    own_usd_per_million_output_tokens: Figure = Field(description="price of the plan made for it alone")
    own_bound_usd_per_million_output_tokens: Figure = Field(description="bound of that plan")
    loss: float = Field(description="price under it over the price of its own plan, less 1")


class Choice(BaseModel):
    """The plan's groups, batch and ways with experts picked on one routing, under every routing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chosen_on: str = Field(description="the routing its experts were picked on")
    usd_per_million_output_tokens: tuple[Figure, ...] = Field(description="its price under every routing, in order")
    misses: tuple[str, ...] = Field(description="routings under which it misses the target")
    worst_loss: float = Field(description="greatest loss against experts picked on the routing they are used under")


class RobustReport(BaseModel):
    """A plan for several routings.

    The plan's own metrics, bound and experts are those of the mixture in ``scenario.workload.routing``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    usd_per_million_output_tokens: Figure = Field(description="mean or worst price over the routings")
    hindsight_usd_per_million_output_tokens: Figure = Field(
        description="mean or worst price if every routing had the plan made for it alone"
    )
    hindsight_bound_usd_per_million_output_tokens: Figure = Field(description="the same of the bounds of those plans")
    profiles: tuple[ProfileFigures, ...] = Field(description="the plan under every routing")
    mixture: tuple[Figure, ...] = Field(description="share of every routing in the one the plan was made for")
    worst_loss: float = Field(
        description="greatest loss against the same groups with experts picked on the routing they are used under"
    )
    choices: tuple[Choice, ...] = Field(description="what experts picked on one routing cost under all of them")
