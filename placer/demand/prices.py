"""What capacity costs by the way it is paid for: reserved, on demand, spot. All prices are the user's."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from placer.catalog.price import Rent

Multiple = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Cited = Annotated[str, Field(min_length=1, max_length=1000)]


class Rate(BaseModel):
    """A price, and who says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    price: Multiple | dict[str, Rent] = Field(
        description="multiple of the fleet's prices such as 0.6, or by pool what a device costs such as 2.95 USD/h"
    )
    source: Cited = Field(description="where the price is from")


class Spot(Rate):
    """A price of capacity that may be taken away; while it is, capacity on demand serves instead."""

    availability: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = Field(
        description="share of the time in which it serves"
    )
    overhead: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = Field(
        description="time paid for in which it does not serve (restarts, lost work), over the time in which it does"
    )
    most_share: Share = Field(default=1.0, description="most of the capacity of an hour that may be spot")


class Prices(BaseModel):
    """The ways capacity can be paid for.

    Reserved capacity is paid for in all hours, capacity on demand and spot in those that use it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reserved: Rate | None = Field(default=None, description="paid for in every hour, used or not")
    on_demand: Rate | None = Field(default=None, description="paid for by the hour")
    spot: Spot | None = Field(default=None, description="paid for by the hour, and may be taken away")

    @model_validator(mode="after")
    def _can_always_serve(self) -> Prices:
        if self.spot is not None and self.on_demand is None:
            raise ValueError("spot: expected on_demand beside it, which serves while spot capacity is taken away")
        if self.reserved is None and self.on_demand is None:
            raise ValueError("expected reserved or on_demand")
        return self


#: Where nobody says what an hour costs: the fleet's prices in every hour, since they may be those of a commitment.
ALWAYS_PAID = Prices(reserved=Rate(price=1.0, source="the prices of the plan's fleet"))
