"""Where a figure lies by the proofs, and what that settles."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict, Field


class Interval(BaseModel):
    """A figure between two others, each as far as it is proven; the upper one may be infinite."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float = Field(ge=0.0)
    high: float = Field(ge=0.0)

    def over(self, other: Interval) -> Interval:
        """Return where the ratio of two figures lies; nothing is known of infinite ones over each other.

        >>> Interval(low=2, high=3).over(Interval(low=1, high=2))
        Interval(low=1.0, high=3.0)
        """
        return Interval(low=_ratio(self.low, other.high, 0.0), high=_ratio(self.high, other.low, math.inf))

    def exceeds(self, threshold: float) -> bool | None:
        """Return whether the figure is above a threshold: None where the interval does not tell.

        >>> Interval(low=2, high=3).exceeds(1), Interval(low=2, high=3).exceeds(4), Interval(low=2, high=3).exceeds(2.5)
        (True, False, None)
        """
        if self.low > threshold:
            return True
        return False if self.high <= threshold else None

    def below(self, threshold: float) -> bool | None:
        """Return whether the figure is below a threshold: None where the interval does not tell."""
        if self.high < threshold:
            return True
        return False if self.low >= threshold else None

    def lies_in(self, low: float, high: float) -> bool | None:
        """Return whether the figure is within two others, them included; None where the interval does not tell."""
        if low <= self.low and self.high <= high:
            return True
        return False if self.high < low or self.low > high else None


def _ratio(over: float, under: float, unknown: float) -> float:
    if math.isinf(over):
        return unknown if math.isinf(under) else math.inf
    if math.isinf(under):
        return 0.0
    return over / under if under else (unknown if not over else math.inf)
