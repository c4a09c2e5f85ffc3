"""Lowering of a dense feed-forward block; also the shape of a shared expert and of one routed expert."""

from __future__ import annotations

from placer.graph.op import Matrix, Op, OpKind, ParameterKind, Vector, matrix_flops
from placer.model.ffn import DenseFfn
from placer.model.precision import Precision, WeightFormat


def lower(ffn: DenseFfn, hidden_size: int, precision: Precision) -> Op:
    """Return the block, the norm before it folded in."""
    return feed_forward(
        OpKind.DENSE_FFN,
        (hidden_size, ffn.intermediate_size),
        (precision.dense_ffn, ParameterKind.DENSE_FFN),
        is_gated=ffn.gated,
        has_bias=ffn.bias,
        extra=(Vector(hidden_size, ParameterKind.NORM),),
    )


def feed_forward(
    kind: OpKind,
    shape: tuple[int, int],
    storage: tuple[WeightFormat, ParameterKind],
    *,
    is_gated: bool,
    has_bias: bool = False,
    extra: tuple[Vector, ...] = (),
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
        Norms folded in.
    """
    hidden_size, intermediate_size = shape
    weight_format, parameter_kind = storage
    up = (2 if is_gated else 1) * intermediate_size
    matrices = (
        Matrix(up, hidden_size, weight_format, parameter_kind, intermediate_size),
        Matrix(hidden_size, intermediate_size, weight_format, parameter_kind, intermediate_size),
    )
    biases = (Vector(up + hidden_size, parameter_kind),) if has_bias else ()
    return Op(
        kind,
        matrices,
        extra + biases,
        flops_per_token=matrix_flops(matrices),
        kernels=2,
        intermediate_width=up,
    )
