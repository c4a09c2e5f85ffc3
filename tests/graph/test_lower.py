"""The graph of ops: one node per op, edges as tokens flow."""

from __future__ import annotations

import networkx as nx
import pytest

from placer.graph.lower import lower
from placer.model.catalog import load_model


@pytest.fixture(scope="module")
def mixtral():
    return lower(load_model("mixtral-8x7b"))


def test_there_is_a_node_per_op_and_expert(mixtral):
    assert len(mixtral.graph) == 2 + 32 * (3 + 1 + 8)
    assert sum(node.expert >= 0 for node in mixtral.nodes()) == 32 * 8


def test_tokens_flow_from_the_embedding_to_the_head(mixtral):
    graph = mixtral.graph
    assert nx.is_directed_acyclic_graph(graph)
    assert [node for node, degree in graph.in_degree() if degree == 0] == ["embedding"]
    assert [node for node, degree in graph.out_degree() if degree == 0] == ["lm_head"]
    assert nx.dag_longest_path_length(graph, weight="hops") == 2 + 32 * 5 - 1


def test_nodes_come_in_topological_order(mixtral):
    position = {node.name: index for index, node in enumerate(mixtral.nodes())}
    assert all(position[source] < position[target] for source, target in mixtral.graph.edges)


def test_an_expert_gets_and_gives_one_hidden_state_per_token(mixtral):
    graph = mixtral.graph
    assert list(graph.predecessors("layer.3.expert.5")) == ["layer.3.router"]
    assert list(graph.successors("layer.3.expert.5")) == ["layer.4.attention_projection"]
    assert graph.edges["layer.3.router", "layer.3.expert.5"]["bytes_per_token"] == 2 * 4096


def test_the_shared_expert_stands_beside_the_routed_ones():
    graph = lower(load_model("deepseek-v3")).graph
    assert list(graph.predecessors("layer.3.shared_expert")) == ["layer.3.router"]
    assert "layer.2.dense_ffn" in graph
    assert "layer.2.router" not in graph


def test_equal_layers_share_a_class():
    classes = lower(load_model("gpt-oss-120b")).layer_classes
    assert {entry.name: entry.layers[:2] for entry in classes} == {"window+moe": (0, 2), "full+moe": (1, 3)}
    assert [entry.count for entry in classes] == [18, 18]
