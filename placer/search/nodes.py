"""Nodes of the branch-and-bound: sets of candidates, and what none of them can beat.

A node is a range in every dimension: shapes of the host (a tree node), of the sidecar (another), microbatches in
flight, and cells of the batch-size grid. For fixed groups and placement, step time per token ``T' / (m b)`` never rises
with ``m`` or ``b``, and what the target and memory forbid grows with both (``docs/method.md``, section 4). So a node is
bounded with the times of its largest corner and the room of its smallest.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from placer.cost.group import Array
from placer.search.dual import FOREVER_S, ClassLoad, step_bound
from placer.search.rows import HOST, NUM_TIMES, PATH, Pair, RowBuilder, Way, Wire
from placer.search.tables import CostModel
from placer.search.tree import OptionTree
from placer.search.value import Valuation

Integers = NDArray[np.int64]
#: Columns of a node array.
HOST_NODE, SIDE_NODE, LEAST_FLIGHT, MOST_FLIGHT, FIRST_CELL, LAST_CELL = range(6)


class Sharpness(IntEnum):
    """How closely a bound looks: at times, also at bytes, at layers as whole items of two to four to a device."""

    TIMES = 0
    BYTES = 1
    HALVES = 2
    THIRDS = 3
    QUARTERS = 4


#: Tried one after the other on nodes that the ones before could not close.
SHARPER = (Sharpness.BYTES, Sharpness.HALVES, Sharpness.THIRDS, Sharpness.QUARTERS)


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

    def least_point(self, nodes: Integers) -> Integers:
        """Return the index of a size at or below every size of a node that suits the host's ranks.

        Where the smallest such size is the largest of its cell, that one.
        """
        tree, cell = self._family.host, nodes[:, FIRST_CELL]
        ranks = tree.ranks[nodes[:, HOST_NODE]]
        smallest = np.ceil(tree.points[2 * cell] / ranks) * ranks
        single = nodes[:, HOST_NODE] >= tree.first_leaf
        return np.asarray(2 * cell + (single & (smallest >= tree.points[2 * cell + 1])), dtype=np.int64)

    def _has_sizes(self, nodes: Integers) -> NDArray[np.bool_]:
        """Return which nodes have a microbatch size that deals every rank at least one sequence."""
        return self._sizes[nodes[:, LAST_CELL]] >= self._family.host.ranks[nodes[:, HOST_NODE]]

    def _pair(self, nodes: Integers, points: Integers, in_flight: Array) -> Pair:
        family = self._family
        host = (nodes[:, HOST_NODE], points)
        side = (nodes[:, SIDE_NODE], points)
        return Pair(
            family.host.values[host],
            family.host.shares[host],
            None if family.side is None else family.side.values[side],
            None if family.side is None else family.side.shares[side],
            family.host.points[points],
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

    def _single_layers(self, rows: RowBuilder, pair: Pair) -> list[tuple[Array, Array]]:
        """Return, by class, what one layer takes of a device of host and sidecar, as a share of what is free there.

        Each of shape (num_placements, num_nodes); more than 1 does not fit.
        """
        column = self._cost.fields.buffer_bytes
        groups = [values for values in (pair.host, pair.side) if values is not None]
        free = [
            np.maximum(usable - pair.in_flight * values[:, column], 1e-9)
            for usable, values in zip(self._usable, groups, strict=True)
        ]
        taken = []
        for index in range(len(self._cost.classes)):
            host, side = rows.held_bytes(index, pair.host, pair.side)
            taken.append((host / free[0], side / free[-1]))
        return taken

    def _rounded_volumes(
        self, pair: Pair, single: list[tuple[Array, Array]], parts: int
    ) -> tuple[list[tuple[Array, Array]], tuple[Array, Array]]:
        """Return shares of layers and capacities, in stages, after rounding by a dual feasible function."""
        one, column = np.ones(len(pair.tokens)), self._cost.fields.one
        shares = [values[:, column] for values in (pair.host_share, pair.side_share) if values is not None]
        volumes = [
            (rounded_share(host, parts) * shares[0], rounded_share(side, parts) * shares[-1]) for host, side in single
        ]
        return volumes, (one, one)

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
            value = self._bound(nodes, Sharpness.TIMES)
            for sharpness in SHARPER if self._family.side is not None else ():
                open_ = value < cutoff
                if sharpness > Sharpness.BYTES:
                    open_ &= self._has_single_shapes(nodes)
                if open_.any():
                    value[open_] = np.maximum(value[open_], self._bound(nodes[open_], sharpness))
        return value

    def _has_single_shapes(self, nodes: Integers) -> NDArray[np.bool_]:
        """Return which nodes have one shape per group; on others layers as whole items tell little."""
        side = self._family.side
        single = nodes[:, HOST_NODE] >= self._family.host.first_leaf
        return single if side is None else single & (nodes[:, SIDE_NODE] >= side.first_leaf)

    def _bound(self, nodes: Integers, sharpness: Sharpness) -> Array:
        low = self._pair(nodes, self.least_point(nodes), nodes[:, LEAST_FLIGHT].astype(np.float64))
        rows = RowBuilder(self._cost, self._family.wire, low)
        room = self._room(low)
        loads = self._loads(rows, low.in_flight)
        fits = self._fits(loads, room) & self._has_sizes(nodes)
        single = self._single_layers(rows, low)
        if sharpness > Sharpness.BYTES:
            volumes, room = self._rounded_volumes(low, single, int(sharpness) - int(Sharpness.BYTES))
            loads = [load.with_volumes(*held) for load, held in zip(loads, volumes, strict=True)]
        _block(loads, single)
        memory = None if sharpness is Sharpness.TIMES else room
        least_step = step_bound(loads, self._fixed(low, rows, low.in_flight), memory)
        high = self._pair(nodes, 2 * nodes[:, LAST_CELL] + 1, nodes[:, MOST_FLIGHT].astype(np.float64))
        high_rows = RowBuilder(self._cost, self._family.wire, high)
        top = self._loads(high_rows, np.ones(len(nodes)))
        top = [load.with_volumes(held.host_bytes, held.side_bytes) for load, held in zip(top, loads, strict=True)]
        for load in top:
            load.times[:, :, PATH] /= high.in_flight
        _block(top, single)
        fixed = self._fixed(high, high_rows, np.ones(len(nodes)))
        fixed[:, PATH] /= high.in_flight
        token_time = step_bound(top, fixed, memory) / high.tokens
        token_time = np.maximum(token_time, least_step / (high.tokens * high.in_flight))
        price, replicas = self._rent(nodes)
        value = self._valuation.floor(price, token_time, replicas)
        fits &= least_step <= self._longest_s * (1.0 + 1e-9)
        return np.where(fits & np.isfinite(value), value, np.inf)

    def _rent(self, nodes: Integers) -> tuple[Array, Array]:
        """Return the least price per replica and the most replicas; units are shared by no more than these."""
        host, side = self._family.host, self._family.side
        replicas = host.most_replicas[nodes[:, HOST_NODE]]
        if side is None:
            return host.least_usd_per_hour[nodes[:, HOST_NODE]], replicas
        replicas = np.minimum(replicas, side.most_replicas[nodes[:, SIDE_NODE]])
        cap = np.ceil(np.log2(np.maximum(replicas, 1.0))).astype(np.int64)
        price = host.least_by_cap[nodes[:, HOST_NODE], cap] + side.least_by_cap[nodes[:, SIDE_NODE], cap]
        return price, replicas

    def _fits(self, loads: list[ClassLoad], room: tuple[Array, Array]) -> Array:
        """Return whether the lightest placement of everything fits each group."""
        fits = np.ones(len(room[0]), dtype=bool)
        for number in range(len(self._family.pools)):
            held = sum(
                load.count * (load.host_bytes if number == 0 else load.side_bytes).min(axis=0) for load in loads
            )
            fits &= held <= room[number] * (1.0 + 1e-12)
        return fits


def rounded_share(share: Array, parts: int) -> Array:
    """Return bin shares after the dual feasible function ``u(k)`` of Fekete and Schepers, ``k = parts``.

    ``u(x) = floor((k+1) x) / k``, and ``x`` where ``(k+1) x`` is whole: shares that fit a bin together still do.
    With ``k = 1`` everything above one half counts a whole bin.

    >>> rounded_share(np.array([0.3, 0.5, 0.6]), 1).tolist()
    [0.0, 0.5, 1.0]
    """
    scaled = (parts + 1) * share * (1.0 - 1e-12)
    whole = np.floor(scaled)
    is_whole = np.abs(scaled - np.rint(scaled)) < 1e-9
    return np.where(is_whole, np.minimum(share, whole / parts), whole / parts)


def _block(loads: list[ClassLoad], single: list[tuple[Array, Array]]) -> None:
    """Make placements that fit no device take for ever."""
    for load, (host, side) in zip(loads, single, strict=True):
        load.times[(host > 1.0 + 1e-12) | (side > 1.0 + 1e-12)] = FOREVER_S
