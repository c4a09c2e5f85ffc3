"""The answer of a sweep over speeds: points of a frontier, each a certified plan, or why there is none."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from placer.plan.metrics import Figure
from placer.plan.plan import Status

Speed = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class FrontierPoint(BaseModel):
    """The cheapest plan of a curve that gives every user some speed; figures of plans are null where there is none.

    ``relative_gap`` is that of what is minimised (a request, or output tokens where decode alone is planned) to the
    bound at this speed. A plan may serve several points, where it is faster than asked for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    curve: str = Field(description="name of its curve")
    model: str = Field(description="model")
    fleet: str = Field(description="fleet")
    target_tokens_per_s_per_user: Speed = Field(description="speed every user must get")
    status: Status = Field(description="whether there is a plan")
    reason: str | None = Field(default=None, description="why there is none")
    tokens_per_s_per_user: Figure | None = Field(default=None, description="interactivity reached, as simulated")
    usd_per_million_output_tokens: Figure | None = Field(default=None, description="price of output tokens")
    usd_per_million_input_tokens: Figure | None = Field(default=None, description="price of input tokens")
    usd_per_million_tokens: Figure | None = Field(
        default=None, description="price of a request over its input and output tokens; of output where decode only"
    )
    tokens_per_s: Figure | None = Field(default=None, description="output tokens of all that is rented")
    tokens_per_s_per_mw: Figure | None = Field(default=None, description="output tokens per megawatt, PUE included")
    tokens_per_s_per_device: Figure | None = Field(default=None, description="output tokens per device rented")
    ttft_s: Figure | None = Field(default=None, description="mean time to first token")
    relative_gap: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="no plan at this speed is cheaper by a larger share"
    )
    bound_usd_per_million_tokens: Figure | None = Field(
        default=None, description="no plan at this speed costs less; in units of usd_per_million_tokens"
    )
    mode: str = Field(default="", description="modes the plan is in")
    draft_tokens: int = Field(default=0, ge=0, description="tokens drafted in a step")
    devices: dict[str, int] = Field(default={}, description="devices rented, by pool")
    binding: tuple[str, ...] = Field(default=(), description="what the plan cannot exceed")
    estimates: tuple[str, ...] = Field(default=(), description="guessed figures it rests on")
    planned_for_tokens_per_s_per_user: Speed | None = Field(
        default=None, description="speed the plan was asked for, where that is another point of the curve"
    )
    is_pareto: bool = Field(default=False, description="whether no point of its curve is as fast and cheaper")


class Frontier(BaseModel):
    """Points of one or several curves, by curve, slowest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_tokens: dict[str, int] = Field(description="by curve: mean prompt length")
    output_tokens: dict[str, int] = Field(description="by curve: mean output length")
    price_basis: dict[str, str] = Field(description="by curve: basis of its prices")
    points: tuple[FrontierPoint, ...] = Field(description="all points")

    @property
    def curves(self) -> tuple[str, ...]:
        """Names of the curves, in the order asked for."""
        return tuple(self.input_tokens)

    def of(self, curve: str) -> tuple[FrontierPoint, ...]:
        """Return the points of a curve, slowest first."""
        return tuple(point for point in self.points if point.curve == curve)

    def joined(self, other: Self) -> Self:
        """Return the curves of two answers together; those of the same name are taken from the other."""
        kept = tuple(point for point in self.points if point.curve not in other.input_tokens)
        return type(self)(
            input_tokens=self.input_tokens | other.input_tokens,
            output_tokens=self.output_tokens | other.output_tokens,
            price_basis=self.price_basis | other.price_basis,
            points=(*kept, *other.points),
        )
