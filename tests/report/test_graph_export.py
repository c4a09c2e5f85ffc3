"""Graphs for other tools: GraphML reads back the same, DOT has every op and edge."""

from __future__ import annotations

import io
import re

import networkx as nx
import pytest

from placer.graph.lower import lower
from placer.model.catalog import load_model
from placer.report.graph_export import attributed_graph, render_dot, render_graphml

STRING = r'"((?:[^"\\]|\\.)*)"'


@pytest.fixture(scope="module", params=["mixtral-8x7b", "llama-8b", "gpt-oss-120b"])
def model(request):
    return lower(load_model(request.param))


def _unquoted(text):
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], text)


def test_graphml_reads_back_the_same_graph(model):
    read = nx.read_graphml(io.BytesIO(render_graphml(model).encode()))
    written = attributed_graph(model)
    assert dict(read.nodes(data=True)) == dict(written.nodes(data=True))
    assert list(read.edges(data=True)) == list(written.edges(data=True))
    assert read.graph["model"] == model.spec.name


def test_the_numbers_on_the_nodes_are_those_of_the_ops(model):
    graph = attributed_graph(model)
    assert set(graph) == {node.name for node in model.nodes()}
    for node in model.nodes():
        data = graph.nodes[node.name]
        assert data["weight_bytes"] == node.op.weight_bytes
        assert data["kind"] == node.op.kind
        assert data.get("layer", -1) == node.layer
        assert data.get("expert", -1) == node.expert
        assert data.get("window") == node.op.window


def test_dot_has_every_op_and_edge(model):
    text = render_dot(model)
    nodes = re.findall(rf"^    {STRING} \[", text, re.MULTILINE)
    edges = re.findall(rf"^  {STRING} -> {STRING} \[bytes_per_token=\"(\d+)\"\];$", text, re.MULTILINE)
    assert nodes == [node.name for node in model.nodes()]
    assert [(source, target) for source, target, _ in edges] == list(model.graph.edges)
    assert text.count("{") == text.count("}") == 1 + model.spec.num_layers


@pytest.mark.parametrize("name", ['a "quoted" name', "back\\slash", "<&>", "}; evil", "\\"])
def test_a_strange_name_stays_text(name):
    spec = load_model("llama-8b").model_copy(update={"name": name})
    model = lower(spec)
    first = render_dot(model).splitlines()[0]
    match = re.fullmatch(rf"digraph {STRING} {{", first)
    assert match
    assert _unquoted(match[1]) == name
    assert nx.read_graphml(io.BytesIO(render_graphml(model).encode())).graph["model"] == name
