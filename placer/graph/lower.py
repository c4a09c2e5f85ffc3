"""Lowering a model specification to its graph of ops."""

from __future__ import annotations

import networkx as nx

from placer.graph.ffns import dense, moe
from placer.graph.ffns.moe import MoeOps
from placer.graph.layer_class import LayerOps
from placer.graph.mixers import gqa, mla
from placer.graph.model_graph import OUTSIDE, DiGraph, ModelGraph
from placer.graph.op import Matrix, Op, OpKind, ParameterKind, Vector, matrix_flops
from placer.model.ffn import DenseFfn, Ffn
from placer.model.mixer import GroupedQueryAttention, Mixer
from placer.model.precision import Precision
from placer.model.spec import ModelSpec


def lower_mixer(mixer: Mixer, hidden_size: int, precision: Precision) -> tuple[Op, Op, Op]:
    """Return projection, core and output of a token mixer."""
    if isinstance(mixer, GroupedQueryAttention):
        return gqa.lower(mixer, hidden_size, precision)
    return mla.lower(mixer, hidden_size, precision)


def lower_ffn(ffn: Ffn, hidden_size: int, precision: Precision) -> Op | MoeOps:
    """Return the op, or the ops, of a feed-forward block."""
    if isinstance(ffn, DenseFfn):
        return dense.lower(ffn, hidden_size, precision)
    return moe.lower(ffn, hidden_size, precision)


def lower(spec: ModelSpec) -> ModelGraph:
    """Lower a model to its graph of ops.

    Parameters
    ----------
    spec
        The decoder.

    Returns
    -------
    ModelGraph
        One node per op, every routed expert a node of its own.
    """
    by_kind = {
        (mixer_name, ffn_name): LayerOps(
            *lower_mixer(mixer, spec.hidden_size, spec.precision),
            lower_ffn(ffn, spec.hidden_size, spec.precision),
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
    return Op(
        OpKind.LM_HEAD,
        (matrix,),
        (Vector(spec.hidden_size, ParameterKind.NORM),),
        flops_per_token=matrix_flops((matrix,)),
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
    for op in ops.attention:
        name = prefix + op.kind
        graph.add_node(name, op=op, layer=layer, expert=OUTSIDE)
        width = 2 * ops.projection.intermediate_width if op is ops.core else hidden_bytes
        width = 2 * ops.core.intermediate_width if op is ops.output else width
        graph.add_edges_from(((source, name) for source in sources), bytes_per_token=width)
        sources = [name]
    if not isinstance(ops.ffn, MoeOps):
        name = prefix + ops.ffn.kind
        graph.add_node(name, op=ops.ffn, layer=layer, expert=OUTSIDE)
        graph.add_edge(sources[0], name, bytes_per_token=hidden_bytes)
        return [name]
    return _add_moe(graph, layer, ops.ffn, sources[0], hidden_bytes)


def _add_moe(graph: DiGraph, layer: int, ops: MoeOps, source: str, hidden_bytes: int) -> list[str]:
    prefix = f"layer.{layer}."
    router = prefix + ops.router.kind
    graph.add_node(router, op=ops.router, layer=layer, expert=OUTSIDE)
    graph.add_edge(source, router, bytes_per_token=hidden_bytes)
    experts = [f"{prefix}{ops.expert.kind}.{expert}" for expert in range(ops.num_experts)]
    for expert, name in enumerate(experts):
        graph.add_node(name, op=ops.expert, layer=layer, expert=expert)
    graph.add_edges_from(((router, name) for name in experts), bytes_per_token=hidden_bytes)
    if ops.shared is None:
        return experts
    shared = prefix + ops.shared.kind
    graph.add_node(shared, op=ops.shared, layer=layer, expert=OUTSIDE)
    graph.add_edge(router, shared, bytes_per_token=hidden_bytes)
    return [*experts, shared]
