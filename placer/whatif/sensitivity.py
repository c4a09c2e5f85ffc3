"""The answer of ``placer sensitivity``: what the price and the decision hang on."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from placer.whatif.knob import Unit
from placer.whatif.verdict import Decision, Side


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Point(_Model):
    """One changed value, and the certified answer there."""

    value: float = Field(description="value of the figure")
    side: Side = Field(description="best plan of the fleet")
    is_deduced: bool = Field(
        description="not solved: a figure the plan does not use got worse, so the plan and its bound stay"
    )
    decision: Decision | None = Field(description="whether the pool in question pays there; null where none is")
    relative_cost: float | None = Field(description="cost over that of the scenario as it stands; null without plan")
    changes: tuple[str, ...] = Field(description="what of the decision is another: pools, mode, whether a pool pays")
    is_change_proven: bool = Field(
        description="whether the decision provably changes: a pool that paid does not, or there is a plan no more"
    )
    is_significant: bool = Field(description="whether the cost moved by more than the gaps leave open")


class Turned(_Model):
    """One figure, turned down and up."""

    key: str = Field(description="name of the figure")
    title: str = Field(description="the figure in words")
    unit: Unit = Field(description="SI base unit of its values")
    present: float = Field(description="value in the scenario")
    figures: tuple[str, ...] = Field(description="figures of the catalog; none where it is one of the question")
    is_estimate: bool = Field(description="whether the present value is a guess")
    is_used: bool = Field(description="whether the plan uses what it is a figure of")
    low: Point | None = Field(description="turned down; null where it cannot be")
    high: Point | None = Field(description="turned up; null where it cannot be")
    elasticity: float | None = Field(
        description="d ln cost / d ln figure, a finite difference over all points with a plan; null without two"
    )
    elasticity_range: tuple[float, float] | None = Field(
        description="the same of the least costs is in this range for sure, by plans and bounds"
    )

    @property
    def points(self) -> tuple[Point, ...]:
        """The changed values."""
        return tuple(point for point in (self.low, self.high) if point is not None)

    @property
    def largest_effect(self) -> float:
        """Largest relative change of the cost; infinite where a change leaves no plan."""
        effects = (float("inf") if one.relative_cost is None else abs(one.relative_cost - 1.0) for one in self.points)
        return max(effects, default=0.0)


class SensitivityAnswer(_Model):
    """All figures of a scenario, those that the decision hangs on first."""

    model: str = Field(description="name of the model")
    fleet: str = Field(description="name of the fleet")
    pool: str | None = Field(description="pool whose worth is followed; null = none")
    saving: float = Field(description="the pool pays where it saves more than this share of the cost")
    cost_unit: str = Field(description="what costs are for")
    price_basis: str = Field(description="basis of all prices")
    change: float = Field(description="relative change, down and up")
    relative_gap: float = Field(description="gap at which searches were to stop")
    base: Side = Field(description="the scenario as it stands")
    base_decision: Decision | None = Field(description="whether the pool pays there; null where none is followed")
    turned: tuple[Turned, ...] = Field(description="figures, ranked")
    left_out: tuple[str, ...] = Field(description="figures that were not turned, for want of points")
