"""All claims that plans decide, in the order of the survey."""

from __future__ import annotations

from benchmarks.studies.claim import Claim
from benchmarks.studies.claims import capacity, divisions, economics, levers, speed, systems

_MODULES = (capacity, divisions, economics, levers, speed, systems)

CLAIMS: tuple[Claim, ...] = tuple(
    sorted(
        (claim for module in _MODULES for claim in module.CLAIMS), key=lambda claim: (claim.id[0], int(claim.id[1:]))
    )
)
