"""Several models on one fleet: services with demands, agents that chain them, and tiers where cold weights wait."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from placer.catalog.device import TierKind
from placer.catalog.fleet import Fleet, Name
from placer.catalog.quantity import Bytes, BytesPerSecond, Seconds
from placer.catalog.source import SourceKind
from placer.errors import nearest_hint
from placer.model.spec import ModelSpec
from placer.scenario.routing import UNIFORM, RoutingProfile
from placer.scenario.service import Mode, Service
from placer.scenario.workload import Rate, Tokens

#: A time above zero.
Duration = Annotated[Seconds, Field(gt=0)]
#: Most services of a portfolio, and most calls of an agent.
MOST_SERVICES, MOST_CALLS = 24, 64


#: Modes a service may forbid: where prompts are computed.
PREFILL_MODES = (Mode.COLOCATED, Mode.DISAGGREGATED)


class Phase(StrEnum):
    """What is planned: prefill and decode together, or decode alone."""

    SERVICE = "service"
    DECODE = "decode"


class Residency(StrEnum):
    """Where the weights of a service may be."""

    RESIDENT = "resident"
    COLD = "cold"
    EITHER = "either"


class ServedModel(BaseModel):
    """One model with its traffic and the speed its users get.

    Without ``tokens_per_s_per_user`` the speed is decided so that every agent that calls it is in time. Lengths are
    those plans are made for; what is not given is that of the longest call of an agent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = Field(description="what agents and answers call it")
    model: ModelSpec = Field(description="catalog id, path or Hub id; in answers the model in full")
    weights: str | None = Field(default=None, description="format of attention and FFN weights, as with --weights")
    experts: str | None = Field(default=None, description="format of routed experts, as with --experts")
    kv: str | None = Field(default=None, description="format of the KV cache, as with --kv")
    isl: Tokens | None = Field(default=None, description="input tokens of a request")
    osl: Tokens | None = Field(default=None, description="output tokens of a request")
    requests_per_s: Rate | None = Field(default=None, description="requests of its own, those of agents left out")
    tokens_per_s: Rate | None = Field(default=None, description="the same as output tokens")
    tokens_per_s_per_user: Rate | None = Field(default=None, description="speed every user gets; null = decided")
    speeds: tuple[Rate, ...] = Field(default=(), max_length=16, description="speeds to choose from, instead of a grid")
    ttft: Seconds | None = Field(
        default=None,
        description="most mean time to first token, null = any; with phase decode the one that latencies count",
    )
    ttft_p99: Seconds | None = Field(default=None, description="most 99th percentile of it; null = any")
    prefix_hit_rate: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.0, description="share of a prompt's tokens whose KV cache is found"
    )
    prefix_bandwidth: BytesPerSecond | None = Field(
        default=None, description="rate at which a device loads the KV cache that was found; null = it is there"
    )
    forbidden_modes: tuple[Mode, ...] = Field(
        default=(), description="colocated or disaggregated: where prompts may not be computed"
    )
    routing: RoutingProfile = Field(default=UNIFORM, description="how tokens spread over experts")
    residency: Residency = Field(default=Residency.RESIDENT, description="devices of its own, turns on shared ones, or")
    wait: Duration | None = Field(default=None, description="longest a request may wait for the turn of a cold model")

    @model_validator(mode="after")
    def _is_sound(self) -> ServedModel:
        if self.requests_per_s is not None and self.tokens_per_s is not None:
            raise ValueError("requests_per_s and tokens_per_s say the same; expected one of them")
        has_own = self.requests_per_s is not None or self.tokens_per_s is not None
        if has_own and (self.isl is None or self.osl is None):
            raise ValueError("isl and osl are missing: requests of its own need lengths")
        if self.residency is not Residency.RESIDENT and self.wait is None:
            raise ValueError(f"residency {self.residency} needs wait, the longest a request may wait for a turn")
        if self.speeds and self.tokens_per_s_per_user is not None:
            raise ValueError("speeds are for services without tokens_per_s_per_user; expected one of them")
        for mode in self.forbidden_modes:
            if mode not in PREFILL_MODES:
                raise ValueError(f"forbidden_modes: expected {' or '.join(PREFILL_MODES)}, got {mode}")
        if set(self.forbidden_modes) == set(PREFILL_MODES):
            raise ValueError("forbidden_modes: prompts must be computed somewhere; expected one of them at most")
        return self

    @property
    def delivery(self) -> Service:
        """What a plan of its whole service must deliver beyond decode."""
        asked = {
            name: getattr(self, name)
            for name in ("ttft", "ttft_p99", "prefix_hit_rate", "prefix_bandwidth", "forbidden_modes")
        }
        return Service().model_copy(update=asked)

    @property
    def own_requests_per_s(self) -> float:
        """Requests that no agent sends [1/s]."""
        if self.tokens_per_s is not None and self.osl is not None:
            return self.tokens_per_s / self.osl
        return self.requests_per_s or 0.0


