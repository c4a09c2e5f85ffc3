"""What is said of hot experts: what they save, what keeps more from being hot, and their worth under other routing."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Figure = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HotLimit(StrEnum):
    """What keeps a split layer from having more hot experts, or from being faster with those it has."""

    COLD = "cold side"
    HOT = "hot side"
    LINK = "link"
    SRAM = "SRAM capacity"
    PRICE = "price"


class HotRow(_Model):
    """Split layers of equal ops, routing and placement; figures are of one layer of one replica."""

    layers: Annotated[tuple[Count, ...], Field(min_length=1)] = Field(description="numbers of the layers")
    stage: Count = Field(description="stage of the sidecar that holds the hot experts")
    experts: Count = Field(description="experts of the layer")
    hot: Count = Field(description="experts on the sidecar")
    routing_share: Share = Field(description="share of selections that go to hot experts")
    traffic_share: Share = Field(description="share of the distinct experts touched by a batch that is hot")
    saved_bytes: Figure = Field(description="expert weights the host no longer reads in a step, all microbatches")
    side_bytes: Count = Field(description="memory of the sidecar the hot experts take, all devices of the stage")
    cold_s: Figure = Field(description="cold experts, shared experts and exchange on the host, one microbatch")
    hot_s: Figure = Field(description="hot experts on the sidecar, one microbatch")
    link_s: Figure = Field(description="way there and back, and the gather on the host, one microbatch")
    limit: HotLimit = Field(description="what the layer waits for, or what forbids the next level")


class Score(_Model):
    """A choice of hot experts by the law, at the plan's groups, levels and batch."""

    step_time_s: Figure = Field(description="step time")
    usd_per_million_output_tokens: Figure = Field(description="price of output tokens at that step")


class OutsideScore(_Model):
    """The plan's hot experts under a routing; all but the first have their experts dealt to ranks for that routing."""

    routing: str = Field(description="routing")
    planned: Score = Field(description="the plan as it is, ranks and all")
    balanced: Score = Field(description="the plan's hot experts")
    hindsight: Score = Field(description="as many of the hottest experts of this routing")
    random: Score = Field(description="as many experts drawn at random; mean of all draws")
    none: Score = Field(description="all experts of split layers on the host, whether they fit there or not")
    overlap: Share = Field(description="share of the plan's hot experts that are hot in hindsight")
    meets_target: bool = Field(description="whether the plan as it is meets its target speed")

    @property
    def loss(self) -> float:
        """What the choice costs for not knowing the routing, relative to hindsight."""
        return self.balanced.step_time_s / self.hindsight.step_time_s - 1.0


class HotExplained(_Model):
    """Hot experts of a plan."""

    rows: tuple[HotRow, ...] = Field(description="split layers, equal ones together")
    side_bytes: Count = Field(description="memory of the sidecar all hot experts take, one replica")
    saved_bytes: Figure = Field(description="expert weights the host no longer reads in a step")
    traffic_share: Share = Field(description="share of what the host would read of the experts of split layers")
    law_step_time_s: Figure = Field(description="step by the law")
    draws: Count = Field(description="random choices that are averaged")
    outside: tuple[OutsideScore, ...] = Field(description="the choice under other routing; first under the plan's own")
