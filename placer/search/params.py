"""How hard to search."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SolveParams:
    """Limits and seed of a search.

    Attributes
    ----------
    relative_gap
        Stop once the bound is this close to the best plan; 0 asks for proof.
    budget_s
        Wall seconds after which the best plan so far is returned with the bound reached.
    seed
        Passed to CP-SAT.
    node_limit
        Nodes of the branch-and-bound evaluated at once; more is faster and needs more memory.
    floor
        No plan costs less, as is known beforehand [USD per million output tokens, prompts included]: of the bound of a
        slower target, say. A search stops at a plan near it.
    with_alternatives
        Whether to plan without each pool as well.
    with_reason
        Whether to look for the reason where there is no plan, and for the nearest limits that would allow one.
    """

    relative_gap: float = 0.005
    budget_s: float = 60.0
    seed: int = 0
    node_limit: int = 2_048
    floor: float = 0.0
    with_alternatives: bool = True
    with_reason: bool = True
