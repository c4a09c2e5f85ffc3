"""The answer for several models: who has which devices, what each pays, how long every agent takes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from placer.catalog.device import TierKind
from placer.plan.metrics import Figure
from placer.plan.plan import Plan, Status
from placer.plan.refusal import Refusal
from placer.scenario.portfolio import PortfolioScenario

PORTFOLIO_VERSION: Final = 2
#: How rent is shared, in one line.
SHARING_RULE: Final = (
    "a pool's rent is shared in proportion to device time used: the devices of a model's replicas all the time, those "
    "of a slot in proportion to expected time spent switching and serving; idle devices and time are shared alike"
)


class ModelMode(StrEnum):
    """Whether a model has devices of its own or turns on shared ones."""

    RESIDENT = "resident"
    COLD = "cold"


class Deployment(BaseModel):
    """Replicas of one model that are alike.

    ``plan`` is a whole plan of its own on the devices it has here. Its rent is that of the devices it holds, as if
    they were rented one by one; whole units are the portfolio's business.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(description="name of the service")
    replicas: Annotated[int, Field(ge=1)] = Field(description="replicas that are alike")
    devices: dict[str, int] = Field(description="devices held by pool, those that prefill for them included")
    requests_per_s: Figure = Field(description="requests they get: all that are asked, in proportion to capacity")
    ttft_s: Figure = Field(description="mean time to first token at that rate; what the scenario states if decode only")
    plan: Plan = Field(description="the plan of these replicas, and of the groups that prefill for them")


class SlotMember(BaseModel):
    """A cold model's turn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(description="name of the service")
    weights_bytes: Annotated[int, Field(ge=0)] = Field(description="weights on the fullest device, kept in the tier")
    switch_s: Figure = Field(description="time to load them: bytes over bandwidth, and the tier's latency")
    serve_s: Figure = Field(description="time to answer one batch: its prompts, then the longest answer")
    ttft_s: Figure = Field(description="from the begin of a turn until the last of its prompts has its first token")
    batch_requests: Annotated[int, Field(ge=1)] = Field(description="requests a turn can answer")
    requests_per_turn: Figure = Field(description="mean number of requests that arrive in a period")
    overflow: Annotated[float, Field(ge=0, le=1)] = Field(description="chance that more arrive than a turn answers")
    switches_per_hour: Figure = Field(description="expected; a turn nobody waits for is skipped")
    load: Figure = Field(description="expected share of the slot's time spent switching and serving")
    plan: Plan = Field(description="the plan of its replica")


class Slot(BaseModel):
    """Devices that cold models use in turns, by a timetable that repeats every ``period_s``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pool: str = Field(description="pool of the devices")
    tier: TierKind = Field(description="where weights wait")
    first_device: Annotated[int, Field(ge=0)] = Field(description="pool index of its first device")
    devices: Annotated[int, Field(ge=1)] = Field(description="devices it has, one after the other")
    period_s: Figure = Field(description="time between two turns of a model; no request waits longer for its turn")
    timetable_load: Figure = Field(description="share of the period that is taken if every turn is: at most 1")
    load: Figure = Field(description="expected share of time spent switching and serving")
    members: Annotated[tuple[SlotMember, ...], Field(min_length=2)] = Field(description="turns")


