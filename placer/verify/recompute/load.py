"""What a microbatch asks of a group: tokens, contexts, and how they spread over experts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Microbatch:
    """The quantities every formula needs.

    Attributes
    ----------
    sequences, in_flight
        ``b`` and ``m``.
    hidden_size
        ``H``.
    dispatch_bytes
        Bytes of an element on its way to an expert.
    time_context, capacity_context
        ``S_time`` and ``S_cap``, drafted tokens included in the second.
    width
        Tokens of every sequence that pass together: one, and those drafted.
    """

    sequences: int
    in_flight: int
    hidden_size: int
    dispatch_bytes: int
    time_context: int
    capacity_context: int
    width: int = 1

    @property
    def tokens(self) -> int:
        """Tokens of a microbatch that pass together."""
        return self.sequences * self.width

    @property
    def hidden_bytes(self) -> int:
        """Bytes of one hidden state, ``2 H``."""
        return 2 * self.hidden_size


@dataclass(frozen=True)
class PartLoad:
    """Load of the experts of one layer that lie on one group.

    Attributes
    ----------
    touched
        Experts the busiest rank reads.
    tokens
        Tokens the busiest rank serves.
    num_experts, selected
        ``n``, and how many of a token's experts lie here, ``kappa``.
    """

    touched: float
    tokens: float
    num_experts: int
    selected: float

    def copies(self, expert_tp: int, expert_ranks: int) -> float:
        """Return how many copies of a token go to the part: ``u e (1 - (1 - kappa/n)^(n/e))``, ``e`` at most ``n``."""
        expert_ranks = min(expert_ranks, self.num_experts)
        missed = (1.0 - self.selected / self.num_experts) ** (self.num_experts / expert_ranks)
        return float(expert_tp * expert_ranks * (1.0 - missed))


def part_load(selection: NDArray[np.float64], experts_by_rank: Sequence[Sequence[int]], sequences: int) -> PartLoad:
    """Return the load of a part; copies of an expert serve equal parts of its tokens, each picked at random.

    Parameters
    ----------
    selection : ndarray, shape (num_experts,)
        Chance that a token selects each expert of the layer.
    experts_by_rank
        Expert ids held by each rank.
    sequences
        Tokens of a microbatch that pass together.
    """
    ids = sorted({expert for rank in experts_by_rank for expert in rank})
    share = copy_shares(selection, experts_by_rank)
    touched = 1.0 - (1.0 - share) ** sequences
    any_touched = 1.0 - math.prod((1.0 - float(selection[expert])) ** sequences for expert in ids)
    most_touched = max((float(touched[list(rank)].sum()) for rank in experts_by_rank if rank), default=0.0)
    most_tokens = max((float(share[list(rank)].sum()) for rank in experts_by_rank if rank), default=0.0)
    return PartLoad(
        touched=max(most_touched, any_touched),
        tokens=max(most_tokens * sequences, any_touched),
        num_experts=len(ids),
        selected=float(selection[ids].sum()),
    )


def copy_shares(selection: NDArray[np.float64], experts_by_rank: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """Return the chance that a token goes to a given copy of each expert, equal for all copies; shape as given."""
    copies = Counter(expert for rank in experts_by_rank for expert in rank)
    return np.array([chance / max(1, copies[expert]) for expert, chance in enumerate(selection.tolist())])
