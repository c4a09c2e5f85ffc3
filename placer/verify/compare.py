"""Comparing a plan's figures with those derived anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from placer.verify.finding import Finding


@dataclass(frozen=True)
class Tolerance:
    """How far a figure may lie from the exact one: relative below and above, and absolute."""

    below: float
    above: float
    absolute: float = 0.0

    def allows(self, found: float, exact: float) -> bool:
        """Return whether a figure is close enough; NaN never is."""
        size = abs(exact)
        return exact - size * self.below - self.absolute <= found <= exact + size * self.above + self.absolute


#: The search rounds times up to picoseconds; only float noise may make one shorter.
STEP_TIME = Tolerance(below=1e-9, above=1e-6)
#: Figures derived from times carry the same rounding in either direction.
DERIVED = Tolerance(below=1e-6, above=1e-6)
#: Sums of catalog figures.
EXACT = Tolerance(below=1e-9, above=1e-9)


@dataclass(frozen=True)
class Figure:
    """A figure of a plan."""

    where: str
    found: float
    exact: float
    unit: str


def mismatch(check: str, figure: Figure, tolerance: Tolerance) -> Iterator[Finding]:
    """Yield a finding if a figure is not what is derived anew."""
    if not tolerance.allows(figure.found, figure.exact):
        yield Finding(
            check=check,
            where=figure.where,
            message="differs from what the placement gives",
            expected=f"{figure.exact!r} {figure.unit}".rstrip(),
            found=f"{figure.found!r} {figure.unit}".rstrip(),
        )