class ModelAnswer(BaseModel):
    """What one service gets and pays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(description="name of the service")
    mode: ModelMode = Field(description="devices of its own, or turns")
    demand_tokens_per_s: Figure = Field(description="output tokens asked for, those of agents included")
    requests_per_s: Figure = Field(description="requests asked for, those of agents included")
    capacity_tokens_per_s: Figure = Field(description="what its replicas produce at full load; cold: what it is asked")
    tokens_per_s_per_user: Figure = Field(description="speed of its slowest replicas")
    switch_wait_s: Figure = Field(description="longest wait for a turn and the switch; 0 where resident")
    ttft_s: Figure = Field(description="time to first token latencies count, without waits for turns")
    usd_per_hour: Figure = Field(description="its share of the rent")
    usd_per_million_output_tokens: Figure = Field(description="its share over the tokens asked for")
    usd_per_request: Figure = Field(description="its share over the requests asked for")
    bound_usd_per_million_output_tokens: Figure = Field(description="proven: no plan at an allowed speed costs less")
    bound_usd_per_request: Figure | None = Field(
        default=None, description="the same for a request as long as plans are made for; null if decode only"
    )


class CallAnswer(BaseModel):
    """When a call of an agent starts and ends, at worst."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(description="call of the agent")
    model: str = Field(description="name of the service")
    start_s: Figure = Field(description="end of the last call it waits for")
    switch_wait_s: Figure = Field(description="wait for the turn of a cold model, and its switch")
    ttft_s: Figure = Field(description="time to first token")
    decode_s: Figure = Field(description="output tokens times the slowest step")
    end_s: Figure = Field(description="start and all three parts")
    is_critical: bool = Field(description="whether it is on the longest path")


class AgentAnswer(BaseModel):
    """How long an agent takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="the agent")
    latency_s: Figure = Field(description="longest path through its calls")
    end_to_end_s: Figure = Field(description="longest allowed")
    usd_per_run: Figure = Field(description="rent of the tokens its calls produce")
    calls: Annotated[tuple[CallAnswer, ...], Field(min_length=1)] = Field(description="call by call")


class PortfolioBound(BaseModel):
    """What no portfolio of the declared space can beat, and how far the plan is from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    usd_per_hour: Figure = Field(description="no portfolio of the declared space rents for less")
    relative_gap: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="1 - bound / rent; null without a portfolio"
    )
    is_best_of_columns: bool = Field(description="whether no choice among the plans made is proven to rent for less")


class PortfolioSearch(BaseModel):
    """What the search did."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plans: int = Field(description="plans made, at all speeds and on all sets of pools")
    columns: int = Field(description="kinds of replicas to choose from")
    slots: int = Field(description="sets of cold models that can take turns")
    cuts: int = Field(description="choices that did not fit the domains")
    seed: int = Field(description="seed of the search")
    wall_s: float = Field(description="time it took")


class Portfolio(BaseModel):
    """A portfolio, a refusal, or what is known when time ran out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["portfolio"] = Field(default="portfolio", description="tells this document from a plan")
    schema_version: Annotated[Literal[2], Field(description="version of this document")] = PORTFOLIO_VERSION
    status: Status = Field(description="how planning ended")
    verdict: str = Field(description="the answer in one line")
    scenario: PortfolioScenario = Field(description="the question, self-contained")
    usd_per_hour: Figure | None = Field(default=None, description="rent of all units")
    bound: PortfolioBound | None = Field(default=None, description="what is proven")
    devices: dict[str, int] = Field(default_factory=dict, description="rented devices by pool, whole units")
    models: tuple[ModelAnswer, ...] = Field(default=(), description="what every service gets and pays")
    deployments: tuple[Deployment, ...] = Field(default=(), description="replicas that hold devices all the time")
    slots: tuple[Slot, ...] = Field(default=(), description="devices cold models use in turns")
    agents: tuple[AgentAnswer, ...] = Field(default=(), description="latency of every agent, call by call")
    refusal: Refusal | None = Field(default=None, description="why there is no portfolio")
    notes: tuple[str, ...] = Field(default=(), description="what the answer leaves out")
    search: PortfolioSearch = Field(description="what the search did")

    @model_validator(mode="after")
    def _is_whole(self) -> Portfolio:
        needed = {
            Status.PLANNED: ("usd_per_hour", "bound", "devices", "models"),
            Status.INFEASIBLE: ("refusal",),
            Status.UNDECIDED: (),
        }[self.status]
        missing = [name for name in needed if not getattr(self, name)]
        if missing:
            raise ValueError(f"a portfolio with status {self.status} lacks {', '.join(missing)}")
        return self
