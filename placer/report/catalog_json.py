"""Lines of the catalog listings, typed; ``--json`` prints them and the tables show them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from placer.catalog.device import Device
from placer.catalog.fleet import Fleet
from placer.catalog.source import SourceKind
from placer.model.spec import ModelSpec
from placer.report.lowering_json import Lowering

SCHEMA_VERSION = 1
UNCITED = "uncited"


class Row(BaseModel):
    """One line of a listing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str


class DeviceRow(Row):
    """A device; sizes in bytes and bytes/s of the tier ops run from, power in watts, rents in US dollars."""

    tier: str
    capacity_bytes: float
    bandwidth_bytes_per_s: float
    peak_flops_per_s: dict[str, float]
    power_w: float
    price_usd_per_hour: dict[str, float]
    estimates: tuple[str, ...]


class FleetRow(Row):
    """A fleet; ``estimates`` are the devices' figures that are guesses, as ``device: figure``."""

    pools: tuple[str, ...]
    price_basis: str
    usd_per_hour: float | None
    power_w: float
    estimates: tuple[str, ...]


class ModelRow(Row):
    """A model of the catalog and what it lowers to."""

    aliases: tuple[str, ...]
    num_layers: int
    parameters: int
    active_parameters: int
    weight_bytes: int
    source: str


class Figure(BaseModel):
    """One figure of a device or link, with where it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: str
    kind: str
    cite: str

    @property
    def is_estimate(self) -> bool:
        """Whether the figure is a guess."""
        return self.kind in {SourceKind.ESTIMATE, UNCITED}


def device_row(device: Device) -> DeviceRow:
    """Return the line of a device."""
    tier = device.compute_tier
    return DeviceRow(
        name=device.name,
        title=device.title,
        tier=tier.tier,
        capacity_bytes=tier.capacity,
        bandwidth_bytes_per_s=tier.bandwidth,
        peak_flops_per_s={str(precision): peak for precision, peak in device.peak.items()},
        power_w=device.power,
        price_usd_per_hour={basis: usd for basis, usd in device.price.items() if isinstance(usd, float)},
        estimates=tuple(dict.fromkeys(figure for basis in device.price for figure in device.estimates(basis))),
    )


def fleet_row(fleet: Fleet) -> FleetRow:
    """Return the line of a fleet; price and power are those of all of it, the price None where one lacks."""
    devices = {pool.name: fleet.device_of(pool.name) for pool in fleet.pools}
    prices = [fleet.usd_per_hour(pool.name) for pool in fleet.pools]
    known = [price for price in prices if price is not None]
    cost = sum(price * pool.count for price, pool in zip(known, fleet.pools, strict=False))
    guesses = (
        f"{device.name}: {figure}" for device in devices.values() for figure in device.estimates(fleet.price_basis)
    )
    return FleetRow(
        name=fleet.name,
        title=fleet.title,
        pools=tuple(f"{pool.count} x {pool.device}" for pool in fleet.pools),
        price_basis=fleet.price_basis,
        usd_per_hour=cost if len(known) == len(prices) else None,
        power_w=sum(fleet.power_w(pool.name) * pool.count for pool in fleet.pools),
        estimates=tuple(dict.fromkeys(guesses)),
    )


def model_row(spec: ModelSpec, lowering: Lowering) -> ModelRow:
    """Return the line of a model."""
    return ModelRow(
        name=spec.name,
        title=", ".join([*spec.mixers, *spec.ffns]),
        aliases=spec.aliases,
        num_layers=spec.num_layers,
        parameters=lowering.parameters.total,
        active_parameters=lowering.parameters.active,
        weight_bytes=lowering.weight_bytes,
        source=spec.source,
    )
