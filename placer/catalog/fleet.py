"""Pools of identical devices and the links between them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from placer.catalog.bare_schema import without_serializer
from placer.catalog.device import Device
from placer.catalog.link import Link
from placer.catalog.price import Energy, hourly_usd
from placer.catalog.quantity import BytesPerSecond
from placer.catalog.source import Source
from placer.errors import nearest_hint

Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")]
Count = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]


class Pool(BaseModel):
    """Identical devices that are rented together.

    ``count`` is the inventory, ``unit`` what can be rented at once (a chip, a node, a rack), ``domain`` how
    many devices share one scale-up fabric. Unit and domain nest: one divides the other.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = Field(description="what plans call it")
    device: str = Field(description="name of a device of the catalog or of this file")
    count: Count = Field(description="inventory")
    unit: Count = Field(default=1, description="devices that are rented at once")
    domain: Count = Field(default=1, description="devices that share one scale-up fabric")
    scale_up: str | None = Field(default=None, description="link inside a domain")
    scale_out: str | None = Field(default=None, description="link between domains")

    @model_validator(mode="after")
    def _sizes_nest(self) -> Pool:
        if self.unit % self.domain and self.domain % self.unit:
            raise ValueError(f"unit {self.unit} and domain {self.domain} must nest (one divides the other)")
        if self.count % self.unit:
            raise ValueError(f"count {self.count} is no multiple of the rentable unit {self.unit}")
        if self.domain > 1 and self.scale_up is None:
            raise ValueError(f"domain is {self.domain}, but no scale_up link is named")
        if self.count > self.domain and self.scale_out is None:
            raise ValueError(f"count {self.count} exceeds the domain {self.domain}, but no scale_out link is named")
        if self.count > self.domain and self.count % self.domain:
            raise ValueError(f"count {self.count} is no multiple of the scale-up domain {self.domain}")
        return self


class CrossLink(BaseModel):
    """How two pools are joined.

    The link's bandwidth is per device; ``bandwidth`` gives it by pool where the two sides differ.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    between: tuple[str, str] = Field(description="the two pools")
    link: str = Field(description="name of a link")
    bandwidth: dict[str, BytesPerSecond] = Field(
        default_factory=dict, description="per device and direction, by pool; else that of the link"
    )
    sources: tuple[Source, ...] = Field(default=(), description="citations of bandwidth")


class Fleet(BaseModel):
    """What can be rented, self-contained: every device and link it names is in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = Field(description="what plans call it")
    title: str = Field(default="", description="one line for people")
    price_basis: str = Field(
        min_length=1, max_length=80, description="basis all prices are on, such as tco, contract or on_demand"
    )
    pools: Annotated[tuple[Pool, ...], Field(min_length=1, max_length=8)] = Field(description="what can be rented")
    links: tuple[CrossLink, ...] = Field(default=(), description="how pools are joined")
    devices: dict[str, Device] = Field(default_factory=dict, description="definitions; the catalog fills the rest")
    link_types: dict[str, Link] = Field(default_factory=dict, description="definitions; the catalog fills the rest")
    energy: Energy | None = Field(
        default=None, description="PUE and price of electricity; null = a PUE of 1, and all electricity in the rents"
    )
    notes: tuple[str, ...] = Field(default=(), description="for people")

    @model_serializer(mode="wrap")
    def _without_absent_energy(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave energy out where nothing is said of it: hashes of fleets written before it was known still hold."""
        fields: dict[str, Any] = handler(self)
        return {name: value for name, value in fields.items() if name != "energy" or value is not None}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the fields, which a serializer of its own would hide."""
        return handler(without_serializer(core_schema))

    @model_validator(mode="after")
    def _pools_resolve(self) -> Fleet:
        pools = [pool.name for pool in self.pools]
        for index, pool in enumerate(self.pools):
            if pool.name in pools[:index]:
                raise ValueError(f'pools[{index}].name: "{pool.name}" is taken by pools[{pools.index(pool.name)}]')
            _check_known(f"pools[{index}].device", pool.device, self.devices, "device")
            for side in ("scale_up", "scale_out"):
                link = getattr(pool, side)
                if link is not None:
                    _check_known(f"pools[{index}].{side}", link, self.link_types, "link")
        return self

    @model_validator(mode="after")
    def _links_resolve(self) -> Fleet:
        pools = [pool.name for pool in self.pools]
        joined = [frozenset(cross.between) for cross in self.links]
        for index, cross in enumerate(self.links):
            for name in cross.between:
                _check_known(f"links[{index}].between", name, pools, "pool")
            for name in cross.bandwidth:
                _check_known(f"links[{index}].bandwidth", name, cross.between, "pool")
            if cross.between[0] == cross.between[1]:
                raise ValueError(f"links[{index}].between: joins {cross.between[0]} with itself")
            if joined[index] in joined[:index]:
                raise ValueError(f"links[{index}].between: {' and '.join(cross.between)} are joined twice")
            _check_known(f"links[{index}].link", cross.link, self.link_types, "link")
        return self

    def pool(self, name: str) -> Pool:
        """Return a pool by name."""
        return next(pool for pool in self.pools if pool.name == name)

    def device_of(self, pool: str) -> Device:
        """Return the device a pool is made of."""
        return self.devices[self.pool(pool).device]

    @property
    def pue(self) -> float:
        """What the site draws over what its devices draw."""
        return self.energy.pue if self.energy else 1.0

    def usd_per_hour(self, pool: str) -> float | None:
        """Return what one device of a pool costs an hour, or None where its price cannot be told on the basis."""
        device = self.device_of(pool)
        price = device.price.get(self.price_basis)
        return None if price is None else hourly_usd(price, device.power, self.energy or Energy())

    def power_w(self, pool: str) -> float:
        """Return what one device of a pool draws, PUE included [W]."""
        return self.device_of(pool).power * self.pue

    def inner_links(self, pool: str) -> tuple[Link | None, Link | None]:
        """Return the links inside and between scale-up domains of a pool; each stands in for the other."""
        names = self.pool(pool).scale_up, self.pool(pool).scale_out
        up, out = (self.link_types[name] if name else None for name in names)
        return up or out, out or up

    def cross_link(self, first: str, second: str) -> CrossLink | None:
        """Return how two pools are joined, or None where they are not."""
        return next((cross for cross in self.links if set(cross.between) == {first, second}), None)

    def port_bytes_per_s(self, cross: CrossLink, pool: str) -> float:
        """Return what one device of a pool sends, and receives, over a link to another pool [B/s]."""
        link = self.link_types[cross.link]
        return cross.bandwidth.get(pool, link.bandwidth) * link.efficiency

    def without_pool(self, name: str) -> Fleet | None:
        """Return the fleet less one pool, or None if that was its last."""
        pools = tuple(pool for pool in self.pools if pool.name != name)
        links = tuple(cross for cross in self.links if name not in cross.between)
        return self.model_copy(update={"pools": pools, "links": links}) if pools else None


def _check_known(field: str, name: str, known: Iterable[str], what: str) -> None:
    names = list(known)
    if name not in names:
        raise ValueError(f'{field}: unknown {what} "{name}"{nearest_hint(name, names)}')
