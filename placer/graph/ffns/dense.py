"""Lowering of a dense feed-forward block; also the shape of a shared expert and of one routed expert."""

from __future__ import annotations

from placer.graph.op import Matrix, Op, OpKind, ParameterKind, Vector, matrix_flops
from placer.graph.residual import norm, norms_after, stream_mixing
from placer.model.ffn import DenseFfn
from placer.model.precision import WeightFormat
from placer.model.spec import ModelSpec


def lower(ffn: DenseFfn, spec: ModelSpec) -> Op:
    """Return the block, the norm before it folded in."""
    mixing, mixing_vectors = stream_mixing(spec)
    return feed_forward(
        OpKind.DENSE_FFN,
        (spec.hidden_size, ffn.intermediate_size),
        (spec.precision.dense_ffn, ParameterKind.DENSE_FFN),
        is_gated=ffn.gated,
        has_bias=ffn.bias,
        extra=(norm(spec), *norms_after(spec, has_post_norm=ffn.post_norm), *mixing_vectors, *mixing),
    )


def feed_forward(
    kind: OpKind,
    shape: tuple[int, int],
    storage: tuple[WeightFormat, ParameterKind],
    *,
    is_gated: bool,
    has_bias: bool = False,
    extra: tuple[Matrix | Vector, ...] = (),
) -> Op:
    """Return up (and gate) and down projection as one op.

    Parameters
    ----------
    kind
        Dense FFN, expert or shared expert.
    shape
        Hidden and intermediate size.
    storage
        Format of the matrices and the book their parameters are counted in.
    is_gated, has_bias
        Whether there is a gate matrix; whether every matrix has a bias.
    extra
        Norms and gates folded in.
    """
    hidden_size, intermediate_size = shape
    weight_format, parameter_kind = storage
    up = (2 if is_gated else 1) * intermediate_size
    matrices = (
        Matrix(up, hidden_size, weight_format, parameter_kind, intermediate_size, tensors=2 if is_gated else 1),
        Matrix(hidden_size, intermediate_size, weight_format, parameter_kind, intermediate_size, cuts_inputs=True),
        *(part for part in extra if isinstance(part, Matrix)),
    )
    biases = (Vector(up + hidden_size, parameter_kind),) if has_bias else ()
    return Op(
        kind,
        matrices,
        tuple(part for part in extra if isinstance(part, Vector)) + biases,
        flops_per_token=matrix_flops(matrices),
        kernels=2,
        intermediate_width=up,
    )
