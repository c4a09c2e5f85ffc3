"""What a certified plan costs, what no plan can cost, and whether a pool pays."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.plan.cost import costs, per_million_output_tokens
from placer.plan.mode import decode_modes, title
from placer.plan.plan import Plan, Status
from placer.scenario.scenario import Scenario

#: Costs that differ by less are equal: times are whole picoseconds to the search (docs/method.md).
EQUAL = 1e-6

Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Decision(StrEnum):
    """Whether a pool pays; each but ``undecided`` is proven."""

    PAYS = "pays"
    DOES_NOT_PAY = "does not pay"
    NO_PLAN = "no plan"
    UNDECIDED = "undecided"


class Side(BaseModel):
    """A certified answer in brief; costs are US dollars per request, or per million output tokens of decode alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Status = Field(description="planned, infeasible or undecided")
    usd: Cost | None = Field(description="what the verified plan costs; null without one")
    bound_usd: Cost | None = Field(description="no plan costs less; null where there is none, or nothing is proven")
    devices: dict[str, int] = Field(description="rented devices by pool")
    mode: str = Field(description="how the plan lies on the fleet, in the field's words")
    tokens_per_s_per_user: float | None = Field(description="speed reached")
    pool_share: dict[str, float] = Field(description="share of the rent by pool")
    found_at: float | None = Field(
        default=None,
        description="value of the figure for which the plan was found, where that is another: prices move no time, and "
        "a plan for a faster user serves a slower one",
    )
    question_key: str = Field(description="key of the question it answers, under which a store keeps the whole plan")

    @property
    def most(self) -> float:
        """The least cost is no more than this; inf where no plan is known."""
        return math.inf if self.usd is None else self.usd

    @property
    def least(self) -> float:
        """The least cost is no less than this; inf where there is no plan."""
        if self.status is Status.INFEASIBLE:
            return math.inf
        return self.bound_usd or 0.0

    @property
    def gap(self) -> float | None:
        """Relative gap of the plan to the bound."""
        return None if self.usd is None else max(0.0, 1.0 - self.least / self.usd)


def cost_unit(scenario: Scenario) -> str:
    """Return what costs of a scenario are for."""
    return "USD/request" if scenario.service is not None else "USD/M output tokens"


def as_floor(scenario: Scenario, cost: float) -> float:
    """Return a cost as a search takes it: per million output tokens, prompts included."""
    return per_million_output_tokens(scenario, cost) if math.isfinite(cost) else 0.0


def side_of(plan: Plan, key: str) -> Side:
    """Return a plan in brief.

    Parameters
    ----------
    plan
        Certified, or a refusal, or undecided.
    key
        Of its question.
    """
    usd, bound = costs(plan)
    rents = {pool: plan.scenario.fleet.usd_per_hour(pool) or 0.0 for pool in plan.devices}
    paid = {pool: number * rents[pool] for pool, number in plan.devices.items()}
    total = sum(paid.values())
    return Side(
        status=plan.status,
        usd=usd,
        bound_usd=bound,
        devices=dict(plan.devices),
        mode=_mode(plan),
        tokens_per_s_per_user=plan.metrics.tokens_per_s_per_user if plan.metrics else None,
        pool_share={pool: rent / total for pool, rent in paid.items()} if total else {},
        question_key=key,
    )


def _mode(plan: Plan) -> str:
    """Return how a plan lies on the fleet; of decode alone, where nothing is special its groups."""
    if plan.mode or plan.placement is None:
        return plan.mode
    ways = {layer.way for layer in plan.placement.layers}
    tiers = {layer.attention.tier for layer in plan.placement.layers}
    tiers |= {part.at.tier for layer in plan.placement.layers for part in layer.ffn}
    tiers |= {plan.placement.embedding.tier, plan.placement.lm_head.tier}
    return title(decode_modes(ways, tiers)) or ("one group", "two groups")[len(plan.groups) - 1]


def decide(with_pool: Side, without_pool: Side, saving: float) -> Decision:
    """Return whether a pool pays: whether the least cost is lower with it by more than a share ``saving``.

    With costs ``c`` of verified plans and bounds ``b`` that no plan beats, it pays if ``c_with < (1 - saving)
    b_without``, and does not if ``b_with >= (1 - saving) c_without``. Since every plan without the pool is a plan with
    it, ``c_with`` is at most ``c_without`` and ``b_without`` at least ``b_with``. Where nothing works without the
    pool, ``b_without`` is infinite.

    Examples
    --------
    >>> def side(usd, bound):
    ...     return Side.model_construct(status=Status.PLANNED, usd=usd, bound_usd=bound)
    >>> str(decide(side(0.8, 0.79), side(1.0, 0.99), 0.01)), str(decide(side(1.0, 0.995), side(1.0, 1.0), 0.01))
    ('pays', 'does not pay')
    """
    most_with = min(with_pool.most, without_pool.most)
    least_without = max(without_pool.least, with_pool.least)
    kept = 1.0 - saving
    if math.isinf(with_pool.least):
        return Decision.NO_PLAN
    if most_with < kept * least_without * (1.0 - EQUAL):
        return Decision.PAYS
    if math.isfinite(without_pool.most) and with_pool.least >= kept * without_pool.most * (1.0 - EQUAL):
        return Decision.DOES_NOT_PAY
    return Decision.UNDECIDED
