"""Collectives inside a group (``docs/method.md``, section 3)."""

from __future__ import annotations

from placer.cost.collective import all_gather_s, all_reduce_s, all_to_all_s
from placer.verify.recompute.group import Group
from placer.verify.recompute.load import Microbatch, PartLoad


def reduce_hidden_s(group: Group, batch: Microbatch) -> float:
    """Return the all-reduce of a rank's hidden states, ``2 H r`` bytes over ``t``."""
    if group.shape.tp == 1:
        return 0.0
    return float(all_reduce_s(group.inner, group.shape.tp, float(batch.hidden_bytes * group.rank_tokens)))


def gather_hidden_s(group: Group, batch: Microbatch) -> float:
    """Return the all-gather of a rank's hidden states after a hop, ``2 H r`` bytes over ``t``."""
    return _gather_s(group, float(batch.hidden_bytes * group.rank_tokens))


def gather_best_s(group: Group) -> float:
    """Return the all-gather of every rank's best token, value and id: ``8 t r`` bytes."""
    return _gather_s(group, 8.0 * group.shape.tp * group.rank_tokens)


def _gather_s(group: Group, gathered_bytes: float) -> float:
    if group.shape.tp == 1:
        return 0.0
    return float(all_gather_s(group.inner, group.shape.tp, gathered_bytes))


def exchange_s(group: Group, load: PartLoad, batch: Microbatch, token_width: int) -> tuple[float, float]:
    """Return the all-to-alls to the experts and back: ``(r/t) c H`` elements, dispatch format and BF16."""
    width = group.shape.width
    if width == 1:
        return 0.0, 0.0
    copies = load.copies(group.shape.expert_tp, group.expert_ranks)
    elements = group.device_tokens * copies * token_width
    there, back = (
        float(all_to_all_s(group.inner, group.out, (width, group.pool.domain), elements * element_bytes))
        for element_bytes in (batch.dispatch_bytes, 2.0)
    )
    return there, back
