"""Lowering of a mixture of experts: router, one routed expert, and the shared experts together."""

from __future__ import annotations

from dataclasses import dataclass

from placer.graph.ffns.dense import feed_forward
from placer.graph.op import Matrix, Op, OpKind, ParameterKind, Vector, matrix_flops
from placer.model.ffn import MoeFfn
from placer.model.precision import Precision


@dataclass(frozen=True)
class MoeOps:
    """The ops of one mixture of experts; all routed experts of a layer are equal."""

    router: Op
    expert: Op
    shared: Op | None
    num_experts: int
    top_k: int


def lower(ffn: MoeFfn, hidden_size: int, precision: Precision) -> MoeOps:
    """Return the block's ops, the norm before it folded into the router."""
    gate = (Matrix(ffn.num_experts, hidden_size, precision.router, ParameterKind.ROUTER),)
    vectors = [Vector(hidden_size, ParameterKind.NORM)]
    if ffn.router_bias:
        vectors.append(Vector(ffn.num_experts, ParameterKind.ROUTER))
    if ffn.correction_bias:
        vectors.append(Vector(ffn.num_experts, ParameterKind.ROUTER, element_bytes=4, is_parameter=False))
    router = Op(OpKind.ROUTER, gate, tuple(vectors), flops_per_token=matrix_flops(gate))
    expert = feed_forward(
        OpKind.EXPERT,
        (hidden_size, ffn.intermediate_size),
        (precision.experts, ParameterKind.ROUTED_EXPERTS),
        is_gated=ffn.gated,
        has_bias=ffn.expert_bias,
    )
    shared = None
    if ffn.shared_intermediate_size:
        shared = feed_forward(
            OpKind.SHARED_EXPERT,
            (hidden_size, ffn.shared_intermediate_size),
            (precision.shared_experts, ParameterKind.SHARED_EXPERTS),
            is_gated=ffn.gated,
        )
    return MoeOps(router, expert, shared, ffn.num_experts, ffn.top_k)
