"""Attention and FFN blocks of a layer on one group (``docs/method.md``, section 3)."""

from __future__ import annotations

from dataclasses import dataclass

from placer.catalog.kernel import KernelFamily
from placer.graph.ffns.moe import MoeOps
from placer.graph.layer_class import LayerOps
from placer.graph.op import Op
from placer.verify.recompute.collectives import exchange_s, gather_best_s, reduce_hidden_s
from placer.verify.recompute.context_parallel import merge_s
from placer.verify.recompute.group import Group
from placer.verify.recompute.kernels import core_s, embedding_read_s, experts_s, gemm_s
from placer.verify.recompute.load import Microbatch, PartLoad


def attention_s(ops: LayerOps, family: KernelFamily, group: Group, batch: Microbatch) -> float:
    """Return projection, core and its merge, output, all-reduce, and the router where there is one."""
    router_s = gemm_s(ops.moe.router, group) if ops.moe else 0.0
    if not ops.has_mixer:
        return router_s
    return (
        gemm_s(ops.projection, group)
        + core_s(ops.core, family, group, batch)
        + merge_s(ops.core, group)
        + gemm_s(ops.output, group)
        + reduce_hidden_s(group, batch)
        + router_s
    )


def dense_s(dense: Op, group: Group, batch: Microbatch) -> float:
    """Return a dense FFN and its all-reduce; nothing where a layer has none."""
    if not dense.matrices:
        return 0.0
    return gemm_s(dense, group) + reduce_hidden_s(group, batch)


@dataclass(frozen=True)
class NearMoe:
    """An FFN near its experts [s].

    Attributes
    ----------
    experts_s
        Routed experts.
    other_s
        What else the devices do: shared experts before, the all-reduce after.
    there_s, back_s
        The exchange.
    """

    experts_s: float
    other_s: float
    there_s: float
    back_s: float

    @property
    def work_s(self) -> float:
        """How long the devices work."""
        return self.experts_s + self.other_s

    @property
    def exchange_s(self) -> float:
        """How long the fabric exchanges."""
        return self.there_s + self.back_s


def moe_s(moe: MoeOps, group: Group, load: PartLoad, batch: Microbatch) -> NearMoe:
    """Return an FFN near its experts."""
    there, back = exchange_s(group, load, batch, moe.width)
    other = shared_s(moe, group) + reduce_hidden_s(group, batch)
    return NearMoe(experts_s(moe.expert, group, load), other, there, back)


def shared_s(moe: MoeOps, group: Group) -> float:
    """Return the shared experts, or nothing where there are none."""
    return gemm_s(moe.shared, group) if moe.shared else 0.0


def embedding_s(op: Op, group: Group, batch: Microbatch) -> float:
    """Return the embedding and its all-reduce."""
    return embedding_read_s(op, group, batch) + reduce_hidden_s(group, batch)


def head_s(op: Op, group: Group) -> float:
    """Return the LM head and the gather of every rank's best token."""
    return gemm_s(op, group) + gather_best_s(group)
