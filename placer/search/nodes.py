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
from placer.cost.room import alone, exchange_rate
from placer.plan.placement import Way
from placer.scenario.space import Space
from placer.search.ascent import PARTS, Uses, hopeless, rounded_share
from placer.search.beside import beside
from placer.search.dual import FOREVER_S, ClassLoad, step_bound
from placer.search.rows import HOST, NUM_TIMES, PATH, Pair, RowBuilder, Wire, placements_of
from placer.search.tables import CostModel
from placer.search.tree import OptionTree
from placer.search.value import Footprint, Objective, Valuation

Integers = NDArray[np.int64]
#: Columns of a node array.
HOST_NODE, SIDE_NODE, LEAST_FLIGHT, MOST_FLIGHT, FIRST_CELL, LAST_CELL = range(6)

#: Share of the longest step from which a hop between the groups counts as dear.
DEAR_TRIP = 0.01


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
    space
        The declared space.
    """

    pools: tuple[str, ...]
    host: OptionTree
    side: OptionTree | None
    wire: Wire | None
    space: Space


class NodeBounds:
    """Bounds nodes of one family."""

    def __init__(self, cost: CostModel, objective: Objective, family: Family) -> None:
        self._cost, self._objective, self._family = cost, objective, family
        self._sizes = family.host.sizes
        fleet, target = cost.scenario.fleet, cost.scenario.target
        rates = [exchange_rate(fleet.device_of(pool)) for pool in family.pools]
        self._rates = (rates[0], rates[-1])
        self._usable = [fleet.device_of(pool).usable_bytes for pool in family.pools]
        self._longest_s = target.step_time_s
        drafter = cost.step.beside
        self._drafter_usd_per_hour = (
            0.0 if drafter is None else Valuation(cost.scenario).lowest_usd_per_hour((drafter,))
        )

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
        host, side = self._family.host, self._family.side
        host_values = host.values[nodes[:, HOST_NODE], points]
        host_share = host_values / host.stages[nodes[:, HOST_NODE], None]
        sizes = host.points[points]
        if side is None:
            return Pair(host_values, host_share, None, None, sizes, in_flight, self._rates)
        side_values = side.values[nodes[:, SIDE_NODE], points]
        side_share = side_values / side.stages[nodes[:, SIDE_NODE], None]
        return Pair(host_values, host_share, side_values, side_share, sizes, in_flight, self._rates)

    def _loads(self, rows: RowBuilder, pace: Array) -> list[ClassLoad]:
        """Return the layer classes, times scaled: the path by 1, all else by the microbatches in flight."""
        loads, trip = [], self._trip(rows)
        for index, entry in enumerate(self._cost.classes):
            table = rows.rows(index)
            for number, placement in enumerate(table.placements):
                if placement.way is Way.RELAY:
                    table.times[number] += trip
            table.times[:, :, PATH + 1 :] *= pace[:, None]
            loads.append(ClassLoad(entry.count, table.times, table.host_bytes, table.side_bytes))
        return loads

    def _stage_hop(self, nodes: Integers, pair: Pair) -> Array:
        """Return the time of a hop between stages of the host, 0 where it may have only one."""
        staged = self._family.host.fewest_stages[nodes[:, HOST_NODE]] > 1
        return np.where(staged, pair.host[:, self._cost.fields.stage_hop], 0.0)

    def _charge_stage_hops(
        self, loads: list[ClassLoad], fixed: Array, single: list[tuple[Array, Array]], hop: Array
    ) -> None:
        """Charge the path for hops between stages of the host.

        Layers that visit the host fill at least the sum of their shares of a stage, and every stage but those entered
        from the sidecar (at most once per layer that leaves the host) or from the start costs a hop.
        """
        for index, (load, (share, _)) in enumerate(zip(loads, single, strict=True)):
            has_side = self._family.side is not None
            for number, placement in enumerate(placements_of(self._cost, index, has_side=has_side)):
                if placement.way is not Way.AWAY:
                    load.times[number, :, PATH] += hop * np.minimum(share[number], 1.0)
                if placement.way in {Way.AWAY, Way.RELAY}:
                    load.times[number, :, PATH] -= hop
        fixed[:, PATH] -= hop

    def _trip(self, rows: RowBuilder) -> Array:
        """Return what is charged for the way back of a ``relay`` layer, shape (num_nodes, 9).

        Nothing where one trip, which must be given back, is so long that charging it would gain little.
        """
        trip = rows.return_trip()
        trip[trip[:, PATH] > DEAR_TRIP * self._longest_s] = 0.0
        return trip

    def _fixed(self, pair: Pair, rows: RowBuilder, pace: Array) -> Array:
        """Return what lies outside the layers, at least.

        Embedding and LM head take of the path, and of the device if there is one group. All ``relay`` layers but one
        need a trip back to the host (`_trip`); the rows charge all of them, so one is given back.
        """
        fields = self._cost.fields
        fixed = np.zeros((len(pace), NUM_TIMES))
        if pair.side is not None:
            fixed -= self._trip(rows)
            fixed[:, PATH + 1 :] *= pace[:, None]
        for column in (fields.embedding, fields.lm_head):
            host = pair.host[:, column]
            fixed[:, PATH] += host if pair.side is None else np.minimum(host, pair.side[:, column])
            if pair.side is None:
                fixed[:, HOST] += pair.host_share[:, column] * pace
        fixed[:, PATH] += beside(self._cost, self._family.pools, pair.tokens).path_s
        return fixed

    def _room(self, pair: Pair) -> tuple[Array, Array]:
        """Return the bytes left for layers on a device of host and sidecar, summed over nothing: per device."""
        fields = self._cost.fields
        room = []
        for number, values in enumerate((pair.host, pair.side)):
            if values is None:
                room.append(np.zeros(len(pair.tokens)))
                continue
            rate = pair.rates[number]
            free = self._usable[number] - alone(pair.in_flight * values[:, fields.buffer_bytes], rate)
            if pair.side is None:
                outside = pair.host_share[:, fields.embedding_bytes] + pair.host_share[:, fields.lm_head_bytes]
                free = free - outside - alone(pair.in_flight * pair.host_share[:, fields.draft_bytes], rate)
            room.append(free)
        return room[0], room[1]

    def _single_layers(self, rows: RowBuilder, pair: Pair) -> list[tuple[Array, Array]]:
        """Return, by class, what one layer takes of a device of host and sidecar, as a share of what is free there.

        Each of shape (num_placements, num_nodes); more than 1 does not fit.
        """
        column = self._cost.fields.buffer_bytes
        groups = [values for values in (pair.host, pair.side) if values is not None]
        free = [
            np.maximum(usable - alone(pair.in_flight * values[:, column], rate), 1e-9)
            for usable, values, rate in zip(self._usable, groups, pair.rates, strict=False)
        ]
        taken = []
        for index in range(len(self._cost.classes)):
            host, side = rows.held_bytes(index, pair.host, pair.side)
            taken.append((host / free[0], side / free[-1]))
        return taken

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
                open_ = (value < cutoff) & self._has_single_shapes(nodes)
                if open_.any():
                    value[open_] = np.maximum(value[open_], self._prove(nodes[open_], cutoff))
        return value

    def _has_single_shapes(self, nodes: Integers) -> NDArray[np.bool_]:
        """Return which nodes have one shape per group."""
        side = self._family.side
        single = nodes[:, HOST_NODE] >= self._family.host.first_leaf
        return single if side is None else single & (nodes[:, SIDE_NODE] >= side.first_leaf)

    def _prove(self, nodes: Integers, cutoff: float) -> Array:
        """Return infinity for nodes proven to miss the target, ``cutoff`` for those proven to cost as much, else 0."""
        low = self._pair(nodes, self.least_point(nodes), nodes[:, LEAST_FLIGHT].astype(np.float64))
        rows = RowBuilder(self._cost, self._family.wire, low)
        loads, single = self._loads(rows, low.in_flight), self._single_layers(rows, low)
        fixed = self._fixed(low, rows, low.in_flight)
        self._charge_stage_hops(loads, fixed, single, self._stage_hop(nodes, low))
        stages = [np.ones(len(nodes)) / tree.stages[nodes[:, column]] for tree, column in self._trees()]
        longest = np.full(len(nodes), self._longest_s * (1.0 + 1e-9))
        missed = hopeless(*_uses(loads, fixed, (single, stages), longest))
        if not np.isfinite(cutoff):
            return np.where(missed, np.inf, 0.0)
        high = self._pair(nodes, 2 * nodes[:, LAST_CELL] + 1, nodes[:, MOST_FLIGHT].astype(np.float64))
        rows = RowBuilder(self._cost, self._family.wire, high)
        loads, fixed = self._loads(rows, high.in_flight), self._fixed(high, rows, high.in_flight)
        self._charge_stage_hops(loads, fixed, single, self._stage_hop(nodes, high))
        footprint, _ = self._rent(nodes)
        longest = self._objective.longest_step_at(footprint, high.tokens * high.in_flight, cutoff)
        dear = hopeless(*_uses(loads, fixed, (single, stages), np.maximum(longest, 1e-12)))
        return np.where(missed, np.inf, np.where(dear, cutoff, 0.0))

    def _trees(self) -> list[tuple[OptionTree, int]]:
        family = self._family
        host = [(family.host, HOST_NODE)]
        return host if family.side is None else [*host, (family.side, SIDE_NODE)]

    def _bound(self, nodes: Integers, *, with_memory: bool) -> Array:
        low = self._pair(nodes, self.least_point(nodes), nodes[:, LEAST_FLIGHT].astype(np.float64))
        rows = RowBuilder(self._cost, self._family.wire, low)
        room = self._room(low)
        loads = self._loads(rows, low.in_flight)
        fits = np.logical_and(self._fits(loads, room), self._has_sizes(nodes))
        single = self._single_layers(rows, low)
        fixed = self._fixed(low, rows, low.in_flight)
        self._charge_stage_hops(loads, fixed, single, self._stage_hop(nodes, low))
        _block(loads, single)
        memory = room if with_memory else None
        least_step = step_bound(loads, fixed, memory)
        fits &= least_step <= self._longest_s * (1.0 + 1e-9)
        value = np.full(len(nodes), np.inf)
        if fits.any():
            at_room = [(load.host_bytes[:, fits], load.side_bytes[:, fits]) for load in loads]
            alone = [(host[:, fits], side[:, fits]) for host, side in single]
            free = (room[0][fits], room[1][fits]) if with_memory else None
            value[fits] = self._value(nodes[fits], least_step[fits], at_room, alone, free)
        return value

    def _value(
        self,
        nodes: Integers,
        least_step: Array,
        held: list[tuple[Array, Array]],
        single: list[tuple[Array, Array]],
        memory: tuple[Array, Array] | None,
    ) -> Array:
        """Return the bound on the objective: times of the largest corner, bytes and room of the smallest."""
        high = self._pair(nodes, 2 * nodes[:, LAST_CELL] + 1, nodes[:, MOST_FLIGHT].astype(np.float64))
        rows = RowBuilder(self._cost, self._family.wire, high)
        loads = [
            load.with_volumes(*volumes)
            for load, volumes in zip(self._loads(rows, np.ones(len(nodes))), held, strict=True)
        ]
        fixed = self._fixed(high, rows, np.ones(len(nodes)))
        self._charge_stage_hops(loads, fixed, single, self._stage_hop(nodes, high))
        for load in loads:
            load.times[:, :, PATH] /= high.in_flight
        _block(loads, single)
        fixed[:, PATH] /= high.in_flight
        token_time = step_bound(loads, fixed, memory) / high.tokens
        token_time = np.maximum(token_time, least_step / (high.tokens * high.in_flight))
        footprint, replicas = self._rent(nodes)
        value = self._objective.floor(footprint, token_time, least_step, replicas)
        return np.where(np.isfinite(value), value, np.inf)

    def _rent(self, nodes: Integers) -> tuple[Footprint, Array]:
        """Return the least price per replica and the most replicas; units are shared by no more than these."""
        host, side = self._family.host, self._family.side
        replicas = host.most_replicas[nodes[:, HOST_NODE]]
        if side is None:
            alone = host.least_usd_per_hour[nodes[:, HOST_NODE]] + self._drafter_usd_per_hour
            return Footprint(self._family.pools, (alone,)), replicas
        replicas = np.minimum(replicas, side.most_replicas[nodes[:, SIDE_NODE]])
        cap = np.ceil(np.log2(np.maximum(replicas, 1.0))).astype(np.int64)
        host_price = host.least_by_cap[nodes[:, HOST_NODE], cap] + self._drafter_usd_per_hour
        prices = host_price, side.least_by_cap[nodes[:, SIDE_NODE], cap]
        return Footprint(self._family.pools, prices), replicas

    def _fits(self, loads: list[ClassLoad], room: tuple[Array, Array]) -> Array:
        """Return whether the lightest placement of everything fits each group."""
        fits = np.ones(len(room[0]), dtype=bool)
        for number in range(len(self._family.pools)):
            held = sum(load.count * (load.host_bytes if number == 0 else load.side_bytes).min(axis=0) for load in loads)
            fits &= held <= room[number] * (1.0 + 1e-12)
        return fits


def _block(loads: list[ClassLoad], single: list[tuple[Array, Array]]) -> None:
    """Make placements that fit no device take for ever."""
    for load, (host, side) in zip(loads, single, strict=True):
        load.times[(host > 1.0 + 1e-12) | (side > 1.0 + 1e-12)] = FOREVER_S


def _uses(
    loads: list[ClassLoad],
    fixed: Array,
    layers: tuple[list[tuple[Array, Array]], list[Array]],
    longest_s: Array,
) -> tuple[list[Uses], Array]:
    """Return what layers, and everything else, use of all limits on a step and on memory.

    Parameters
    ----------
    loads, fixed
        Times of layers and of the rest.
    layers
        By class: a layer's share of what a device of host and sidecar has free. And, by group, one over its stages.
    longest_s
        The longest step of interest, by node.
    """
    single, stages = layers
    uses = []
    for load, shares in zip(loads, single, strict=True):
        columns = [load.times[:, :, number] / longest_s for number in range(NUM_TIMES)]
        for share, per_stage in zip(shares, stages, strict=False):
            columns.append(share * per_stage)
            columns += [rounded_share(share, parts) * per_stage for parts in PARTS]
            columns[0] = np.where(share > 1.0 + 1e-12, FOREVER_S, columns[0])
        uses.append(Uses(load.count, np.stack(columns, axis=2)))
    room = np.zeros((len(fixed), uses[0].share.shape[2] - NUM_TIMES))
    return uses, np.concatenate([fixed / longest_s[:, None], room], axis=1)
