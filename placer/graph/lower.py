"""Lowering a model specification to its graph of ops."""

from __future__ import annotations

import networkx as nx

from placer.graph.ffns import dense, moe
from placer.graph.ffns.moe import MoeOps
from placer.graph.layer_class import LayerOps
from placer.graph.mixers import compressed, gqa, mla, state
from placer.graph.model_graph import OUTSIDE, DiGraph, ModelGraph
from placer.graph.op import Matrix, Op, OpKind, ParameterKind, Vector, matrix_flops
from placer.graph.residual import norm, stream_head
from placer.memo import Memo
from placer.model.ffn import DenseFfn, Ffn, MoeFfn, NoFfn
from placer.model.mixer import (
    CompressedAttention,
    GatedDeltaNet,
    GroupedQueryAttention,
    LatentAttention,
    Mamba,
    Mamba2,
    Mixer,
    NoMixer,
)
from placer.model.spec import ModelSpec

_NOTHING = Op(OpKind.NO_MIXER, kernels=0)


def lower_mixer(mixer: Mixer, spec: ModelSpec) -> tuple[Op, Op, Op]:
    """Return projection, core and output of a token mixer."""
    match mixer:
        case GroupedQueryAttention():
            ops = gqa.lower(mixer, spec)
        case LatentAttention():
            ops = mla.lower(mixer, spec)
        case CompressedAttention():
            ops = compressed.lower(mixer, spec)
        case Mamba():
            ops = state.lower_mamba(mixer, spec)
        case Mamba2():
            ops = state.lower_mamba2(mixer, spec)
        case GatedDeltaNet():
            ops = state.lower_delta(mixer, spec)
        case NoMixer():
            ops = (_NOTHING, _NOTHING, _NOTHING)
    return ops


def lower_ffn(ffn: Ffn, spec: ModelSpec) -> Op | MoeOps:
    """Return the op, or the ops, of a feed-forward block."""
    match ffn:
        case DenseFfn():
            return dense.lower(ffn, spec)
        case MoeFfn():
            return moe.lower(ffn, spec)
        case NoFfn():
            return Op(OpKind.NO_FFN, kernels=0)


_LOWERED = Memo[ModelGraph](16)


def lower(spec: ModelSpec) -> ModelGraph:
    """Lower a model to its graph of ops.

    Parameters
    ----------
    spec
        The decoder.

    Returns
    -------
    ModelGraph
        One node per op, every routed expert a node of its own; not to be changed.
    """
    return _LOWERED.get(spec.model_dump_json(), lambda: _lowered(spec))


def _lowered(spec: ModelSpec) -> ModelGraph:
    by_kind = {
        (mixer_name, ffn_name): LayerOps(
            *lower_mixer(mixer, spec),
            lower_ffn(ffn, spec),
        )
        for mixer_name, mixer in spec.mixers.items()
        for ffn_name, ffn in spec.ffns.items()
    }
    layer_ops = tuple(by_kind[kind.mixer, kind.ffn] for kind in spec.layer_kinds())
    embedding, head = _embedding(spec), _lm_head(spec)
    return ModelGraph(spec, _build_graph(spec, embedding, layer_ops, head), embedding, head, layer_ops)


def _embedding(spec: ModelSpec) -> Op:
    table = Matrix(spec.vocab_size, spec.hidden_size, spec.precision.embedding, ParameterKind.EMBED, spec.vocab_size)
    return Op(OpKind.EMBEDDING, (table,), intermediate_width=spec.hidden_size)


def _lm_head(spec: ModelSpec) -> Op:
    matrix = Matrix(
        spec.vocab_size,
        spec.hidden_size,
        spec.precision.lm_head,
        ParameterKind.LM_HEAD,
        spec.vocab_size,
        is_counted=not spec.tie_word_embeddings,
    )
    streams, stream_vectors = stream_head(spec)
    bias = (Vector(spec.vocab_size, ParameterKind.LM_HEAD),) if spec.lm_head_bias else ()
    return Op(
        OpKind.LM_HEAD,
        (matrix, *streams),
        (norm(spec), *bias, *stream_vectors),
        flops_per_token=matrix_flops((matrix, *streams)),
        intermediate_width=2 * spec.vocab_size,
    )


def _build_graph(spec: ModelSpec, embedding: Op, layer_ops: tuple[LayerOps, ...], head: Op) -> DiGraph:
    graph: DiGraph = nx.DiGraph()
    hidden_bytes = 2 * spec.hidden_size
    graph.add_node("embedding", op=embedding, layer=OUTSIDE, expert=OUTSIDE)
    sources = ["embedding"]
    for layer, ops in enumerate(layer_ops):
        sources = _add_layer(graph, layer, ops, sources, hidden_bytes)
    graph.add_node("lm_head", op=head, layer=OUTSIDE, expert=OUTSIDE)
    graph.add_edges_from(((source, "lm_head") for source in sources), bytes_per_token=hidden_bytes)
    return graph


def _add_layer(graph: DiGraph, layer: int, ops: LayerOps, sources: list[str], hidden_bytes: int) -> list[str]:
    """Add one layer after ``sources`` and return the nodes whose sum is its output."""
    prefix = f"layer.{layer}."
    for op in ops.attention if ops.has_mixer else ():
        name = prefix + op.kind
        graph.add_node(name, op=op, layer=layer, expert=OUTSIDE)
        width = 2 * ops.projection.intermediate_width if op is ops.core else hidden_bytes
        width = 2 * ops.core.intermediate_width if op is ops.output else width
        graph.add_edges_from(((source, name) for source in sources), bytes_per_token=width)
        sources = [name]
    if ops.ffn is ops.dense and not ops.has_ffn:
        return sources
    if not isinstance(ops.ffn, MoeOps):
        name = prefix + ops.ffn.kind
        graph.add_node(name, op=ops.ffn, layer=layer, expert=OUTSIDE)
        graph.add_edges_from(((source, name) for source in sources), bytes_per_token=hidden_bytes)
        return [name]
    return _add_moe(graph, layer, ops.ffn, sources, hidden_bytes)


def _add_moe(graph: DiGraph, layer: int, ops: MoeOps, sources: list[str], hidden_bytes: int) -> list[str]:
    prefix = f"layer.{layer}."
    router = prefix + ops.router.kind
    graph.add_node(router, op=ops.router, layer=layer, expert=OUTSIDE)
    graph.add_edges_from(((source, router) for source in sources), bytes_per_token=hidden_bytes)
    experts = [f"{prefix}{ops.expert.kind}.{expert}" for expert in range(ops.num_experts)]
    for expert, name in enumerate(experts):
        graph.add_node(name, op=ops.expert, layer=layer, expert=expert)
    graph.add_edges_from(((router, name) for name in experts), bytes_per_token=2 * ops.width)
    if ops.shared is None:
        return experts
    shared = prefix + ops.shared.kind
    graph.add_node(shared, op=ops.shared, layer=layer, expert=OUTSIDE)
    graph.add_edge(router, shared, bytes_per_token=hidden_bytes)
    return [*experts, shared]
