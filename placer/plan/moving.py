"""What moving from one plan to another takes: devices, bytes from where to where, time, sessions."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Figure = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PoolChange(_Model):
    """Devices of a pool to rent and to return."""

    pool: str = Field(description="pool")
    device: str = Field(description="kind of device")
    unit: Annotated[int, Field(ge=1)] = Field(description="devices that are rented at once")
    a_devices: Count = Field(description="rented in a")
    b_devices: Count = Field(description="rented in b")
    added_units: Count = Field(description="units to rent")
    returned_units: Count = Field(description="units to return")
    usd_per_hour: Annotated[float, Field(allow_inf_nan=False)] | None = Field(
        description="what that changes of the rent, at each plan's own price; null where the bases differ"
    )


class Transfer(_Model):
    """Bytes of weights from one device, or from storage, to another."""

    source: str = Field(description="device, or storage")
    target: str = Field(description="device")
    link: str = Field(description="link they cross, or storage")
    bytes: Count = Field(description="weights, rounded up")


class Route(_Model):
    """All transfers of one kind."""

    source: str = Field(description="pool, or storage")
    target: str = Field(description="pool")
    link: str = Field(description="link they cross, or storage")
    devices: Count = Field(description="devices that receive something this way")
    bytes: Count = Field(description="weights, all devices")
    busiest_s: Figure = Field(description="how long the busiest port is busy with them, sending or receiving")


class SessionsMoved(_Model):
    """What is under way when a is left."""

    sessions: Count = Field(description="sequences in flight in a, at full load")
    slots: Count = Field(description="sequences b decodes at once at full load")
    stay: bool = Field(description="whether b keeps KV cache on the same devices in the same shards: none has to stop")
    drain_s: Figure = Field(description="time of a whole answer in a: no new ones taken in, the last is done by then")
    session_bytes: Count = Field(description="KV cache, indices and states of one at the mean context, each byte once")
    bytes: Count = Field(description="of all of them: what would move at most instead of being drained")


class Moving(_Model):
    """What moving from a to b takes, devices numbered as the plans number them.

    A device keeps what it holds; the rest comes from the nearest device that held it (its scale-up domain, its pool, a
    linked pool), else from storage. ``seconds`` is the time of the busiest port: no schedule of these transfers takes
    less.
    """

    pools: tuple[PoolChange, ...] = Field(description="devices to rent and to return")
    kept_devices: Count = Field(description="devices that work in both plans")
    kept_bytes: Count = Field(description="weights that lie where b wants them already")
    bytes: Count = Field(description="weights that devices must load")
    storage_bytes: Count = Field(description="of these, from storage")
    seconds: Figure = Field(
        description="time the busiest port takes: none of these transfers is done earlier as a whole"
    )
    bottleneck: str = Field(description="that port; empty where nothing moves")
    crowded_devices: Count = Field(
        description="devices without room for what they load beside what they hold and serve with: they stop first"
    )
    routes: tuple[Route, ...] = Field(description="where bytes come from, by pools and link")
    transfers: tuple[Transfer, ...] = Field(description="by pair of devices")
    sessions: SessionsMoved = Field(description="what is under way")
    both_usd_per_hour: Figure | None = Field(
        description="rent while the devices of both plans are held; null where the bases differ"
    )
    usd: Figure | None = Field(
        description="that rent while sessions drain (unless they stay) and weights load, one after the other"
    )
