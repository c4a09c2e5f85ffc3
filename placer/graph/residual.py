"""What every block has besides its own matrices: norms, and the mixing of residual streams."""

from __future__ import annotations

from placer.graph.op import Matrix, ParameterKind, Vector
from placer.model.precision import WeightFormat
from placer.model.spec import ModelSpec


def norm(spec: ModelSpec) -> Vector:
    """Return the norm of a hidden state."""
    return Vector(spec.norm_size, ParameterKind.NORM)


def norms_after(spec: ModelSpec, *, has_post_norm: bool) -> tuple[Vector, ...]:
    """Return the norm of a block's output, where it has one."""
    return (norm(spec),) if has_post_norm else ()


def stream_mixing(spec: ModelSpec) -> tuple[tuple[Matrix, ...], tuple[Vector, ...]]:
    """Return the weights that mix ``n`` residual streams around one block; nothing for a plain residual.

    One projection of all streams to ``n`` weights in, ``n`` out and ``n x n`` across, with biases and three scales
    (manifold-constrained hyper-connections, arXiv 2512.24880).
    """
    streams = spec.residual_streams
    if streams == 1:
        return (), ()
    weights = (2 + streams) * streams
    matrix = Matrix(weights, streams * spec.hidden_size, WeightFormat.BF16, ParameterKind.OTHER)
    return (matrix,), (Vector(weights + 3, ParameterKind.OTHER),)


def stream_head(spec: ModelSpec) -> tuple[tuple[Matrix, ...], tuple[Vector, ...]]:
    """Return the weights that sum the residual streams before the LM head."""
    streams = spec.residual_streams
    if streams == 1:
        return (), ()
    matrix = Matrix(streams, streams * spec.hidden_size, WeightFormat.BF16, ParameterKind.OTHER)
    return (matrix,), (Vector(streams + 1, ParameterKind.OTHER),)
