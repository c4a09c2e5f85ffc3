"""A fleet over time: what every hour needs and rents, what it costs, and why there is none."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.demand.prices import Prices
from placer.demand.profile import Profile

SCHEMA_VERSION = 1

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class Outcome(StrEnum):
    """Whether every hour can be served."""

    SIZED = "sized"
    INFEASIBLE = "infeasible"


class HourUse(BaseModel):
    """One hour of the profile; units are those of all pools, in their order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hour: Count = Field(description="from 0, the first of the profile")
    requests_per_s: Amount = Field(description="mean arrivals [1/s]")
    mean_users: Amount = Field(description="mean requests in service: arrivals times residence")
    users_at_percentile: Count = Field(description="requests in service at the percentile: slots needed")
    replicas: Count = Field(description="fewest whole replicas that hold them")
    slots: Count = Field(description="what these replicas hold")
    wait_p99_s: Amount | None = Field(
        description="99th percentile of the wait for a slot (Erlang C); null where arrivals are no Poisson process"
    )
    prefill_groups: tuple[Count, ...] = Field(
        default=(), description="fewest groups that prefill in time, by prefill pool; none where steps do it"
    )
    ttft_s: Amount | None = Field(default=None, description="mean time to first token; where groups prefill [s]")
    ttft_p99_s: Amount | None = Field(default=None, description="99th percentile of it [s]")
    units: tuple[Count, ...] = Field(description="rentable units that all of it takes")
    on_demand_units: tuple[Count, ...] = Field(description="of these by the hour")
    spot_units: tuple[Count, ...] = Field(description="of these positions that spot fills while it is there")
    idle_units: tuple[Count, ...] = Field(description="reserved and not needed")
    usd: Amount = Field(description="mean cost [USD]")


class PoolUse(BaseModel):
    """What is rented of one pool over the profile."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pool: str = Field(description="its name")
    devices_per_unit: Count = Field(description="devices that are rented at once")
    peak_units: Count = Field(description="units of the fullest hour")
    mean_units: Amount = Field(description="units of the mean hour")
    reserved_units: Count = Field(description="paid for in every hour")
    on_demand_unit_hours: Count = Field(description="units by the hour")
    spot_unit_hours: Count = Field(description="positions that spot fills while it is there")
    idle_unit_hours: Count = Field(description="reserved and not needed")
    idle_usd: Amount = Field(description="what these cost [USD]")
    usd: Amount = Field(description="mean cost [USD]")
    constant_usd: Amount = Field(description="cost of the peak in every hour, at the cheapest steady price [USD]")

    @property
    def mean_over_peak(self) -> float:
        """Share of a fleet of constant peak size that is needed (physics G1)."""
        return self.mean_units / self.peak_units if self.peak_units else 0.0


class Refusal(BaseModel):
    """The hour that cannot be served, and what could be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hour: Count = Field(description="the first with the most requests, from 0")
    requests_per_s: Amount = Field(description="its arrivals [1/s]")
    replicas: Count = Field(description="replicas that would hold them")
    prefill_groups: tuple[Count, ...] = Field(description="prefill groups they need at least, by prefill pool")
    devices: dict[str, int] = Field(description="devices that would be rented, by pool")
    greatest_requests_per_s: Amount = Field(description="arrivals that can be served [1/s]")
    reason: str = Field(description="in one line")


class OtherPlan(BaseModel):
    """A plan that was weighed too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan: str = Field(description="its file")
    outcome: Outcome = Field(description="whether it serves every hour")
    usd: Amount | None = Field(description="its cost over the profile; null where it does not [USD]")


class DemandAnswer(BaseModel):
    """A fleet over time; money is of one period of the profile, a day or a week."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = Field(default=SCHEMA_VERSION, description="version of this document")
    outcome: Outcome = Field(description="whether every hour can be served")
    plan: str = Field(description="file of the plan")
    model: str = Field(description="its model")
    fleet: str = Field(description="its fleet")
    price_basis: str = Field(description="of the fleet's prices")
    prices: Prices = Field(description="ways to pay, as given")
    are_prices_given: bool = Field(description="else the fleet's prices are paid in every hour")
    profile: Profile = Field(description="arrivals by the hour")
    percentile: float = Field(description="probability with which the slots suffice")
    residence_s: Amount = Field(description="how long a request keeps its slot [s]")
    slots_per_replica: Count = Field(description="sequences a replica decodes at once")
    hours: tuple[HourUse, ...] = Field(default=(), description="every hour")
    pools: tuple[PoolUse, ...] = Field(default=(), description="every pool the plan rents")
    prefill_pools: tuple[str, ...] = Field(default=(), description="pools of the prefill groups, in their order")
    is_service: bool = Field(description="whether prompts are in it; else the plan only decodes")
    num_requests: Amount = Field(description="requests of the period")
    output_tokens: Amount = Field(description="tokens of their answers")
    usd: Amount | None = Field(default=None, description="cost of the period, the least of all mixes [USD]")
    constant_usd: Amount | None = Field(default=None, description="that of a fleet of constant peak size [USD]")
    idle_usd: Amount | None = Field(default=None, description="of it for reserved capacity not needed [USD]")
    usd_per_request: Amount | None = Field(default=None, description="all of the cost over requests [USD]")
    usd_per_million_output_tokens: Amount | None = Field(
        default=None, description="all of it, prompts too, over output tokens [USD]"
    )
    constant_usd_per_million_output_tokens: Amount | None = Field(
        default=None, description="the same for constant peak size [USD]"
    )
    utilisation: Share | None = Field(default=None, description="mean users over the slots of the replicas that run")
    constant_utilisation: Share | None = Field(default=None, description="the same for constant peak size")
    refusal: Refusal | None = Field(default=None, description="why there is no such fleet")
    others: tuple[OtherPlan, ...] = Field(default=(), description="plans weighed too, dearer ones or refused")
    estimates: tuple[str, ...] = Field(default=(), description="guessed figures behind the plan")
