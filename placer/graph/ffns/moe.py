"""Lowering of a mixture of experts: router, one routed expert, and the shared experts together."""

from __future__ import annotations

from dataclasses import dataclass

from placer.graph.ffns.dense import feed_forward
from placer.graph.op import Matrix, Op, OpKind, ParameterKind, Vector, matrix_flops
from placer.graph.residual import norm, norms_after, stream_mixing
from placer.model.ffn import MoeFfn
from placer.model.precision import WeightFormat
from placer.model.spec import ModelSpec


@dataclass(frozen=True)
class MoeOps:
    """The ops of one mixture of experts; all routed experts of a layer are equal.

    ``width`` is how many elements of a token travel to an expert and back.
    """

    router: Op
    expert: Op
    shared: Op | None
    num_experts: int
    top_k: int
    width: int


def lower(ffn: MoeFfn, spec: ModelSpec) -> MoeOps:
    """Return the block's ops, the norm before it folded into the router."""
    width = ffn.latent_size or spec.hidden_size
    expert = feed_forward(
        OpKind.EXPERT,
        (width, ffn.intermediate_size),
        (spec.precision.experts, ParameterKind.ROUTED_EXPERTS),
        is_gated=ffn.gated,
        has_bias=ffn.expert_bias,
    )
    return MoeOps(_router(ffn, spec), expert, _beside(ffn, spec), ffn.num_experts, ffn.top_k, width)


def _router(ffn: MoeFfn, spec: ModelSpec) -> Op:
    """Return the router, with what every token passes on its way to the experts and back."""
    hidden_size, router = spec.hidden_size, ParameterKind.ROUTER
    mixing, mixing_vectors = stream_mixing(spec)
    matrices = [Matrix(ffn.num_experts, hidden_size, spec.precision.router, router), *mixing]
    vectors = [norm(spec), *norms_after(spec, has_post_norm=ffn.post_norm), *mixing_vectors]
    if ffn.latent_size is not None:
        stored = spec.precision.shared_experts
        matrices += [
            Matrix(ffn.latent_size, hidden_size, stored, ParameterKind.OTHER),
            Matrix(hidden_size, ffn.latent_size, stored, ParameterKind.OTHER),
        ]
    if ffn.router_bias:
        vectors.append(Vector(ffn.num_experts, router))
    if ffn.router_scales:
        vectors.append(Vector(hidden_size + ffn.num_experts, router))
    if ffn.correction_bias:
        vectors.append(Vector(ffn.num_experts, router, element_bytes=4, is_parameter=False))
    if ffn.hash_entries:
        vectors.append(Vector(ffn.hash_entries, router, element_bytes=8, is_parameter=False))
    return Op(OpKind.ROUTER, tuple(matrices), tuple(vectors), flops_per_token=matrix_flops(tuple(matrices)))


def _beside(ffn: MoeFfn, spec: ModelSpec) -> Op | None:
    """Return what every token passes beside its experts: shared experts, or a dense FFN with norms of its own."""
    if ffn.dense_intermediate_size:
        return feed_forward(
            OpKind.SHARED_EXPERT,
            (spec.hidden_size, ffn.dense_intermediate_size),
            (spec.precision.dense_ffn, ParameterKind.DENSE_FFN),
            is_gated=ffn.gated,
            extra=tuple(norm(spec) for _ in range(3)),
        )
    if not ffn.shared_intermediate_size:
        return None
    gate = Matrix(1, spec.hidden_size, WeightFormat.BF16, ParameterKind.SHARED_EXPERTS)
    return feed_forward(
        OpKind.SHARED_EXPERT,
        (spec.hidden_size, ffn.shared_intermediate_size),
        (spec.precision.shared_experts, ParameterKind.SHARED_EXPERTS),
        is_gated=ffn.gated,
        extra=(gate,) if ffn.shared_gate else (),
    )