class Call(BaseModel):
    """One step of an agent: ``count`` equal requests side by side, once all calls in ``after`` have ended."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Name = Field(description="what other calls refer to it by")
    model: str = Field(description="name of a service")
    isl: Tokens = Field(description="input tokens")
    osl: Annotated[int, Field(ge=1, le=1_000_000)] = Field(description="output tokens")
    after: tuple[str, ...] = Field(default=(), description="calls that must have ended")
    count: Annotated[int, Field(ge=1, le=1_000)] = Field(default=1, description="requests sent side by side")


class Agent(BaseModel):
    """A program that calls models; its calls form a DAG."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = Field(description="what answers call it")
    requests_per_s: Rate = Field(description="how often it runs")
    calls: Annotated[tuple[Call, ...], Field(min_length=1, max_length=MOST_CALLS)] = Field(description="its calls")
    end_to_end: Duration = Field(description="longest time from start to the end of the last call, such as 20 s")

    @model_validator(mode="after")
    def _is_a_dag(self) -> Agent:
        ids = [call.id for call in self.calls]
        for index, call in enumerate(self.calls):
            if call.id in ids[:index]:
                raise ValueError(f'calls[{index}].id: "{call.id}" is taken by calls[{ids.index(call.id)}]')
            for name in call.after:
                if name not in ids:
                    raise ValueError(f'calls[{index}].after: unknown call "{name}"{nearest_hint(name, ids)}')
        open_calls = {call.id: set(call.after) for call in self.calls}
        while ready := [name for name, before in open_calls.items() if not before & open_calls.keys()]:
            for name in ready:
                del open_calls[name]
        if open_calls:
            raise ValueError(f"calls: {', '.join(open_calls)} wait for each other; expected no cycle")
        return self


class ColdTier(BaseModel):
    """Memory of a pool's devices in which weights of cold models wait.

    Capacity and bandwidth are those of the device's own tier where it has one of that kind and they are left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pool: str = Field(description="pool whose devices load from it")
    tier: TierKind = Field(description="what it is made of")
    capacity: Annotated[Bytes, Field(gt=0)] = Field(description="size per device, such as 250 GB")
    bandwidth: BytesPerSecond = Field(description="into the device, per device, such as 50 GB/s")
    latency: Seconds = Field(description="what a switch takes besides: engine start, graphs, first bytes")
    kind: SourceKind = Field(default=SourceKind.ESTIMATE, description="how far its figures can be trusted")
    cite: str = Field(min_length=1, description="where they were read")


class SpeedGrid(BaseModel):
    """Speeds that are tried where an agent's latency decides: least possible speed times powers of ``ratio``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: Annotated[int, Field(ge=1, le=16)] = Field(default=6, description="speeds of a service")
    ratio: Annotated[float, Field(gt=1, le=10)] = Field(default=1.5, description="between one speed and the next")


