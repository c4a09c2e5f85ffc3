"""Layers of a stage that share layout and loads, and their new layout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from placer.errors import InternalError
from placer.plan.replanning import Balance, LayerMoves, Shares
from placer.replan.assignment import Floats
from placer.replan.check import check_order
from placer.replan.few_moves import Effort
from placer.replan.order import Relief, Step, most_staged, order_moves
from placer.replan.rebalance import Limits, Rebalanced, rebalance
from placer.replan.step_time import Layout
from placer.replan.timetable import LayerSteps

Ranks = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class LayerTask:
    """What is to be dealt anew.

    Attributes
    ----------
    layout
        Name of the layout in the plan.
    layers
        Layers of the model that share it, and their loads.
    experts_by_rank
        Layout as planned, all ranks.
    selection : ndarray, shape (num_experts,)
        Chance that a token selects each expert of the layer.
    ranks
        Numbers of the ranks that serve now.
    slots
        Experts a rank has room for.
    is_single
        Whether every expert has one copy; else it may have one on every rank.
    shares
        How the tokens of an expert are split over its copies.
    """

    layout: str
    layers: tuple[int, ...]
    experts_by_rank: Ranks
    selection: Floats
    ranks: tuple[int, ...]
    slots: int
    is_single: bool
    shares: Shares

    @property
    def experts(self) -> tuple[int, ...]:
        """Experts of the part, by number."""
        return tuple(sorted({expert for rank in self.experts_by_rank for expert in rank}))

    @property
    def alive(self) -> Ranks:
        """What the ranks that serve hold now."""
        planned = self.experts_by_rank
        return tuple(planned[rank] if rank < len(planned) else () for rank in self.ranks)

    def solved(self, max_moves: int | None, effort: Effort) -> Solution:
        """Return the new layout, with at most so many moves a layer."""
        experts = self.experts
        number = {expert: index for index, expert in enumerate(experts)}
        old = [[number[expert] for expert in rank] for rank in self.experts_by_rank]
        done = rebalance(
            old,
            self.selection[list(experts)],
            self.slots,
            ranks_alive=self.ranks,
            limits=Limits(max_moves, self.is_single, self.shares),
            effort=effort,
        )
        new = tuple(tuple(experts[index] for index in rank) for rank in done.experts_by_rank)
        return Solution(self, done, new)

    @property
    def fullest_over_mean(self) -> float:
        """Load of the fullest of the planned ranks over their mean; copies serve equal parts, as the plan says."""
        parts = self.selection / np.maximum(
            np.bincount(sum(self.experts_by_rank, ()), minlength=len(self.selection)), 1
        )
        loads = [float(parts[list(rank)].sum()) for rank in self.experts_by_rank]
        return max(loads) * len(loads) / sum(loads)


@dataclass(frozen=True)
class Solution:
    """A task with its new layout: experts of every rank that serves."""

    task: LayerTask
    done: Rebalanced
    new: Ranks

    @property
    def layout(self) -> Layout:
        """The new layout with its shares."""
        return Layout(self.new, self.done.shares_by_rank)

    @property
    def moves(self) -> int:
        """Moves of all layers of the task."""
        return self.done.moves * len(self.task.layers)

    def steps(self, domains: tuple[int, ...], relief: Relief) -> tuple[Step, ...]:
        """Return the steps of each of the layers, replayed and found right.

        Raises
        ------
        InternalError
            If the replay finds them wrong.
        """
        old, slots = self.task.alive, self.task.slots
        steps = order_moves(old, self.new, slots, domains=domains, relief=relief)
        findings = check_order(old, self.new, slots, steps)
        if findings:
            raise InternalError(f"the order of moves is wrong: {findings[0]}")
        return steps

    def layer_steps(self, steps: tuple[Step, ...], sizes: tuple[int, float]) -> list[LayerSteps]:
        """Return the steps layer by layer; ``sizes`` are bytes of an expert on a rank and on one of its devices."""
        return [LayerSteps(layer, steps, *sizes) for layer in self.task.layers]

    def described(self, steps: tuple[Step, ...]) -> LayerMoves:
        """Return what the report says of it."""
        done, task = self.done, self.task
        return LayerMoves(
            layers=task.layers,
            layout=task.layout,
            moves=done.moves,
            lower_bound_moves=done.lower_bound_moves,
            restored=done.restored_moves,
            is_balanced=done.is_balanced,
            staged=most_staged(steps),
            balance=Balance(
                before=task.fullest_over_mean,
                after=done.max_load / done.mean_load,
                fresh=done.fresh_max_load / done.mean_load,
            ),
            experts_by_rank=self.new,
            shares_by_rank=done.shares_by_rank,
        )
