"""Lowering of mixers that keep a state instead of a cache: Mamba, Mamba-2, gated delta net.

A token reads and writes the whole state of its sequence. FLOPs of a recurrence are counted per element of the state:
decay, outer product and sum (3), and a multiply-add to read it (2); the delta rule reads it twice.
"""

from __future__ import annotations

from placer.graph.op import Matrix, Op, OpKind, ParameterKind, Vector, matrix_flops
from placer.graph.residual import norm
from placer.model.mixer import GatedDeltaNet, Mamba, Mamba2
from placer.model.spec import ModelSpec

_SSM = ParameterKind.SSM
#: States are kept in FP32, as serving engines do for accuracy; the convolution's last inputs in BF16.
STATE_BYTES, CONV_BYTES = 4, 2
RECURRENCE_FLOPS, DELTA_FLOPS = 5, 7


def lower_mamba(mixer: Mamba, spec: ModelSpec) -> tuple[Op, Op, Op]:
    """Return projection, core and output of a Mamba block."""
    inner, state, rank = mixer.inner_size, mixer.state_size, mixer.dt_rank
    stored = spec.precision.ssm
    matrices = (
        Matrix(2 * inner, spec.hidden_size, stored, _SSM, inner),
        Matrix(rank + 2 * state, inner, stored, _SSM, inner),
        Matrix(inner, rank, stored, _SSM, inner),
    )
    small = inner * mixer.conv_kernel + (inner if mixer.conv_bias else 0) + inner
    small += 2 * inner if mixer.projection_bias else 0
    small += rank + 2 * state if mixer.inner_norms else 0
    return _ops(
        spec,
        (matrices, small, inner * state + inner),
        (inner * state, inner, mixer.conv_kernel, RECURRENCE_FLOPS),
        (inner, mixer.projection_bias, 0),
        mixer.num_heads,
    )


def lower_mamba2(mixer: Mamba2, spec: ModelSpec) -> tuple[Op, Op, Op]:
    """Return projection, core and output of a Mamba-2 block."""
    inner, channels, heads = mixer.inner_size, mixer.conv_channels, mixer.num_heads
    projected = inner + channels + heads
    matrices = (Matrix(projected, spec.hidden_size, spec.precision.ssm, _SSM, heads),)
    small = channels * mixer.conv_kernel + (channels if mixer.conv_bias else 0)
    small += projected if mixer.projection_bias else 0
    return _ops(
        spec,
        (matrices, small, 3 * heads),
        (inner * mixer.state_size, channels, mixer.conv_kernel, RECURRENCE_FLOPS),
        (inner, mixer.projection_bias, inner),
        heads,
    )


def lower_delta(mixer: GatedDeltaNet, spec: ModelSpec) -> tuple[Op, Op, Op]:
    """Return projection (q, k, v, output gate; beta and decay), core and output of a gated delta net."""
    value_width, channels, heads = mixer.num_value_heads * mixer.value_head_dim, mixer.conv_channels, mixer.num_heads
    stored = spec.precision.ssm
    matrices = (
        Matrix(channels + value_width, spec.hidden_size, stored, _SSM, heads),
        Matrix(2 * mixer.num_value_heads, spec.hidden_size, stored, _SSM, heads),
    )
    state = mixer.num_value_heads * mixer.key_head_dim * mixer.value_head_dim
    return _ops(
        spec,
        (matrices, channels * mixer.conv_kernel, 2 * mixer.num_value_heads),
        (state, channels, mixer.conv_kernel, DELTA_FLOPS),
        (value_width, False, mixer.value_head_dim),
        heads,
    )


def _ops(
    spec: ModelSpec,
    weights: tuple[tuple[Matrix, ...], int, int],
    state: tuple[int, int, int, int],
    out: tuple[int, bool, int],
    heads: int,
) -> tuple[Op, Op, Op]:
    """Return the three ops.

    ``weights`` are matrices, small parameters of projection and convolution, and parameters of the recurrence;
    ``state`` its elements, the convolution's channels and kernel, FLOPs per element; ``out`` the output's width in,
    whether it has a bias, and the parameters of the norm before it.
    """
    matrices, small, of_recurrence = weights
    elements, channels, kernel, flops = state
    width, has_bias, gated_norm = out
    conv = 2 * channels * kernel
    projection = Op(
        OpKind.SSM_PROJECTION,
        matrices,
        (norm(spec), Vector(small, _SSM)),
        flops_per_token=matrix_flops(matrices) + conv,
        kernels=2,
        intermediate_width=matrices[0].rows,
    )
    core = Op(
        OpKind.SSM_CORE,
        vectors=(Vector(of_recurrence, _SSM),),
        flops_per_token=flops * elements,
        state_bytes=elements * STATE_BYTES + channels * (kernel - 1) * CONV_BYTES,
        kv_max_shards=heads,
        intermediate_width=width,
    )
    matrix = (Matrix(spec.hidden_size, width, spec.precision.ssm, _SSM, heads, cuts_inputs=True),)
    extra = gated_norm + (spec.hidden_size if has_bias else 0)
    output = Op(
        OpKind.SSM_OUTPUT,
        matrix,
        (Vector(extra, _SSM),) if extra else (),
        flops_per_token=matrix_flops(matrix),
        intermediate_width=spec.hidden_size,
    )
    return projection, core, output
