"""The lowered model: a ``networkx.DiGraph`` of ops.

Nodes are named ``embedding``, ``layer.17.attention_core``, ``layer.17.expert.203``, ``lm_head`` and carry
``op``, ``layer`` (-1 outside the layers) and ``expert`` (-1 for all other ops). Edges carry
``bytes_per_token``: what one token sends along them, before any tensor parallelism.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import networkx as nx

from placer.graph.layer_class import LayerClass, LayerOps
from placer.graph.op import Op
from placer.model.spec import ModelSpec

if TYPE_CHECKING:
    DiGraph = nx.DiGraph[str]
else:
    DiGraph = nx.DiGraph

OUTSIDE = -1


@dataclass(frozen=True)
class Node:
    """A node of the graph, typed."""

    name: str
    op: Op
    layer: int
    expert: int


@dataclass(frozen=True)
class ModelGraph:
    """The graph together with the model it was lowered from.

    Attributes
    ----------
    spec
        The model.
    graph
        Ops and what flows between them.
    embedding, lm_head
        The two ops outside the layers.
    layer_ops
        The ops of every layer, in order; equal layers share one object.
    """

    spec: ModelSpec
    graph: DiGraph
    embedding: Op
    lm_head: Op
    layer_ops: tuple[LayerOps, ...]

    def nodes(self) -> Iterator[Node]:
        """Yield the nodes in topological (and layer) order."""
        for name, attributes in self.graph.nodes(data=True):
            yield Node(name, attributes["op"], attributes["layer"], attributes["expert"])

    @cached_property
    def expert_layers(self) -> dict[tuple[int, int], tuple[int, ...]]:
        """Layers with experts, by (experts of a layer, experts a token visits)."""
        layers: dict[tuple[int, int], list[int]] = {}
        for number, ops in enumerate(self.layer_ops):
            if ops.moe is not None:
                layers.setdefault((ops.moe.num_experts, ops.moe.top_k), []).append(number)
        return {shape: tuple(numbers) for shape, numbers in layers.items()}

    @cached_property
    def layer_classes(self) -> tuple[LayerClass, ...]:
        """Layers grouped by equal ops, in order of first appearance."""
        layers: dict[LayerOps, list[int]] = {}
        names: dict[LayerOps, str] = {}
        for index, (ops, kind) in enumerate(zip(self.layer_ops, self.spec.layer_kinds(), strict=True)):
            layers.setdefault(ops, []).append(index)
            names.setdefault(ops, f"{kind.mixer}+{kind.ffn}")
        return tuple(LayerClass(names[ops], ops, tuple(members)) for ops, members in layers.items())
