"""What is kept of an answer: figures of the plan, small enough for a file that people compare line by line."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from benchmarks.studies.interval import Interval
from placer.plan.metrics import Metrics
from placer.plan.plan import Plan
from placer.planner.provenance import estimates_in
from placer.scenario.scenario import Scenario

#: Fields that people read and no figure depends on.
PROSE = frozenset({"title", "notes", "vendor", "source", "sources", "aliases"})
SECONDS_PER_HOUR = 3600.0
#: Digits kept of a figure.
DIGITS = 6


class Record(BaseModel):
    """An answer. Prices are rounded up and bounds down, so intervals only widen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: str = Field(description="SHA-256 of the scenario's figures and of the gap asked for")
    status: str = Field(description="planned, infeasible, undecided, refused (inconsistent) or unpublished (template)")
    reason: str = Field(default="", description="why there is no plan")
    nearest: str = Field(default="", description="what would allow one")
    usd_per_million_output: float | None = None
    usd_per_million_input: float | None = None
    usd_per_request: float | None = None
    bound: float | None = Field(default=None, description="on what is minimised: a request, or 1e6 output tokens")
    gap: float | None = None
    tokens_per_s_per_user: float | None = None
    tokens_per_s: float | None = None
    tokens_per_s_per_mw: float | None = None
    usd_per_hour: float | None = None
    power_w: float | None = Field(default=None, description="of all rented devices, PUE included")
    users: int | None = None
    step_s: float | None = None
    ttft_s: float | None = None
    devices: dict[str, int] = Field(default_factory=dict, description="rented, by pool")
    prefill: dict[str, int] = Field(default_factory=dict, description="devices that prefill, by pool")
    layers: dict[str, int] = Field(default_factory=dict, description="layers by the way they lie")
    ffn_pools: dict[str, int] = Field(default_factory=dict, description="FFNs, or parts of them, by pool")
    mode: str = ""
    binding: tuple[str, ...] = ()
    time_s: dict[str, float] = Field(default_factory=dict, description="parts of the critical path")
    tokens_per_step: float = Field(default=1.0, description="tokens gained a step by drafting")
    watts_per_usd_per_hour: dict[str, float] = Field(default_factory=dict, description="of every pool of the fleet")
    num_estimates: int = Field(default=0, description="guessed figures behind the plan")
    estimates: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="guessed figures of the whole fleet, by device or link: bounds rest on them"
    )
    placer: str = Field(default="", description="version that answered")
    wall_s: float = Field(default=0.0, description="time it took")

    @property
    def is_planned(self) -> bool:
        """Whether there is a plan."""
        return self.status == "planned"

    @property
    def price(self) -> float | None:
        """What is minimised: USD per request where prefill is planned, else per million output tokens."""
        return self.usd_per_million_output if self.usd_per_request is None else self.usd_per_request

    @property
    def optimum(self) -> Interval:
        """Where the least price lies, by the proof; infinite where it is proven that there is no plan."""
        if self.status in {"infeasible", "refused"}:
            return Interval(low=math.inf, high=math.inf)
        return Interval(low=self.bound or 0.0, high=math.inf if self.price is None else self.price)

    @property
    def joules(self) -> Interval:
        """Where the least energy of what is priced lies, by the proof of the price [J].

        A device's power is as fixed as its rent, so no plan takes less than the bound's rent times the fewest watts
        that a dollar an hour pays for in any pool.
        """
        least, price = self.optimum, self.price
        fewest = min(self.watts_per_usd_per_hour.values(), default=0.0)
        low = math.inf if math.isinf(least.low) else least.low * SECONDS_PER_HOUR * fewest
        if price is None or not self.usd_per_hour or not self.power_w:
            return Interval(low=low, high=math.inf)
        return Interval(low=low, high=price * SECONDS_PER_HOUR * self.power_w / self.usd_per_hour)


