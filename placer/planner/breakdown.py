"""Where the critical path goes: attention, FFN, links, floors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from placer.catalog.device import Device
from placer.catalog.fleet import Fleet
from placer.catalog.link import Link
from placer.cost.group import exact_batch
from placer.plan.metrics import TimeShares
from placer.plan.placement import Way
from placer.search.layout.evaluate import hops_of
from placer.search.layout.layout import class_of_layer, placement_of
from placer.search.leaf import Found
from placer.search.rows import Pair, RowBuilder
from placer.search.sizing.build import ProblemBuilder, wire_between
from placer.search.tables import CostModel


@dataclass(frozen=True)
class _Parts:
    attention: float
    ffn: float
    outside: float
    links: float

    @property
    def total(self) -> float:
        return self.attention + self.ffn + self.outside + self.links


def time_shares(cost: CostModel, found: Found) -> TimeShares:
    """Return the parts of the critical path; floors are what would be saved if nothing cost anything to start."""
    full = _parts(cost, found)
    scenario = cost.scenario.model_copy(update={"fleet": without_floors(cost.scenario.fleet)})
    bare = _parts(replace(cost, scenario=scenario), found)
    return TimeShares(
        path_s=full.total,
        attention_s=bare.attention,
        ffn_s=bare.ffn,
        embedding_and_head_s=bare.outside,
        links_s=bare.links,
        floors_s=max(0.0, full.total - bare.total),
    )


def without_floors(fleet: Fleet) -> Fleet:
    """Return a fleet whose kernels, collectives and links start in no time."""

    def bare_device(device: Device) -> Device:
        kernels = tuple(kernel.model_copy(update={"floor": 0.0}) for kernel in device.kernels)
        return device.model_copy(update={"kernels": kernels})

    def bare_link(link: Link) -> Link:
        return link.model_copy(update={"latency": 0.0, "all_reduce": (), "all_to_all": ()})

    return fleet.model_copy(
        update={
            "devices": {name: bare_device(device) for name, device in fleet.devices.items()},
            "link_types": {name: bare_link(link) for name, link in fleet.link_types.items()},
        }
    )


def _parts(cost: CostModel, found: Found) -> _Parts:
    builder, candidate = ProblemBuilder(cost), found.candidate
    problem = builder.exact(candidate)
    host = builder.values(candidate.host, candidate, exact_batch)
    side = None if candidate.side is None else builder.values(candidate.side, candidate, exact_batch)
    sizes = np.full(2, float(candidate.most))
    pair = Pair(host, host, side, side, sizes, np.full(2, float(candidate.in_flight)))
    wire = wire_between(cost, candidate.host.pool, candidate.side.pool if candidate.side else None)
    layers = _LayerParts(cost, RowBuilder(cost, wire, pair), pair)
    attention = ffn = links = 0.0
    kinds = Counter(
        (index, placement_of(problem, found.layout, layer)) for layer, index in enumerate(class_of_layer(problem))
    )
    for (index, placement), count in kinds.items():
        on_attention, on_ffn, on_links = layers.of(index, placement.way, placement.level)
        attention, ffn, links = (
            attention + count * on_attention,
            ffn + count * on_ffn,
            links + count * on_links,
        )
    groups = [values for values in (host, side) if values is not None]
    columns = (cost.fields.embedding, cost.fields.lm_head)
    outside = sum(
        float(groups[int(on_side)][1, column])
        for column, on_side in zip(columns, found.layout.outside_on_side, strict=True)
    )
    drafter = problem.drafter
    waiting = drafter.busy if drafter.waiting else 0
    links += (drafter.waiting - waiting + hops_of(problem, found.layout)) * 1e-12
    return _Parts(attention, ffn, outside + waiting * 1e-12, links)


class _LayerParts:
    """Attention, FFN and links of one layer, by way."""

    def __init__(self, cost: CostModel, rows: RowBuilder, pair: Pair) -> None:
        self._cost, self._rows, self._pair = cost, rows, pair

    def of(self, index: int, way: Way, level: int) -> tuple[float, float, float]:
        """Return seconds of attention, FFN and links."""
        columns, host, side = self._cost.fields.classes[index], self._pair.host[1], self._pair.side
        if way is Way.NEAR or side is None:
            return float(host[columns.attention]), float(host[columns.ffn]), 0.0
        there = side[1]
        if way is Way.AWAY:
            return float(there[columns.attention]), float(there[columns.ffn]), 0.0
        attention = float(host[columns.attention])
        if way is Way.RELAY:
            return attention, float(there[columns.ffn]), float(self._rows.to_side_s()[1])
        if way is Way.DIRECT:
            travel = float(self._rows.round_trip_s(side[:, columns.direct_copies])[1])
            return attention, float(there[columns.direct]), travel
        travel = float(self._rows.round_trip_s(side[:, columns.hot_copies[level]])[1])
        hot, cold = float(there[columns.hot[level]]), float(host[columns.cold[level]])
        return (attention, cold, 0.0) if cold >= hot + travel else (attention, hot, travel)
