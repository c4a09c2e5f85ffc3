"""Prices of a device: a rent with electricity in it, or what it costs to own and feed one (physics G1)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from placer.catalog.quantity import Usd, UsdPerHour, UsdPerKwh, Years

#: Hours of a mean year, leap years counted.
HOURS_PER_YEAR = 8766.0
WATTS_PER_KILOWATT = 1000.0

#: A rent above zero.
Rent = Annotated[UsdPerHour, Field(gt=0)]


class Ownership(BaseModel):
    """What a device costs its owner; electricity comes on top, by its power and the fleet's `Energy`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    capex: Annotated[Usd, Field(gt=0)] = Field(description="bought for, its share of rack and network in it")
    lifetime: Years = Field(description="written off over, such as 4 years")
    opex: UsdPerHour = Field(default=0.0, description="space, staff, repair, interest; not electricity")


def _form(price: Any) -> str:
    return "ownership" if isinstance(price, dict | Ownership) else "rent"


#: A rent (electricity is in it) or an ownership (it is not).
Price = Annotated[Annotated[Rent, Tag("rent")] | Annotated[Ownership, Tag("ownership")], Discriminator(_form)]


class Energy(BaseModel):
    """How much power a site draws for a watt at its devices, and what it pays for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pue: Annotated[float, Field(ge=1, le=10, allow_inf_nan=False)] = Field(
        default=1.0,
        description="power usage effectiveness: what the site draws over what its devices draw; 1 adds nothing",
    )
    electricity: UsdPerKwh | None = Field(
        default=None, description="price, such as 0.08 USD/kWh; needed where devices are owned, else unused"
    )


def hourly_usd(price: float | Ownership, watts: float, energy: Energy) -> float | None:
    """Return what one device costs an hour, electricity included.

    An owned one costs ``c = capex / (years * 8766) + power * PUE * electricity + opex`` (physics G1).

    Parameters
    ----------
    price
        A rent [USD/h], or what it takes to own the device.
    watts
        Power of the device, that of the site beside it left out [W].
    energy
        PUE and price of electricity.

    Returns
    -------
    float or None
        US dollars per hour; None where a device is owned and nobody said what electricity costs.

    Examples
    --------
    >>> owned = Ownership(capex="35064 USD", lifetime="4 years", opex="0.5 USD/h")
    >>> hourly_usd(owned, 1000.0, Energy(pue=1.25, electricity="0.08 USD/kWh"))
    1.6
    """
    if not isinstance(price, Ownership):
        return price
    if energy.electricity is None:
        return None
    written_off = price.capex / (price.lifetime * HOURS_PER_YEAR)
    return written_off + watts / WATTS_PER_KILOWATT * energy.pue * energy.electricity + price.opex
