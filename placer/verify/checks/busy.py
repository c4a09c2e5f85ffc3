"""Comparing entries of a plan's occupancy with those derived anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from placer.verify.compare import Figure, Tolerance, mismatch
from placer.verify.context import Context
from placer.verify.finding import Finding

_PICOSECOND = 1e-12


def busy_findings(context: Context, check: str, concerns: Callable[[str], bool]) -> Iterator[Finding]:
    """Yield what is wrong with the resources a check concerns itself with: each must be there, once, and right.

    Parameters
    ----------
    context
        The plan.
    check
        Name of the check.
    concerns
        Says whether a resource, such as ``sidecar out``, is the check's.
    """
    # Every layer's share may have been rounded up by a picosecond.
    visits = context.batch.microbatches_in_flight * (2 * len(context.placement.layers) + 4)
    tolerance = Tolerance(below=1e-6, above=1e-6, absolute=_PICOSECOND * visits)
    derived = {"path": context.flow.path_s, **context.occupancy_s}
    exact = {name: busy for name, busy in derived.items() if concerns(name)}
    stated = [entry.resource for entry in context.plan.occupancy if concerns(entry.resource)]
    if sorted(stated) != sorted(exact):
        yield Finding(
            check=check,
            where="occupancy",
            message="not every resource once",
            expected=", ".join(sorted(exact)),
            found=", ".join(sorted(stated)),
        )
    for entry in context.plan.occupancy:
        if entry.resource in exact:
            figure = Figure(f"occupancy[{entry.resource}]", entry.busy_s, exact[entry.resource], "s")
            yield from mismatch(check, figure, tolerance)
