"""What prices and power of a report rest on: the basis, electricity, and the PUE."""

from __future__ import annotations

from placer.catalog.fleet import Fleet
from placer.catalog.price import Energy, Ownership
from placer.plan.metrics import Metrics
from placer.units import format_count


def price_line(fleet: Fleet) -> str:
    """Return the basis of all prices, where electricity is paid for, and the PUE, in one line."""
    energy = fleet.energy or Energy()
    prices = [fleet.device_of(pool.name).price.get(fleet.price_basis) for pool in fleet.pools]
    is_owned = any(isinstance(price, Ownership) for price in prices)
    cost = "no price for it" if energy.electricity is None else f"{energy.electricity:g} USD/kWh"
    if is_owned:
        electricity = f"electricity on top at {cost}"
    else:
        electricity = "electricity in the rents" + (f", {cost} not added" if energy.electricity is not None else "")
    pue = f"PUE {energy.pue:g} on top of" if energy.pue > 1 else "PUE 1, power as of"
    pue += " the devices' watts as their sources define them"
    return f"prices on the basis {fleet.price_basis}, {electricity}; {pue}"


def power_line(fleet: Fleet, metrics: Metrics) -> str:
    """Return what prices and power of a plan rest on, and its throughput per megawatt."""
    rate = metrics.tokens_per_s_per_mw
    return price_line(fleet) + ("" if rate is None else f"; {format_count(rate)} tokens/s per MW")
