"""From groups, batch and cost model to a sizing problem in integers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from placer.cost.collective import hop_s
from placer.cost.group import Array, Group, build_group, exact_batch, relaxed_batch
from placer.cost.room import alone, exchange_rate
from placer.cost.shape import GroupShape
from placer.search.beside import beside, fits
from placer.search.quantize import bytes_up, capacity_down, time_up, times_up
from placer.search.rows import Pair, RowBuilder, Wire
from placer.search.sizing.problem import (
    NO_DRAFTER,
    ClassTable,
    Crossing,
    DrafterTimes,
    Outside,
    Run,
    SizingProblem,
    share_of,
)
from placer.search.tables import CostModel, Dealer, stage_values

#: No step is ever longer than this [s].
LONGEST_STEP_S = 1_000.0
#: Bytes of a token id on its way back to the embedding.
TOKEN_ID_BYTES = 4


@dataclass(frozen=True)
class Candidate:
    """Groups and a batch, without a say on where layers lie.

    Attributes
    ----------
    host, side
        The groups; ``side`` is None in a replica of one group.
    in_flight
        Microbatches in flight.
    least, most
        Microbatch sizes, tokens of the whole replica: room is made for the least, time is taken for the most. A plan
        has equal ones; a range gives a bound for all sizes in it.
    """

    host: GroupShape
    side: GroupShape | None
    in_flight: int
    least: int
    most: int

    @property
    def shapes(self) -> tuple[GroupShape, ...]:
        """The groups."""
        return (self.host,) if self.side is None else (self.host, self.side)


def wire_between(cost: CostModel, host: str, side: str | None) -> Wire | None:
    """Return the link between two pools, or None without a sidecar."""
    fleet = cost.scenario.fleet
    cross = fleet.cross_link(host, side) if side else None
    if cross is None or side is None:
        return None
    link = fleet.link_types[cross.link]
    return Wire(
        link.latency,
        fleet.port_bytes_per_s(cross, host),
        fleet.port_bytes_per_s(cross, side),
        link.duplex == "half",
    )


def model_runs(cost: CostModel) -> tuple[Run, ...]:
    """Return the model's layers as runs of equal ones."""
    class_of = {layer: index for index, entry in enumerate(cost.classes) for layer in entry.layers}
    order = [class_of[layer] for layer in range(len(class_of))]
    grouped = [(index, len(list(members))) for index, members in groupby(order)]
    return tuple(Run(number, count, index) for number, (index, count) in enumerate(grouped))


