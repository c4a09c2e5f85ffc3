"""What each way to place a layer takes from each resource; the one table bounds and CP-SAT models share.

A layer of a replica with two groups, *host* and *sidecar*, can lie in five ways (``docs/method.md``, section 2):

``near``    attention and FFN on the host
``direct``  attention on the host, experts on the sidecar; every copy of a token crosses and comes back by itself
``relay``   attention on the host, FFN on the sidecar; one copy crosses, the sidecar exchanges and sums by itself
``away``    attention and FFN on the sidecar
``split``   the hottest experts on the sidecar (as ``direct``), attention and the cold ones on the host
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placer.cost.block_time import HIDDEN_BYTES
from placer.cost.group import Array
from placer.cost.room import taken
from placer.plan.mode import WAYS_OF_MODE
from placer.plan.placement import Way
from placer.scenario.scenario import Scenario
from placer.search.fields import ClassFields
from placer.search.tables import CostModel


@dataclass(frozen=True)
class Placement:
    """A way, and for ``split`` how many of the hottest experts go to the sidecar."""

    way: Way
    level: int = -1
    num_hot: int = 0


#: Resources a placement draws on, in the order of the last axis of `Rows.times`.
PATH, HOST, SIDE, HOST_FABRIC, SIDE_FABRIC, HOST_OUT, HOST_IN, SIDE_OUT, SIDE_IN = range(9)
NUM_TIMES = 9
#: Ways to follow a share of the microbatches through a layer (`RowBuilder.turns`).
NUM_CHAINS, PATH_CHAIN = 3, 2


@dataclass(frozen=True)
class Rows:
    """Times and bytes of every placement of one layer class.

    Attributes
    ----------
    placements
        The ways, in order.
    times : ndarray, shape (num_placements, num_nodes, 9)
        Seconds per microbatch: on the critical path; of the devices of host and sidecar, their fabrics (all-to-alls
        inside the group) and their ports to each other (both directions).
    host_bytes, side_bytes : ndarray, shape (num_placements, num_nodes)
        Weights, and KV cache of all microbatches in flight, per device.
    """

    placements: tuple[Placement, ...]
    times: Array
    host_bytes: Array
    side_bytes: Array


@dataclass(frozen=True)
class Pair:
    """Host and sidecar rows of the tables, ready to be combined.

    Attributes
    ----------
    host, side : ndarray, shape (num_nodes, num_base)
        Table rows; ``side`` is None in a replica of one group.
    host_share, side_share : ndarray, shape (num_nodes, num_base)
        What of them one stage carries: the same, or the same divided by the stages.
    tokens, in_flight : ndarray, shape (num_nodes,)
        Microbatch size, a token of every sequence, and microbatches in flight.
    rates
        Bytes of the compute tier for one of the cache tier, on host and sidecar (`placer.cost.room`).
    """

    host: Array
    host_share: Array
    side: Array | None
    side_share: Array | None
    tokens: Array
    in_flight: Array
    rates: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Wire:
    """The link between host and sidecar.

    Attributes
    ----------
    latency_s
        One way.
    host_bytes_per_s, side_bytes_per_s
        What one device of either side sends, and receives.
    is_half_duplex
        Whether both directions share the bandwidth.
    """

    latency_s: float
    host_bytes_per_s: float
    side_bytes_per_s: float
    is_half_duplex: bool


def placements_of(cost: CostModel, index: int, *, has_side: bool) -> tuple[Placement, ...]:
    """Return the ways a layer of class ``index`` may lie."""
    near = (Placement(Way.NEAR),)
    if not has_side:
        return near
    moe = cost.classes[index].ops.moe
    others = [Placement(Way.RELAY), Placement(Way.AWAY)]
    if moe is not None:
        hot_counts = cost.scenario.space.hot_counts(moe.num_experts)
        splits = (Placement(Way.SPLIT, level, count) for level, count in enumerate(hot_counts))
        others = [Placement(Way.DIRECT), *others, *splits]
    return (*near, *(placement for placement in others if placement.way not in _forbidden_ways(cost.scenario)))


def _forbidden_ways(scenario: Scenario) -> frozenset[Way]:
    """Return the ways that belong to modes a plan may not use."""
    forbidden = () if scenario.service is None else scenario.service.forbidden_modes
    return frozenset(way for mode in forbidden for way in WAYS_OF_MODE.get(mode, ()))


class RowBuilder:
    """Combines table rows into resource rows, vectorised over nodes."""

    def __init__(self, cost: CostModel, wire: Wire | None, pair: Pair) -> None:
        self._cost, self._wire, self._pair = cost, wire, pair
        self._hidden, self._tokens = cost.hidden_size, pair.tokens * cost.step.width

    def hop_s(self, message_bytes: Array) -> Array:
        """Return the time of a hop between the groups: latency, and bytes over the narrower side."""
        wire, port, pair = self._wire, self._cost.fields.port, self._pair
        if wire is None or pair.side is None:
            return np.zeros_like(message_bytes)
        widest = np.maximum(pair.host[:, port] / wire.host_bytes_per_s, pair.side[:, port] / wire.side_bytes_per_s)
        return wire.latency_s + message_bytes * widest

    def gathers(self) -> tuple[float, ...]:
        """Return the time each group takes to spread arriving hidden states, at the last node."""
        column = self._cost.fields.gather
        groups = [values for values in (self._pair.host, self._pair.side) if values is not None]
        return tuple(float(values[-1, column]) for values in groups)

    def hidden_message(self) -> Array:
        """Return the bytes of one copy of the microbatch's hidden states."""
        return self._tokens * float(self._hidden * HIDDEN_BYTES)

    def to_side_s(self) -> Array:
        """Return the time hidden states take from host to sidecar, spread over its TP ranks."""
        side = self._pair.side
        arrive = 0.0 if side is None else side[:, self._cost.fields.gather]
        return self.hop_s(self.hidden_message()) + arrive

    def to_host_s(self) -> Array:
        """Return the time hidden states take from sidecar to host, spread over its TP ranks."""
        return self.hop_s(self.hidden_message()) + self._pair.host[:, self._cost.fields.gather]

    def round_trip_s(self, copies: Array) -> Array:
        """Return the time copies of the hidden states take to the sidecar and back, spread over the host's TP ranks."""
        out, back = self._copied(copies)
        return self.hop_s(out) + self.hop_s(back) + self._pair.host[:, self._cost.fields.gather]

    def return_trip(self) -> Array:
        """Return what hidden states take on their way from sidecar to host, shape (num_nodes, 9)."""
        hidden = self.hidden_message()
        times = np.zeros((len(hidden), NUM_TIMES))
        times[:, PATH] = self.to_host_s()
        times[:, HOST_OUT:] = self.ports(np.zeros_like(hidden), hidden)
        return times

    def ports(self, out_bytes: Array, back_bytes: Array) -> Array:
        """Return how long a round trip keeps the four ports busy, shape (num_nodes, 4)."""
        wire, port, pair = self._wire, self._cost.fields.port, self._pair
        if wire is None or pair.side_share is None:
            return np.zeros((len(pair.tokens), 4))
        if wire.is_half_duplex:
            out_bytes = back_bytes = out_bytes + back_bytes
        host = pair.host_share[:, port] / wire.host_bytes_per_s
        side = pair.side_share[:, port] / wire.side_bytes_per_s
        return np.stack([out_bytes * host, back_bytes * host, back_bytes * side, out_bytes * side], axis=1)

    def rows(self, index: int) -> Rows:
        """Return the rows of layer class ``index``."""
        placements = placements_of(self._cost, index, has_side=self._pair.side is not None)
        columns, size = self._cost.fields.classes[index], len(self._pair.tokens)
        times = np.zeros((len(placements), size, NUM_TIMES))
        fillers = {
            Way.NEAR: self._near,
            Way.DIRECT: self._direct,
            Way.RELAY: self._relay,
            Way.AWAY: self._away,
            Way.SPLIT: self._split,
        }
        for number, placement in enumerate(placements):
            fillers[placement.way](columns, placement.level, times[number])
        host_bytes, side_bytes = self.held_bytes(index, self._pair.host_share, self._pair.side_share)
        return Rows(placements, times, host_bytes, side_bytes)

    def turns(self, index: int, rows: Rows, shares: tuple[int, int]) -> Array:
        """Return how long a layer of class ``index`` takes a stage, held by that alone, for its share of microbatches.

        A share goes through a layer on one group op by op, in the same order every time; in a layer on two groups its
        microbatches only wait for each other's work; and each is with the stage for its path (``docs/method.md``,
        section 3).

        Parameters
        ----------
        index
            The class.
        rows
            Its rows.
        shares
            Microbatches that a stage of host and sidecar serves together.

        Returns
        -------
        ndarray, shape (2, 3, num_placements, num_nodes)
            By group and by chain: seconds between two layers' first op of the first microbatch, between their last op
            of the last one, and of any one's path.
        """
        columns = self._cost.fields.classes[index]
        turns = np.zeros((2, NUM_CHAINS, *rows.times.shape[:2]))
        for number, placement in enumerate(rows.placements):
            is_alone = placement.way in {Way.NEAR, Way.AWAY}
            groups = (int(placement.way is Way.AWAY),) if is_alone else (0, 1)
            for group in groups:
                work = shares[group] * rows.times[number, :, HOST + group]
                values = self._pair.host if group == 0 else self._sides()[0]
                turns[group, :PATH_CHAIN, number] = exchange_turns(values, columns, shares[group]) if is_alone else work
                turns[group, PATH_CHAIN, number] = rows.times[number, :, PATH]
        return turns

    def held_bytes(self, index: int, host: Array, side: Array | None) -> tuple[Array, Array]:
        """Return what every placement of layer class ``index`` holds on a device of host and sidecar.

        Parameters
        ----------
        index
            The class.
        host, side : ndarray, shape (num_nodes, num_base)
            Table rows to read bytes from: those of one stage that holds the layer, or a stage's share of it.

        Returns
        -------
        tuple of ndarray, each of shape (num_placements, num_nodes)
        """
        placements = placements_of(self._cost, index, has_side=side is not None)
        columns = self._cost.fields.classes[index]
        held, cached = np.zeros((2, 2, len(placements), len(self._pair.tokens)))
        for number, (way, level) in enumerate((entry.way, entry.level) for entry in placements):
            attention = side if way is Way.AWAY else host
            assert attention is not None
            cached[int(way is Way.AWAY), number] = self._pair.in_flight * attention[:, columns.kv_bytes]
            held[int(way is Way.AWAY), number] = attention[:, columns.attention_bytes]
            if way is Way.NEAR:
                held[0, number] += host[:, columns.ffn_bytes]
            elif way is Way.SPLIT and side is not None:
                held[0, number] += host[:, columns.cold_bytes[level]]
                held[1, number] += side[:, columns.hot_bytes[level]]
            elif side is not None:
                held[1, number] += side[:, columns.ffn_bytes]
        host_taken, side_taken = (taken(*each) for each in zip(held, cached, self._pair.rates, strict=True))
        return host_taken, side_taken

    def _near(self, columns: ClassFields, _: int, times: Array) -> None:
        host, share = self._pair.host, self._pair.host_share
        times[:, PATH] = host[:, columns.attention] + host[:, columns.ffn]
        times[:, HOST] = share[:, columns.attention] + share[:, columns.ffn_busy]
        times[:, HOST_FABRIC] = share[:, columns.exchange]

    def _sides(self) -> tuple[Array, Array]:
        side, share = self._pair.side, self._pair.side_share
        assert side is not None
        assert share is not None
        return side, share

    def _direct(self, columns: ClassFields, _: int, times: Array) -> None:
        (side, side_share), pair = self._sides(), self._pair
        out, back = self._copied(side[:, columns.direct_copies])
        travel = self.round_trip_s(side[:, columns.direct_copies])
        times[:, PATH] = pair.host[:, columns.attention] + travel + side[:, columns.direct]
        times[:, HOST] = pair.host_share[:, columns.attention]
        times[:, SIDE] = side_share[:, columns.direct]
        times[:, HOST_OUT:] = self.ports(out, back)

    def _relay(self, columns: ClassFields, _: int, times: Array) -> None:
        (side, side_share), pair = self._sides(), self._pair
        hidden = self.hidden_message()
        times[:, PATH] = pair.host[:, columns.attention] + self.to_side_s() + side[:, columns.ffn]
        times[:, HOST] = pair.host_share[:, columns.attention]
        times[:, SIDE] = side_share[:, columns.ffn_busy]
        times[:, SIDE_FABRIC] = side_share[:, columns.exchange]
        times[:, HOST_OUT:] = self.ports(hidden, np.zeros_like(hidden))

    def _away(self, columns: ClassFields, _: int, times: Array) -> None:
        side, side_share = self._sides()
        times[:, PATH] = side[:, columns.attention] + side[:, columns.ffn]
        times[:, SIDE] = side_share[:, columns.attention] + side_share[:, columns.ffn_busy]
        times[:, SIDE_FABRIC] = side_share[:, columns.exchange]

    def _split(self, columns: ClassFields, level: int, times: Array) -> None:
        (side, side_share), pair = self._sides(), self._pair
        out, back = self._copied(side[:, columns.hot_copies[level]])
        hot = side[:, columns.hot[level]] + self.round_trip_s(side[:, columns.hot_copies[level]])
        cold = pair.host[:, columns.cold[level]]
        times[:, PATH] = pair.host[:, columns.attention] + np.maximum(cold, hot)
        times[:, HOST] = pair.host_share[:, columns.attention] + pair.host_share[:, columns.cold_busy[level]]
        times[:, HOST_FABRIC] = pair.host_share[:, columns.cold_exchange[level]]
        times[:, SIDE] = side_share[:, columns.hot[level]]
        times[:, HOST_OUT:] = self.ports(out, back)

    def _copied(self, copies: Array) -> tuple[Array, Array]:
        """Return bytes out (in the dispatch format) and back (BF16) of so many copies of the microbatch."""
        elements = self._tokens * copies * float(self._hidden)
        return elements * self._cost.model.spec.precision.dispatch.element_bytes, elements * HIDDEN_BYTES


def exchange_turns(values: Array, columns: ClassFields, share: int) -> Array:
    """Return the turns of a layer that exchanges tokens inside its group, shape (2, num_nodes).

    With ``a`` before the exchange (and after the last one), ``e`` between, ``d`` and ``c`` there and back, ``k``
    microbatches in the order a1..ak e1..ek: every path through that order from a1 to the next layer's a1, or from ek to
    ek, is a lower bound.
    """
    experts, there = values[:, columns.experts], values[:, columns.dispatch]
    before = values[:, columns.attention] + values[:, columns.ffn_busy] - experts
    back = values[:, columns.exchange] - there
    more = share - 1
    longest = [
        share * (before + experts),
        before + there + experts + back,
        before + experts + there + more * np.maximum(np.maximum(before, experts), there),
    ]
    both = np.maximum.reduce(longest)
    first, last = (np.maximum(both, before + experts + back + more * op) for op in (before, experts))
    return np.stack([first, last])
