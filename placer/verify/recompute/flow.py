"""One microbatch's way through a replica: its path, and how busy it keeps devices and ports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from placer.catalog.link import Duplex
from placer.graph.model_graph import ModelGraph
from placer.plan.placement import LayerPlacement, Location, Placement, Role, Way
from placer.verify.recompute.blocks import embedding_s, head_s
from placer.verify.recompute.collectives import gather_hidden_s
from placer.verify.recompute.crossing import stage_hop_s
from placer.verify.recompute.layer import LayerCost, turns_of
from placer.verify.recompute.replica import Replica
from placer.verify.recompute.turns import Turns

#: A stage of a group.
Place = tuple[Role, int]
TOKEN_BYTES = 4


@dataclass
class Flow:
    """Sums over the path of one microbatch.

    Attributes
    ----------
    path_s
        Everything in series.
    busy_s, fabric_s
        By stage: how long its devices work, and how long they exchange tokens among themselves.
    turns_s
        By stage: how long it is taken by its share of the microbatches, followed in three ways.
    sent_bytes, received_bytes
        By stage: what goes through its port towards the other group.
    """

    path_s: float = 0.0
    busy_s: dict[Place, float] = field(default_factory=dict)
    fabric_s: dict[Place, float] = field(default_factory=dict)
    turns_s: dict[Place, Turns] = field(default_factory=dict)
    sent_bytes: dict[Place, float] = field(default_factory=dict)
    received_bytes: dict[Place, float] = field(default_factory=dict)

    def work(self, at: Location, seconds: float) -> None:
        """Add work of a stage's devices, without the path."""
        place = place_of(at)
        self.busy_s[place] = self.busy_s.get(place, 0.0) + seconds

    def take(self, place: Place, seconds: Turns) -> None:
        """Add what takes a stage while it serves its share of the microbatches."""
        before = self.turns_s.get(place, (0.0, 0.0, 0.0))
        self.turns_s[place] = before[0] + seconds[0], before[1] + seconds[1], before[2] + seconds[2]

    def longest_turn_s(self, role: Role) -> float:
        """Return the longest that a share of the microbatches takes a stage of a group."""
        return max((max(ways) for place, ways in self.turns_s.items() if place[0] is role), default=0.0)

    def send(self, sender: Place, receiver: Place, message_bytes: float) -> None:
        """Add a message to the ports it leaves from and arrives at."""
        self.sent_bytes[sender] = self.sent_bytes.get(sender, 0.0) + message_bytes
        self.received_bytes[receiver] = self.received_bytes.get(receiver, 0.0) + message_bytes

    def busiest_s(self, role: Role) -> float:
        """Return the largest working time of a stage of a group."""
        return max((seconds for place, seconds in self.busy_s.items() if place[0] is role), default=0.0)

    def busiest_fabric_s(self, role: Role) -> float:
        """Return the largest exchange time of a stage of a group."""
        return max((seconds for place, seconds in self.fabric_s.items() if place[0] is role), default=0.0)

    def port_s(self, role: Role, replica: Replica) -> tuple[float, float]:
        """Return how long the busiest port of a group sends and receives; half-duplex, both in each."""
        if replica.crossing is None:
            return 0.0, 0.0
        stages = {place for place in (*self.sent_bytes, *self.received_bytes) if place[0] is role}
        sent = [self.sent_bytes.get(place, 0.0) for place in stages]
        received = [self.received_bytes.get(place, 0.0) for place in stages]
        if replica.crossing.duplex is Duplex.HALF:
            sent = received = [there + back for there, back in zip(sent, received, strict=True)]
        rate = replica.crossing.side_bytes_per_s[role]
        return max(sent, default=0.0) / rate, max(received, default=0.0) / rate


def place_of(at: Location) -> Place:
    """Return the stage of a location."""
    return at.role, at.stage


