"""Check `occupancy`: how long the busiest stage of every group works."""

from __future__ import annotations

from collections.abc import Iterator

from placer.plan.placement import Role
from placer.verify.checks.busy import busy_findings
from placer.verify.context import Context
from placer.verify.finding import Finding

NAME = "occupancy"
WHAT = "devices and fabric of the busiest stage of every group work as long as the plan says"


def check_occupancy(context: Context) -> Iterator[Finding]:
    """Yield groups that work for another time than the plan says."""
    return busy_findings(context, NAME, lambda resource: resource.removesuffix(" fabric") in set(Role))