def inputs_hash(scenario: Scenario, relative_gap: float) -> str:
    """Return what an answer is the answer to.

    Figures and which of them are guesses; not citations, prices on other bases, or defaults that are new.
    """
    figures = _figures(scenario.model_dump(mode="json", exclude_defaults=True))
    basis = scenario.fleet.price_basis
    for device in figures["fleet"]["devices"].values():
        device["price"] = {basis: device["price"].get(basis)}
    guesses = estimates_in(scenario, tuple(pool.name for pool in scenario.fleet.pools))
    text = json.dumps([figures, sorted(guesses), relative_gap], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _figures(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _figures(inner) for name, inner in value.items() if name not in PROSE}
    if isinstance(value, list | tuple):
        return [_figures(inner) for inner in value]
    return value


def record_of(plan: Plan, inputs: str, wall_s: float) -> Record:
    """Return what is kept of a plan, a refusal, or an open question."""
    fields: dict[str, Any] = {"inputs": inputs, "status": str(plan.status), "wall_s": round(wall_s, 1)}
    fields["placer"] = plan.provenance.placer_version
    fleet = plan.scenario.fleet
    rents = {pool.name: fleet.usd_per_hour(pool.name) for pool in fleet.pools}
    watts = {name: rounded_down(fleet.power_w(name) / rent) for name, rent in rents.items() if rent}
    fields["watts_per_usd_per_hour"] = watts
    fields["num_estimates"] = len(plan.provenance.estimates)
    fields["estimates"] = _by_owner(estimates_in(plan.scenario, tuple(rents)))
    if plan.refusal is not None:
        fields["reason"] = plan.refusal.reason
        fields["nearest"] = "; ".join(relief.text for relief in plan.refusal.nearest)
    if plan.bound is not None:
        is_service = plan.scenario.service is not None
        bound = plan.bound.usd_per_request if is_service else plan.bound.usd_per_million_output_tokens
        fields["bound"] = None if bound is None else rounded_down(bound)
        fields["gap"] = None if plan.bound.relative_gap is None else rounded_up(plan.bound.relative_gap)
    if plan.metrics is not None:
        fields |= _planned(plan, plan.metrics)
    return Record.model_validate(fields)


def _planned(plan: Plan, metrics: Metrics) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "usd_per_million_output": rounded_up(metrics.usd_per_million_output_tokens),
        "tokens_per_s_per_user": rounded_down(metrics.tokens_per_s_per_user),
        "tokens_per_s": rounded_down(metrics.tokens_per_s),
        "usd_per_hour": rounded_up(metrics.usd_per_hour),
        "power_w": rounded_up(metrics.power_w),
        "users": metrics.users,
        "step_s": rounded_up(metrics.step_time_s),
        "mode": plan.mode,
        "binding": plan.binding,
        "devices": plan.devices,
    }
    for name, value in {
        "usd_per_million_input": metrics.usd_per_million_input_tokens,
        "usd_per_request": metrics.usd_per_request,
        "ttft_s": metrics.ttft_s,
    }.items():
        fields[name] = None if value is None else rounded_up(value)
    if metrics.tokens_per_s_per_mw is not None:
        fields["tokens_per_s_per_mw"] = rounded_down(metrics.tokens_per_s_per_mw)
    if plan.phases is not None:
        fields["prefill"] = {pool.pool: pool.num_devices for pool in plan.phases.prefill}
    if plan.placement is not None:
        fields["layers"] = dict(Counter(str(layer.way) for layer in plan.placement.layers))
        pool_of = {group.role: group.pool for group in plan.groups}
        parts = (pool_of[part.at.role] for layer in plan.placement.layers for part in layer.ffn)
        fields["ffn_pools"] = dict(Counter(parts))
    if plan.time is not None:
        times = plan.time.model_dump()
        fields["time_s"] = {name.removesuffix("_s"): rounded_up(value) for name, value in times.items()}
    if plan.speculation is not None:
        fields["tokens_per_step"] = rounded_up(plan.speculation.tokens_per_step)
    return fields


def _by_owner(estimates: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return guessed figures by the device or link they are of: its name has no dot, figures may."""
    found: dict[str, tuple[str, ...]] = {}
    for estimate in estimates:
        owner, _, figure = estimate.partition(".")
        found[owner] = (*found.get(owner, ()), figure)
    return found


def rounded_up(value: float, digits: int = DIGITS) -> float:
    """Return a figure of so many digits that is no less.

    >>> rounded_up(0.1234561), rounded_up(2.0), rounded_up(0.0)
    (0.123457, 2.0, 0.0)
    """
    return -rounded_down(-value, digits)


def rounded_down(value: float, digits: int = DIGITS) -> float:
    """Return a figure of so many digits that is no more.

    >>> rounded_down(0.1234569), rounded_down(1234567.0)
    (0.123456, 1234560.0)
    """
    if value == 0 or not math.isfinite(value):
        return value
    near = float(f"{value:.{digits - 1}e}")
    if near <= value:
        return near
    place = 10.0 ** (math.floor(math.log10(abs(value))) - digits + 1)
    return float(f"{near - place:.{digits - 1}e}")
