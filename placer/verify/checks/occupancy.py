"""Check `occupancy`: how long the busiest stage of every group works and exchanges."""

from __future__ import annotations

from collections.abc import Iterator

from placer.verify.checks import links, timing
from placer.verify.checks.busy import busy_findings
from placer.verify.context import Context
from placer.verify.finding import Finding

NAME = "occupancy"
WHAT = "devices and fabric of the busiest stage of every group work as long as the plan says"


def check_occupancy(context: Context) -> Iterator[Finding]:
    """Yield groups that work or exchange for another time than the plan says; path and ports are left to others."""
    return busy_findings(context, NAME, lambda resource: resource != timing.PATH and not links.is_port(resource))
