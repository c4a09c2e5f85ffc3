"""Experts of a layer to the ranks of a group, as the planner deals them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from placer.cost.expert_load import touched_probability
from placer.graph.ffns.moe import MoeOps
from placer.plan.placement import Role
from placer.search.expert_layout import balanced_experts, copied_experts
from placer.verify.context import Context
from placer.verify.recompute.kernels import experts_s
from placer.verify.recompute.load import part_load

Ranks = tuple[tuple[int, ...], ...]


def dealt(context: Context, layer: int, role: Role, ids: NDArray[np.int64]) -> Ranks:
    """Return experts by rank: balanced by tokens served or by experts touched, whichever takes less time.

    Parameters
    ----------
    context
        Groups, batch, and routing by layer.
    layer, role
        The layer, and the group that is to hold the experts.
    ids : ndarray, shape (n,)
        The experts.
    """
    moe, selection = context.model.layer_ops[layer].moe, context.selections[layer]
    assert isinstance(moe, MoeOps)
    group, sequences = context.groups[role], context.replica.batch.sequences
    touched = touched_probability(selection[ids], np.array([float(sequences)]))[0]
    deals = [balanced_experts(weight, group.expert_ranks) for weight in (selection[ids], touched)]
    slots = group.slots(len(ids))
    if context.is_uneven and slots * group.expert_ranks > len(ids):
        deals.append(copied_experts(selection[ids], group.expert_ranks, slots))
    numbered = [_numbered(deal, ids) for deal in deals]
    return min(numbered, key=lambda ranks: experts_s(moe.expert, group, part_load(selection, ranks, sequences)))


def _numbered(ranks: Ranks, ids: NDArray[np.int64]) -> Ranks:
    return tuple(tuple(sorted(int(ids[member]) for member in members)) for members in ranks)
