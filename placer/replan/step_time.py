"""The step by the cost model for a layout, with copies of experts and ranks of any number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from placer.plan.placement import LayerPlacement, Role
from placer.plan.plan import Plan
from placer.replan.drift import Drift
from placer.verify.context import Context, context_of
from placer.verify.recompute.figures import occupancy_s, step_time_s
from placer.verify.recompute.flow import Flow, trace
from placer.verify.recompute.layer import Layer, layer_cost
from placer.verify.recompute.load import PartLoad, part_load


@dataclass(frozen=True)
class Layout:
    """Experts of every rank, and the share of its expert's tokens that each of them serves, in [0, 1]."""

    experts_by_rank: tuple[tuple[int, ...], ...]
    shares_by_rank: tuple[tuple[float, ...], ...]


def evenly(experts_by_rank: tuple[tuple[int, ...], ...]) -> Layout:
    """Return a layout whose copies serve equal parts."""
    copies = Counter(expert for rank in experts_by_rank for expert in rank)
    return Layout(experts_by_rank, tuple(tuple(1.0 / copies[expert] for expert in rank) for rank in experts_by_rank))


#: Layouts by layer and group.
Layouts = Mapping[tuple[int, Role], Layout]


@dataclass(frozen=True)
class Step:
    """The law's step time, and what it is made of: the path, and how long every resource is busy [s]."""

    law_s: float
    path_s: float
    busy_s: dict[str, float]


def step_of(plan: Plan, drift: Drift, layouts: Layouts) -> Step:
    """Return the step of a plan by the law, in another routing and with other layouts.

    Parameters
    ----------
    plan
        Gives everything else; its groups may have other widths than its placement.
    drift
        Routing, by layer.
    layouts
        Layouts of layers that differ from the plan's.
    """
    context = context_of(plan)
    assert context is not None
    costs = [
        layer_cost(_layer(context, placed, drift, layouts), context.replica) for placed in context.placement.layers
    ]
    flow: Flow = trace(context.model, context.placement, costs, context.replica)
    return Step(step_time_s(flow, context.replica), flow.path_s, occupancy_s(flow, context.replica))


def _layer(context: Context, placed: LayerPlacement, drift: Drift, layouts: Layouts) -> Layer:
    ops = context.model.layer_ops[placed.layer]
    loads: list[PartLoad] = []
    if ops.moe is not None:
        selection = drift.chances[placed.layer]
        for part in placed.ffn:
            planned = context.placement.experts[part.experts or ""].experts_by_rank
            layout = layouts.get((placed.layer, part.at.role), evenly(planned))
            loads.append(copies_load(selection, layout, context.replica.batch.sequences))
    return context.loaded_layer(placed, loads)


def copies_load(selection: np.ndarray, layout: Layout, sequences: int) -> PartLoad:
    """Return the load of a part whose experts may have copies: each copy is an expert of its share of the tokens."""
    pairs = zip(layout.experts_by_rank, layout.shares_by_rank, strict=True)
    of_copy = np.array([selection[e] * share for rank, parts in pairs for e, share in zip(rank, parts, strict=True)])
    ends = np.cumsum([0, *map(len, layout.experts_by_rank)]).tolist()
    numbered = [range(start, end) for start, end in pairwise(ends)]
    return part_load(of_copy, numbered, sequences)
