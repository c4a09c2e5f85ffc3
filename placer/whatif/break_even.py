"""The answer of ``placer breakeven``: where a pool starts or stops to pay."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from placer.whatif.knob import Unit
from placer.whatif.verdict import Decision, Side


class Outcome(StrEnum):
    """What was found along a figure."""

    BRACKETED = "bracketed"
    ALWAYS = "pays at every value tried"
    NEVER = "pays at no value tried"
    NO_PLAN = "no plan at any value tried"
    UNDECIDED = "undecided"
    NOTHING_TO_TURN = "nothing to turn"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Probe(_Model):
    """One value of a figure, with the certified answers of the fleet with and without the pool."""

    value: float = Field(description="value of the figure")
    decision: Decision = Field(description="whether the pool pays there")
    with_pool: Side = Field(description="best plan of the whole fleet")
    without_pool: Side = Field(description="best plan without the pool")


class Flip(_Model):
    """Two values between which the answer changes, each with its proof."""

    low: Probe = Field(description="highest value found with the answer below")
    high: Probe = Field(description="lowest value found with the answer above")
    undecided: tuple[float, ...] = Field(description="values between them where the gaps leave the answer open")
    is_precise: bool = Field(description="whether the two are as close as was asked")
    relative_width: float = Field(description="high / low - 1")


class BreakEven(_Model):
    """What was found along one figure."""

    key: str = Field(description="name of the figure")
    title: str = Field(description="the figure in words")
    unit: Unit = Field(description="SI base unit of its values")
    present: float | None = Field(description="value in the scenario; null where it has none")
    is_estimate: bool = Field(description="whether that value is a guess")
    is_threshold: bool = Field(
        description="whether there is one threshold for sure: it pays below and not above, or the other way around"
    )
    outcome: Outcome = Field(description="what was found")
    flips: tuple[Flip, ...] = Field(description="where the answer changes, by rising value")
    probes: tuple[Probe, ...] = Field(description="everything solved, by rising value")
    text: str = Field(description="the answer in words")


class BreakEvenAnswer(_Model):
    """Everything asked about one pool."""

    model: str = Field(description="name of the model")
    fleet: str = Field(description="name of the fleet")
    pool: str = Field(description="the pool in question")
    saving: float = Field(description="it pays where it saves more than this share of the cost")
    cost_unit: str = Field(description="what costs are for")
    price_basis: str = Field(description="basis of all prices")
    precision: float = Field(description="relative width asked of a bracket")
    relative_gap: float = Field(description="gap at which searches were to stop")
    estimates: tuple[str, ...] = Field(description="guessed figures behind all of it")
    figures: tuple[BreakEven, ...] = Field(description="by figure")
