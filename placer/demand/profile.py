"""How many requests arrive in every hour of a day or a week."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

#: Hours of a day and of a week: a profile is one of them, and repeats itself.
PERIODS = (24, 168)

Rate = Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)]


class Profile(BaseModel):
    """Mean arrivals of every hour of a day or a week that repeats itself.

    Inside an hour requests arrive at random (a Poisson process) if ``peakedness`` is 1, else in bursts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(default="", max_length=200, description="what reports call it")
    source: str = Field(default="", max_length=1000, description="where the figures are from")
    requests_per_s: tuple[Rate, ...] = Field(description="mean arrivals of every hour [1/s]; 24 or 168 of them")
    peakedness: Annotated[float, Field(ge=1, le=1000, allow_inf_nan=False)] = Field(
        default=1.0, description="variance over mean of the requests in service; 1 for Poisson arrivals"
    )

    @field_validator("requests_per_s", mode="after")
    @classmethod
    def _is_a_period(cls, rates: tuple[float, ...]) -> tuple[float, ...]:
        if len(rates) not in PERIODS:
            nearest = min(PERIODS, key=lambda period: abs(period - len(rates)))
            raise ValueError(f"expected 24 hours (a day) or 168 (a week), got {len(rates)}; the nearest is {nearest}")
        if not any(rates):
            raise ValueError("expected requests in at least one hour, got none")
        return rates

    @property
    def num_hours(self) -> int:
        """Hours until it repeats itself."""
        return len(self.requests_per_s)

    @property
    def num_requests(self) -> float:
        """Requests until it repeats itself."""
        return 3600.0 * sum(self.requests_per_s)

    def scaled(self, factor: float) -> Profile:
        """Return the same hours with ``factor`` times the requests."""
        return self.model_copy(update={"requests_per_s": tuple(rate * factor for rate in self.requests_per_s)})
