"""Check `links`: how long the ports between the groups are busy, direction by direction."""

from __future__ import annotations

from collections.abc import Iterator

from placer.verify.checks.busy import busy_findings
from placer.verify.context import Context
from placer.verify.finding import Finding

NAME = "links"
WHAT = "every port is busy as long as the plan says, direction by direction (half-duplex: both in each)"


def check_links(context: Context) -> Iterator[Finding]:
    """Yield ports that are busy for another time than the plan says."""
    return busy_findings(context, NAME, is_port)


def is_port(resource: str) -> bool:
    """Return whether a resource is a port in one direction, such as ``sidecar out``."""
    return resource.endswith((" out", " in"))
