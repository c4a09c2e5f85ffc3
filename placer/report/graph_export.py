"""The op graph as GraphML and as DOT, with plain numbers on every node and edge."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

import networkx as nx

from placer.graph.model_graph import OUTSIDE, DiGraph, ModelGraph, Node

Attribute = str | int


def node_attributes(node: Node) -> dict[str, Attribute]:
    """Return the figures of an op: sizes in bytes, work in FLOPs; what does not apply is left out."""
    op = node.op
    attributes: dict[str, Attribute] = {"kind": str(op.kind)}
    attributes |= {"layer": node.layer} if node.layer != OUTSIDE else {}
    attributes |= {"expert": node.expert} if node.expert != OUTSIDE else {}
    attributes |= {
        "parameters": sum(op.parameters.values()),
        "weight_bytes": op.weight_bytes,
        "weight_formats": " ".join(dict.fromkeys(matrix.weight_format for matrix in op.matrices)),
        "flops_per_token": op.flops_per_token,
        "flops_per_cache_entry": sum(cache.flops_per_entry for cache in op.caches),
        "kv_bytes_per_token": op.kv_bytes_per_token,
        "index_bytes_per_token": op.index_bytes_per_token,
        "state_bytes": op.state_bytes,
    }
    return attributes | ({"window": op.window} if op.window else {})


def attributed_graph(model: ModelGraph) -> DiGraph:
    """Return the graph with plain attributes instead of op objects."""
    graph: DiGraph = nx.DiGraph(
        model=model.spec.name, hidden_size=model.spec.hidden_size, num_layers=model.spec.num_layers
    )
    for node in model.nodes():
        graph.add_node(node.name, **node_attributes(node))
    graph.add_edges_from(model.graph.edges(data=True))
    return graph


def render_graphml(model: ModelGraph) -> str:
    """Return the graph as GraphML text; ``networkx.read_graphml`` gives back the same graph."""
    stream = io.BytesIO()
    nx.write_graphml(attributed_graph(model), stream, named_key_ids=True)
    return stream.getvalue().decode("utf-8") + "\n"


def render_dot(model: ModelGraph) -> str:
    """Return the graph as DOT text, one cluster per layer."""
    return "".join(f"{line}\n" for line in _dot_lines(model))


def _dot_lines(model: ModelGraph) -> Iterator[str]:
    yield f"digraph {_quoted(model.spec.name)} {{"
    yield '  graph [rankdir="TB"];'
    yield '  node [shape="box"];'
    current = OUTSIDE
    for node in model.nodes():
        if node.layer != current:
            if current != OUTSIDE:
                yield "  }"
            if node.layer != OUTSIDE:
                yield f"  subgraph {_quoted(f'cluster_layer_{node.layer}')} {{"
                yield f"    label={_quoted(f'layer {node.layer}')};"
            current = node.layer
        yield f"    {_quoted(node.name)} [{_listed(node_attributes(node))}];"
    for source, target, data in model.graph.edges(data=True):
        yield f"  {_quoted(source)} -> {_quoted(target)} [{_listed(data)}];"
    yield "}"


def _listed(attributes: Mapping[str, Attribute]) -> str:
    return ", ".join(f"{name}={_quoted(value)}" for name, value in attributes.items())


def _quoted(value: Attribute) -> str:
    # A backslash would start an escape in a label, and a quotation mark would end the text.
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
