"""The way of a microbatch through a replica, block by block (``docs/method.md``, section 3)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from placer.errors import InputError
from placer.graph.layer_class import LayerOps
from placer.plan.placement import FfnPart, LayerPlacement, Location, Way
from placer.simulate.blocks import Blocks, Place, Registry
from placer.simulate.deployment import Deployment
from placer.simulate.experts import ExpertPart, part_of
from placer.simulate.program import Fork, Piece, Program, assemble


@dataclass(frozen=True)
class Route:
    """A replica's program, and the expert parts whose times may be drawn."""

    program: Program
    parts: tuple[ExpertPart, ...]


def build_route(deployment: Deployment) -> Route:
    """Return the program of every microbatch of a deployment."""
    registry = Registry()
    pieces = _Router(deployment, registry).pieces()
    program = assemble(tuple(registry.resources), pieces)
    if deployment.step.is_overlapped:
        beside = deployment.beside
        program = replace(program, beside_s=(beside.passes_s + beside.round_trip_s, beside.passes_s))
    return Route(program, tuple(registry.parts))


def _place(at: Location) -> Place:
    return at.role, at.stage


def _labelled(pieces: list[Piece], layer: int) -> list[Piece]:
    """Return pieces whose labels name their layer."""
    return [_with_layer(piece, f"layer {layer} ") for piece in pieces]


def _with_layer(piece: Piece, layer: str) -> Piece:
    if isinstance(piece, Fork):
        main, side = (tuple(_with_layer(inner, layer) for inner in branch) for branch in (piece.main, piece.side))
        return Fork(main, side)
    return replace(piece, label=layer + piece.label)


class _Router:
    """Walks the layers; equal layers share their expert parts."""

    def __init__(self, deployment: Deployment, registry: Registry) -> None:
        self._deployment, self._blocks = deployment, Blocks(deployment, registry)
        self._parts: dict[tuple[int, str, Place, bytes], ExpertPart] = {}
        self._layers: dict[tuple[object, ...], list[Piece]] = {}

    def pieces(self) -> list[Piece]:
        """Return everything one microbatch does in a step."""
        placement, blocks = self._deployment.placement, self._blocks
        here = _place(placement.embedding)
        pieces = blocks.embedding(here)
        for layer in placement.layers:
            inside = [*blocks.move(here, _place(layer.attention)), *self._layer(layer)]
            pieces += _labelled(inside, layer.layer)
            stays = layer.way in {Way.RELAY, Way.AWAY, Way.NEAR}
            here = _place(layer.ffn[0].at if stays else layer.attention)
        head = _place(placement.lm_head)
        pieces += [*blocks.move(here, head), *blocks.head(head)]
        return [*pieces, *blocks.token_ids(head, _place(placement.embedding))]

    def _layer(self, layer: LayerPlacement) -> list[Piece]:
        """Return a layer, remembered by what it computes and where."""
        ops = self._deployment.model.layer_ops[layer.layer]
        places = tuple(_place(at) for at in (layer.attention, *(part.at for part in layer.ffn)))
        key = (id(ops), layer.way, places, tuple(part.experts for part in layer.ffn))
        if key not in self._layers:
            attention = self._blocks.attention(ops, places[0])
            self._layers[key] = [*attention, *self._ffn(layer, ops, places[0])]
        return self._layers[key]

    def _ffn(self, layer: LayerPlacement, ops: LayerOps, host: Place) -> list[Piece]:
        blocks, there = self._blocks, _place(layer.ffn[0].at)
        if layer.way is Way.DIRECT:
            return self._direct(layer, ops, host)
        if layer.way is Way.SPLIT:
            return self._split(layer, ops, host)
        arrival: list[Piece] = []
        if layer.way is Way.RELAY:
            arrival = [*blocks.hop(host, there, blocks.hidden_bytes, "hidden states"), *blocks.gather(there)]
        if ops.moe is None:
            return [*arrival, *blocks.dense(ops, there)]
        return [*arrival, *blocks.near_experts(self._part(layer.ffn[0], ops, layer.layer), there)]

    def _direct(self, layer: LayerPlacement, ops: LayerOps, host: Place) -> list[Piece]:
        blocks, part, there = self._blocks, self._part(layer.ffn[0], ops, layer.layer), _place(layer.ffn[0].at)
        out, back = blocks.copies_bytes(part, there, with_shared=True)
        return [
            *blocks.hop(host, there, out, "dispatch"),
            *blocks.shared(part.moe, there),
            *blocks.experts(part, there),
            *blocks.hop(there, host, back, "combine"),
            *blocks.gather(host),
        ]

    def _split(self, layer: LayerPlacement, ops: LayerOps, host: Place) -> list[Piece]:
        blocks, there = self._blocks, _place(layer.ffn[-1].at)
        cold, hot = (self._part(part, ops, layer.layer) for part in layer.ffn)
        out, back = blocks.copies_bytes(hot, there, with_shared=False)
        side = [
            *blocks.hop(host, there, out, "dispatch"),
            *blocks.experts(hot, there),
            *blocks.hop(there, host, back, "combine"),
            *blocks.gather(host),
        ]
        return [Fork(tuple(blocks.near_experts(cold, _place(layer.ffn[0].at))), tuple(side))]

    def _part(self, part: FfnPart, ops: LayerOps, layer: int) -> ExpertPart:
        if ops.moe is None or part.experts is None:
            raise InputError("expected the name of an expert layout, got none", where="placement.layers")
        chances = self._deployment.selections[layer]
        key = (id(ops), part.experts, _place(part.at), chances.tobytes())
        if key not in self._parts:
            ranks = self._deployment.placement.experts[part.experts].experts_by_rank
            self._parts[key] = part_of(ops.moe, self._blocks.at(_place(part.at)), chances, ranks)
        return self._parts[key]
