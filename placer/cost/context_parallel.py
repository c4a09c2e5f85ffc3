"""Decode context parallelism: the tokens of a sequence cut over tensor-parallel ranks that would keep copies.

Where latents, or the KV heads of more ranks than there are heads, would be copied, each of ``cp`` ranks keeps and reads
a ``cp``-th of the tokens instead. It attends to them with the queries of all ``cp`` ranks, so queries are gathered
before. Its partial outputs are weighed by the log of their sum of exponentials and summed by the rank the heads belong
to, after one all-to-all of both (Helix parallelism, arXiv 2507.07120; ``--decode-context-parallel-size`` of vLLM,
``--dcp-size`` of SGLang).
"""

from __future__ import annotations

import numpy as np

from placer.catalog.kernel import KernelFamily
from placer.cost.collective import all_gather_s, all_to_all_s
from placer.cost.group import Array, Group
from placer.cost.op_time import Work, kernel_time_s
from placer.cost.shard import held_format
from placer.graph.op import Op

#: Queries and partial outputs travel in BF16, the logs of sums of exponentials in FP32.
ELEMENT_BYTES, LOG_SUM_BYTES = 2, 4


def _is_cut(group: Group, op: Op) -> bool:
    return group.shape.cp > 1 and op.splits_context


def query_bytes(group: Group, op: Op) -> float:
    """Return the queries of one token, those of all context-parallel ranks together [B]."""
    return ELEMENT_BYTES * op.query_width * (group.shape.cp / group.shape.tp)


def partial_bytes(group: Group, op: Op) -> float:
    """Return a rank's partial outputs for one token, of the heads of all context-parallel ranks [B]."""
    every_head = ELEMENT_BYTES * op.intermediate_width + LOG_SUM_BYTES * op.num_heads
    return every_head * (group.shape.cp / group.shape.tp)


def merge_s(group: Group, op: Op, tokens: Array) -> Array:
    """Return the time to gather queries, exchange partial outputs and sum them; nothing where no sequence is cut.

    Parameters
    ----------
    group, op
        Devices, and an attention core.
    tokens : ndarray, shape (num_sizes,)
        Tokens of the data-parallel rank.
    """
    if not _is_cut(group, op):
        return np.zeros_like(tokens)
    cp, partial = group.shape.cp, tokens * partial_bytes(group, op)
    gather = all_gather_s(group.link, cp, tokens * query_bytes(group, op))
    exchange = all_to_all_s(group.link, group.scale_out, (cp, group.domain), partial)
    total = kernel_time_s(
        group.device.kernel(KernelFamily.GEMM),
        Work(partial, np.zeros_like(tokens)),
        bandwidth_bytes_per_s=group.device.compute_tier.bandwidth,
        peak_flops_per_s=group.device.peak[held_format(op, group.device)[1]],
    )
    return gather + exchange + total


def buffer_bytes(group: Group, op: Op) -> float:
    """Return the room one token takes for gathered queries and for partial outputs, made and received [B]."""
    return query_bytes(group, op) + 2.0 * partial_bytes(group, op) if _is_cut(group, op) else 0.0
