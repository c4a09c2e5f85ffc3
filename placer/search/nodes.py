"""Nodes of the branch-and-bound: sets of candidates, and what none of them can beat.

A node is a range in every dimension: shapes of the host (a tree node), of the sidecar (another), microbatches in
flight, and cells of the batch-size grid. For fixed groups and placement, step time per token ``T' / (m b)`` never rises
with ``m`` or ``b``, and what the target and memory forbid grows with both (``docs/method.md``, section 4). So a node is
bounded with the times of its largest corner and the room of its smallest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placer.cost.group import Array
from placer.search.dual import ClassLoad, step_bound
from placer.search.rows import HOST, NUM_TIMES, PATH, Pair, RowBuilder, Way, Wire
from placer.search.tables import CostModel
from placer.search.tree import OptionTree
from placer.search.value import Valuation

Integers = NDArray[np.int64]
#: Columns of a node array.
HOST_NODE, SIDE_NODE, LEAST_FLIGHT, MOST_FLIGHT, FIRST_CELL, LAST_CELL = range(6)


@dataclass(frozen=True)
class Family:
    """Replicas whose groups come from given pools.

    Attributes
    ----------
    pools
        Host and, where there is one, sidecar.
    host, side
        Their shapes.
    wire
        The link between them.
    """

    pools: tuple[str, ...]
    host: OptionTree
    side: OptionTree | None
    wire: Wire | None


class NodeBounds:
    """Bounds nodes of one family."""

    def __init__(self, cost: CostModel, valuation: Valuation, family: Family) -> None:
        self._cost, self._valuation, self._family = cost, valuation, family
        self._sizes = family.host.sizes
        fleet, target = cost.scenario.fleet, cost.scenario.target
        self._usable = [fleet.device_of(pool).usable_bytes for pool in family.pools]
        self._longest_s = target.step_time_s

    def least_size(self, nodes: Integers) -> Integers:
        """Return the smallest grid size at or below every size of a node."""
        return np.maximum(nodes[:, FIRST_CELL] - 1, 0)

    def _pair(self, nodes: Integers, cells: Integers, in_flight: Array) -> Pair:
        family = self._family
        host = (nodes[:, HOST_NODE], cells)
        side = (nodes[:, SIDE_NODE], cells)
        return Pair(
            family.host.values[host],
            family.host.shares[host],
            None if family.side is None else family.side.values[side],
            None if family.side is None else family.side.shares[side],
            self._sizes[cells],
            in_flight,
        )

    def _loads(self, rows: RowBuilder, pace: Array) -> list[ClassLoad]:
        """Return the layer classes, times scaled: the path by 1, all else by the microbatches in flight."""
        loads = []
        for index, entry in enumerate(self._cost.classes):
            table = rows.rows(index)
            for number, placement in enumerate(table.placements):
                if placement.way is Way.RELAY:
                    table.times[number] += rows.return_trip()
            table.times[:, :, PATH + 1 :] *= pace[:, None]
            loads.append(ClassLoad(entry.count, table.times, table.host_bytes, table.side_bytes))
        return loads

    def _fixed(self, pair: Pair, rows: RowBuilder, pace: Array) -> Array:
        """Return what lies outside the layers, at least.

        Embedding and LM head take of the path, and of the device if there is one group. All ``relay`` layers but one
        need a trip back to the host; the rows charge all of them, so one is given back.
        """
        fields = self._cost.fields
        fixed = np.zeros((len(pace), NUM_TIMES))
        if pair.side is not None:
            fixed -= rows.return_trip()
            fixed[:, PATH + 1 :] *= pace[:, None]
        for column in (fields.embedding, fields.lm_head):
            host = pair.host[:, column]
            fixed[:, PATH] += host if pair.side is None else np.minimum(host, pair.side[:, column])
            if pair.side is None:
                fixed[:, HOST] += pair.host_share[:, column] * pace
        return fixed

    def _room(self, pair: Pair) -> tuple[Array, Array]:
        """Return the bytes left for layers on a device of host and sidecar, summed over nothing: per device."""
        fields = self._cost.fields
        room = []
        for number, values in enumerate((pair.host, pair.side)):
            if values is None:
                room.append(np.zeros(len(pair.tokens)))
                continue
            free = self._usable[number] - pair.in_flight * values[:, fields.buffer_bytes]
            if pair.side is None:
                outside = pair.host_share[:, fields.embedding_bytes] + pair.host_share[:, fields.lm_head_bytes]
                free = free - outside
            room.append(free)
        return room[0], room[1]

    def bound(self, nodes: Integers, cutoff: float) -> Array:
        """Return what no candidate of a node costs less than, US dollars per million tokens; inf where none fits.

        Parameters
        ----------
        nodes : ndarray, shape (num_nodes, 6)
            Columns as named in this module.
        cutoff
            Nodes bounded above it need no sharper bound.
        """
        with np.errstate(invalid="ignore"):
            value = self._bound(nodes, with_memory=False)
            open_ = value < cutoff
            if self._family.side is not None and open_.any():
                value[open_] = np.maximum(value[open_], self._bound(nodes[open_], with_memory=True))
        return value

    def _bound(self, nodes: Integers, *, with_memory: bool) -> Array:
        low = self._pair(nodes, self.least_size(nodes), nodes[:, LEAST_FLIGHT].astype(np.float64))
        rows = RowBuilder(self._cost, self._family.wire, low)
        room = self._room(low)
        loads = self._loads(rows, low.in_flight)
        memory = room if with_memory else None
        least_step = step_bound(loads, self._fixed(low, rows, low.in_flight), memory)
        high = self._pair(nodes, nodes[:, LAST_CELL], nodes[:, MOST_FLIGHT].astype(np.float64))
        high_rows = RowBuilder(self._cost, self._family.wire, high)
        top = self._loads(high_rows, np.ones(len(nodes)))
        for load, held in zip(top, loads, strict=True):
            load.times[:, :, PATH] /= high.in_flight
            load.host_bytes[:] = held.host_bytes
            load.side_bytes[:] = held.side_bytes
        fixed = self._fixed(high, high_rows, np.ones(len(nodes)))
        fixed[:, PATH] /= high.in_flight
        token_time = step_bound(top, fixed, memory) / high.tokens
        token_time = np.maximum(token_time, least_step / (high.tokens * high.in_flight))
        family = self._family
        price = family.host.least_usd_per_hour[nodes[:, HOST_NODE]]
        replicas = family.host.most_replicas[nodes[:, HOST_NODE]]
        if family.side is not None:
            price = price + family.side.least_usd_per_hour[nodes[:, SIDE_NODE]]
            replicas = np.minimum(replicas, family.side.most_replicas[nodes[:, SIDE_NODE]])
        value = self._valuation.floor(price, token_time, replicas)
        fits = self._fits(loads, room) & (least_step <= self._longest_s * (1.0 + 1e-9))
        return np.where(fits & np.isfinite(value), value, np.inf)

    def _fits(self, loads: list[ClassLoad], room: tuple[Array, Array]) -> Array:
        """Return whether the lightest placement of everything fits each group."""
        fits = np.ones(len(room[0]), dtype=bool)
        for number in range(len(self._family.pools)):
            held = sum(
                load.count * (load.host_bytes if number == 0 else load.side_bytes).min(axis=0) for load in loads
            )
            fits &= held <= room[number] * (1.0 + 1e-12)
        return fits