class ProblemBuilder:
    """Builds sizing problems; remembers tables of shapes and batch sizes."""

    def __init__(self, cost: CostModel, placed: CostModel | None = None) -> None:
        self._cost, self._runs = cost, model_runs(cost)
        self._placed = ProblemBuilder(placed) if placed is not None else self
        self._tables: dict[tuple[GroupShape, int, int, Dealer], Array] = {}

    def values(self, shape: GroupShape, candidate: Candidate, deal: Dealer) -> Array:
        """Return a shape's table at the candidate's smallest and largest size."""
        flat = replace(shape, stages=1)
        key = (flat, candidate.least, candidate.most, deal)
        if key not in self._tables:
            sizes = np.array([candidate.least, candidate.most], dtype=np.float64)
            self._tables[key] = stage_values(self._cost, flat, sizes, deal)
        return self._tables[key]

    def build(self, candidate: Candidate, deal: Dealer, longest_s: float) -> SizingProblem:
        """Return the sizing problem of a candidate.

        Parameters
        ----------
        candidate
            Groups and batch.
        deal
            `exact_batch` for a plan, `relaxed_batch` for a bound over a range of sizes.
        longest_s
            No step longer than this is of interest.
        """
        host = self.values(candidate.host, candidate, deal)
        side = None if candidate.side is None else self.values(candidate.side, candidate, deal)
        return self._problem(candidate, (host, side), longest_s, deal)

    def build_together(self, candidates: list[Candidate], sizes: Candidate, longest_s: float) -> SizingProblem:
        """Return one sizing problem that bounds several candidates: tables at least as good as all of theirs.

        Parameters
        ----------
        candidates
            Of equal pools, stages, widths and microbatches in flight.
        sizes
            One of them, at the sizes wanted.
        longest_s
            No step longer than this is of interest.
        """
        hosts = {one.host: self.values(one.host, sizes, relaxed_batch) for one in candidates}
        sides = {one.side: self.values(one.side, sizes, relaxed_batch) for one in candidates if one.side is not None}
        side = np.minimum.reduce(list(sides.values())) if sides else None
        return self._problem(sizes, (np.minimum.reduce(list(hosts.values())), side), longest_s, relaxed_batch)

    def _problem(
        self, candidate: Candidate, tables: tuple[Array, Array | None], longest_s: float, deal: Dealer
    ) -> SizingProblem:
        (host, side), cost = tables, self._cost
        tokens = np.array([candidate.least, candidate.most], dtype=np.float64)
        devices = [cost.scenario.fleet.device_of(shape.pool) for shape in candidate.shapes]
        rates = exchange_rate(devices[0]), exchange_rate(devices[-1])
        pair = Pair(host, host, side, side, tokens, np.full(2, float(candidate.in_flight)), rates)
        wire = wire_between(cost, candidate.host.pool, candidate.side.pool if candidate.side else None)
        rows = RowBuilder(cost, wire, pair)
        fields = cost.fields
        stages = (candidate.host.stages, candidate.side.stages if candidate.side else 0)
        shares = share_of(candidate.in_flight, stages[0]), share_of(candidate.in_flight, stages[1])
        return SizingProblem(
            runs=self._runs,
            classes=tuple(_class_table(rows, index, shares) for index in range(len(cost.classes))),
            embedding=_outside(pair, fields.embedding, (fields.embedding_bytes, None)),
            lm_head=_outside(pair, fields.lm_head, (fields.lm_head_bytes, fields.draft_bytes)),
            crossing=self._crossing(candidate, rows, wire),
            stages=stages,
            in_flight=candidate.in_flight,
            capacity=self._capacity(candidate, pair) if _drafter_fits(cost, candidate, deal) else (0, 0),
            longest=time_up(longest_s),
            drafter=_drafter(cost, candidate, deal),
        )

    def exact(self, candidate: Candidate) -> SizingProblem:
        """Return the sizing problem of a plan: expert loads of a layout, steps of any length."""
        return self._placed.build(candidate, exact_batch, LONGEST_STEP_S)

    @property
    def placed(self) -> ProblemBuilder:
        """The builder with the expert loads of a layout."""
        return self._placed

    @property
    def has_bounds_only(self) -> bool:
        """Whether times of `build` are lower bounds because experts are not equally popular."""
        return self._placed is not self

    def _capacity(self, candidate: Candidate, pair: Pair) -> tuple[int, int]:
        column, fleet = self._cost.fields.buffer_bytes, self._cost.scenario.fleet
        room = []
        sides = (candidate.host, pair.host, pair.rates[0]), (candidate.side, pair.side, pair.rates[1])
        for shape, values, rate in sides:
            if shape is None or values is None:
                room.append(0)
                continue
            usable = fleet.device_of(shape.pool).usable_bytes
            room.append(capacity_down(usable - alone(candidate.in_flight * float(values[0, column]), rate)))
        return room[0], room[1]

    def _crossing(self, candidate: Candidate, rows: RowBuilder, wire: Wire | None) -> Crossing:
        hidden, nothing = rows.hidden_message(), np.zeros(2)
        groups = [build_group(self._cost.scenario.fleet, shape) for shape in candidate.shapes]
        message = float(hidden[1])
        ids = float(candidate.most * TOKEN_ID_BYTES * self._cost.step.width)
        stage = [_stage_hop(group, message, gather) for group, gather in zip(groups, rows.gathers(), strict=True)]
        stage_token = [_stage_hop(group, ids, 0.0) for group in groups]
        return Crossing(
            to_side=time_up(float(rows.to_side_s()[1])) if wire else 0,
            to_host=time_up(float(rows.to_host_s()[1])) if wire else 0,
            token=time_up(float(rows.hop_s(np.array([ids, ids]))[1])),
            ports=(_four(rows.ports(hidden, nothing)), _four(rows.ports(nothing, hidden))),
            stage=_two(stage),
            stage_token=_two(stage_token),
        )


def _drafter_fits(cost: CostModel, candidate: Candidate, deal: Dealer) -> bool:
    return fits(cost, float(candidate.least), candidate.in_flight, deal)


def _drafter(cost: CostModel, candidate: Candidate, deal: Dealer) -> DrafterTimes:
    """Return the times of a drafter on a pool of its own."""
    if cost.step.beside is None:
        return NO_DRAFTER
    pools = tuple(shape.pool for shape in candidate.shapes)
    times = beside(cost, pools, np.array([float(candidate.most)]), deal)
    return DrafterTimes(*(time_up(float(time[0])) for time in (times.path_s, times.busy_s, times.alone_s)))


def _stage_hop(group: Group, message_bytes: float, gather_s: float) -> int:
    """Return the time of a hop from one stage of a group to another, 0 where there is only one."""
    if group.shape.stages == 1:
        return 0
    link = group.stage_link
    return time_up(hop_s(link.latency, group.shape.width * link.effective_bytes_per_s, message_bytes) + gather_s)


def _class_table(rows: RowBuilder, index: int, shares: tuple[int, int]) -> ClassTable:
    table = rows.rows(index)
    return ClassTable(
        table.placements,
        times_up(table.times[:, 1]),
        bytes_up(table.host_bytes[:, 0]),
        bytes_up(table.side_bytes[:, 0]),
        times_up(rows.turns(index, table, shares)[..., 1]),
    )


def _outside(pair: Pair, time: int, held: tuple[int, int | None]) -> Outside:
    """Return time and bytes of an op; ``held`` are the columns of its weights, and of what every microbatch keeps."""
    sides = [values for values in (pair.host, pair.side) if values is not None]
    weights, kept = held
    volumes = [
        values[:, weights] + (0.0 if kept is None else alone(pair.in_flight * values[:, kept], rate))
        for values, rate in zip(sides, pair.rates, strict=False)
    ]
    return Outside(
        _two([time_up(float(values[1, time])) for values in sides]),
        _two([int(bytes_up(volume)[0]) for volume in volumes]),
    )


def _two(values: list[int]) -> tuple[int, int]:
    return values[0], values[1] if len(values) > 1 else 0


def _four(values: Array) -> tuple[int, int, int, int]:
    first, second, third, fourth = (time_up(float(value)) for value in values[1])
    return first, second, third, fourth
