"""Moves where tokens may be split over copies in any way, exactly, in a part of the table or in all of it.

``x[r,e] = 1`` where rank ``r`` is to hold expert ``e``, for the cells that are open; the others stay as they are.
``f[r,e] <= w_e x[r,e]`` is what a copy carries: ``sum_r f[r,e] = w_e`` by expert, ``sum_e f[r,e] <= target`` and
``sum_e x[r,e] <= slots`` by rank. What is counted are the ``x`` of placements that are not there yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from placer.search.adapter import SolveStatus, solve
from placer.search.layer import COARSE, FINE, Held, Integers, Layer, quantized
from placer.search.params import SolveParams

#: Work limit where the fewest moves are sought [deterministic s].
_LIMIT = 4.0


@dataclass(frozen=True)
class Scope:
    """What may change.

    Attributes
    ----------
    start : ndarray of bool, shape (ranks, experts)
        What cells that are not open hold.
    is_open : ndarray of bool, shape (ranks, experts)
        Cells that may change.
    is_whole : ndarray of bool, shape (experts,)
        Experts that get one copy; only those none of whose closed cells holds a copy, of at most the target.
    """

    start: Held
    is_open: Held
    is_whole: Held


def moves_within(layer: Layer, target: float, scope: Scope, most: int, limit: float, seed: int = 0) -> Held | None:
    """Return an assignment of at most so many moves, or None if there is none, or none was found.

    Parameters
    ----------
    layer
        What ranks hold, loads, slots.
    target
        Load no rank may exceed; loads of the assignment may lie above it by rounding.
    scope
        What may change.
    most
        Moves allowed.
    limit
        Work limit in CP-SAT's deterministic seconds.
    seed
        Of CP-SAT.
    """
    model, cells = _model(layer, quantized(layer.loads, target, COARSE), COARSE, scope)
    closed = int((scope.start & ~scope.is_open & ~layer.old).sum())
    model.add(sum(cell for at, cell in cells.items() if not layer.old[at]) <= most - closed)
    answer = solve(model, SolveParams(seed=seed), limit, relative_gap=np.inf)
    return _extracted(scope, cells, answer.solver) if answer.has_solution else None


def fewest_weighted_moves(layer: Layer, target: float, hint: Held) -> tuple[Held | None, int]:
    """Return the best assignment found, None without any, and a proven lower bound on moves: for small cases.

    Parameters
    ----------
    layer, target
        As of `moves_within`.
    hint : ndarray of bool, shape (ranks, experts)
        An assignment to start from.
    """
    nothing = np.zeros_like(layer.old)
    scope = Scope(nothing, ~nothing, np.zeros(len(layer.loads), dtype=np.bool_))
    model, cells = _model(layer, quantized(layer.loads, target, FINE), FINE, scope)
    for at, cell in cells.items():
        model.add_hint(cell, bool(hint[at]))
    model.minimize(sum(cell for at, cell in cells.items() if not layer.old[at]))
    answer = solve(model, SolveParams(), _LIMIT)
    if not answer.has_solution:
        return None, 0 if answer.status is SolveStatus.INFEASIBLE else answer.bound
    return _extracted(scope, cells, answer.solver), answer.bound


def _extracted(scope: Scope, cells: dict[tuple[int, int], Any], solver: Any) -> Held:
    held = scope.start & ~scope.is_open
    for at, cell in cells.items():
        held[at] = bool(solver.value(cell))
    return held


def _model(
    layer: Layer, load: Integers, target: int, scope: Scope
) -> tuple[cp_model.CpModel, dict[tuple[int, int], Any]]:
    """Return the model without limit or objective, and the variable of every open cell; loads and target in quanta."""
    model = cp_model.CpModel()
    cells: dict[tuple[int, int], Any] = {
        (int(rank), int(expert)): model.new_bool_var(f"x[{rank},{expert}]")
        for rank, expert in np.argwhere(scope.is_open)
    }
    closed = scope.start & ~scope.is_open
    carried: list[list[Any]] = [[] for _ in layer.old]
    for expert, tokens in enumerate(load.tolist()):
        fixed = np.flatnonzero(closed[:, expert]).tolist()
        opened = {rank: cells[rank, expert] for rank in np.flatnonzero(scope.is_open[:, expert]).tolist()}
        if scope.is_whole[expert]:
            model.add_exactly_one(opened.values())
            parts = {rank: tokens * cell for rank, cell in opened.items()}
        elif not opened and len(fixed) == 1:
            parts = {fixed[0]: tokens}
        else:
            parts = _split(model, fixed, opened, (tokens, min(tokens, target)))
        for rank, part in parts.items():
            carried[rank].append(part)
    for rank, is_open in enumerate(scope.is_open):
        own = [cells[rank, expert] for expert in np.flatnonzero(is_open).tolist()]
        model.add(sum(own) <= layer.slots - int(closed[rank].sum()))
        model.add(sum(carried[rank]) <= target)
    return model, cells


def _split(model: cp_model.CpModel, fixed: list[int], opened: dict[int, Any], load: tuple[int, int]) -> dict[int, Any]:
    """Return what every copy of an expert carries, by rank; ``load`` is that of all of them, and the most of one."""
    whole, most = load
    parts = {rank: model.new_int_var(0, most, "f") for rank in (*fixed, *opened)}
    model.add(sum(parts.values()) == whole)
    for rank, cell in opened.items():
        model.add(parts[rank] <= most * cell)
    if not fixed:
        model.add_bool_or(opened.values())
    return parts