class PortfolioScenario(BaseModel):
    """A question about several models that share one inventory, self-contained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = Field(description="what answers call it")
    fleet: Fleet = Field(description="catalog name, path or definition; in answers in full")
    models: Annotated[tuple[ServedModel, ...], Field(min_length=1, max_length=MOST_SERVICES)] = Field(
        description="services"
    )
    agents: tuple[Agent, ...] = Field(default=(), max_length=64, description="chains of calls with an end-to-end time")
    tiers: tuple[ColdTier, ...] = Field(default=(), max_length=32, description="where cold weights may wait")
    phase: Phase = Field(default=Phase.SERVICE, description="prefill and decode together, or decode alone")
    speed_grid: SpeedGrid = Field(default=SpeedGrid(), description="speeds tried where agents decide")
    max_groups: Annotated[int, Field(ge=1, le=2)] = Field(default=2, description="groups of a replica")

    def service(self, name: str) -> ServedModel:
        """Return a service by name."""
        return next(service for service in self.models if service.name == name)

    @model_validator(mode="after")
    def _names_resolve(self) -> PortfolioScenario:
        for field, names in (
            ("models", [service.name for service in self.models]),
            ("agents", [agent.name for agent in self.agents]),
        ):
            for index, name in enumerate(names):
                if name in names[:index]:
                    raise ValueError(f'{field}[{index}].name: "{name}" is taken by {field}[{names.index(name)}]')
        pools = [pool.name for pool in self.fleet.pools]
        for index, tier in enumerate(self.tiers):
            if tier.pool not in pools:
                raise ValueError(f'tiers[{index}].pool: unknown pool "{tier.pool}"{nearest_hint(tier.pool, pools)}')
        return self

    @model_validator(mode="after")
    def _calls_name_models(self) -> PortfolioScenario:
        names = [service.name for service in self.models]
        for index, agent in enumerate(self.agents):
            for number, call in enumerate(agent.calls):
                if call.model not in names:
                    where = f"agents[{index}].calls[{number}].model"
                    raise ValueError(f'{where}: unknown model "{call.model}"{nearest_hint(call.model, names)}')
        return self

    @model_validator(mode="after")
    def _services_are_used(self) -> PortfolioScenario:
        called = {call.model for agent in self.agents for call in agent.calls}
        for index, service in enumerate(self.models):
            where = f"models[{index}]"
            if not service.own_requests_per_s and service.name not in called:
                raise ValueError(f"{where}: nobody asks it; expected requests_per_s, tokens_per_s or an agent")
            if service.tokens_per_s_per_user is None and not service.speeds and service.name not in called:
                raise ValueError(f"{where}: expected tokens_per_s_per_user, or an agent whose end_to_end decides it")
            if service.residency is not Residency.RESIDENT and not self.tiers:
                raise ValueError(f"{where}.residency: {service.residency} needs tiers, where weights wait")
        return self

    @model_validator(mode="after")
    def _prefill_is_planned(self) -> PortfolioScenario:
        if self.phase is Phase.SERVICE:
            return self
        for index, service in enumerate(self.models):
            for field in ("ttft_p99", "prefix_hit_rate", "prefix_bandwidth", "forbidden_modes"):
                if getattr(service, field):
                    raise ValueError(f"models[{index}].{field}: nothing is prefilled; expected phase service")
        return self

    @model_validator(mode="after")
    def _calls_fit(self) -> PortfolioScenario:
        for index, agent in enumerate(self.agents):
            for number, call in enumerate(agent.calls):
                service = self.service(call.model)
                for field in ("isl", "osl"):
                    most, asked = getattr(service, field), getattr(call, field)
                    if most is not None and asked > most:
                        where = f"agents[{index}].calls[{number}].{field}"
                        raise ValueError(f"{where}: expected at most the {most} of model {service.name}, got {asked}")
        return self