def end_of(layer: LayerPlacement) -> Place:
    """Return the stage a layer's output lies on: that of its FFN in ways that leave it there."""
    stays = layer.way in {Way.RELAY, Way.AWAY, Way.NEAR}
    return place_of(layer.ffn[0].at if stays else layer.attention)


def trace(model: ModelGraph, placement: Placement, costs: Sequence[LayerCost], replica: Replica) -> Flow:
    """Return the flow of one microbatch through a replica.

    Parameters
    ----------
    model, placement
        What is computed, and where.
    costs
        By layer, in order.
    replica
        Groups, link, batch.
    """
    flow = Flow()
    embedding = embedding_s(model.embedding, replica.groups[placement.embedding.role], replica.batch)
    _alone(flow, placement.embedding, embedding, replica)
    flow.path_s += embedding
    here = place_of(placement.embedding)
    for layer, cost in zip(placement.layers, costs, strict=True):
        _move(flow, here, place_of(layer.attention), replica)
        _visit(flow, layer, cost)
        for place in dict.fromkeys((place_of(layer.attention), *(place_of(part.at) for part in layer.ffn))):
            flow.take(place, turns_of(cost, place[0], replica.share(place[0])))
        here = end_of(layer)
    _move(flow, here, place_of(placement.lm_head), replica)
    draft = replica.draft
    head = head_s(model.lm_head, replica.groups[placement.lm_head.role])
    head += 0.0 if draft.is_beside else draft.passes_s
    _alone(flow, placement.lm_head, head, replica)
    flow.path_s += head + (draft.path_s if draft.is_beside else 0.0)
    _return_token(flow, placement, replica)
    return flow


def _alone(flow: Flow, at: Location, seconds: float, replica: Replica) -> None:
    """Add an op that devices do for one microbatch after the other."""
    flow.work(at, seconds)
    of_all = replica.share(at.role) * seconds
    flow.take(place_of(at), (of_all, of_all, seconds))


def _visit(flow: Flow, layer: LayerPlacement, cost: LayerCost) -> None:
    flow.path_s += cost.path_s
    flow.work(layer.attention, cost.attention_s)
    for part, seconds in zip(layer.ffn, cost.parts_s, strict=True):
        flow.work(part.at, seconds)
    exchanging = place_of(layer.ffn[0].at)
    flow.fabric_s[exchanging] = flow.fabric_s.get(exchanging, 0.0) + cost.exchange_s
    host, sidecar = place_of(layer.attention), place_of(layer.ffn[-1].at)
    if cost.out_bytes:
        flow.send(host, sidecar, cost.out_bytes)
    if cost.back_bytes:
        flow.send(sidecar, host, cost.back_bytes)


def _move(flow: Flow, here: Place, there: Place, replica: Replica) -> None:
    """Pass a microbatch's hidden states on, if they have to move, and gather them on arrival."""
    if here == there:
        return
    message_bytes = float(replica.batch.hidden_bytes * replica.batch.tokens)
    _hop(flow, here, there, message_bytes, replica)
    flow.path_s += gather_hidden_s(replica.groups[there[0]], replica.batch)


def _hop(flow: Flow, here: Place, there: Place, message_bytes: float, replica: Replica) -> None:
    if here[0] is there[0]:
        flow.path_s += stage_hop_s(replica.groups[here[0]], message_bytes)
    else:
        flow.path_s += replica.link.hop_s(message_bytes)
        flow.send(here, there, message_bytes)


def _return_token(flow: Flow, placement: Placement, replica: Replica) -> None:
    """Return the ids of all tokens from the LM head to the embedding: no gather, and too small to load a port."""
    here, there = place_of(placement.lm_head), place_of(placement.embedding)
    message_bytes = float(TOKEN_BYTES * replica.batch.tokens)
    if here[0] is not there[0]:
        flow.path_s += replica.link.hop_s(message_bytes)
    elif here != there:
        flow.path_s += stage_hop_s(replica.groups[here[0]], message_bytes)
