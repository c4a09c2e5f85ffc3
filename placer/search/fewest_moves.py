"""The fewest copies of experts that must move for no rank to be too full, copies sharing evenly: for small cases.

``x[r,e,k] = 1`` where rank ``r`` holds expert ``e`` and ``e`` has ``k`` copies in all. Minimise the ``x`` of placements
that are not there yet, subject to ``sum_e,k w_e / k x[r,e,k] <= target`` and ``sum_e,k x[r,e,k] <= slots`` by rank, and
``sum_r x[r,e,k] = k y[e,k]``, ``sum_k y[e,k] = 1`` by expert.
"""

from __future__ import annotations

import numpy as np
from ortools.sat.python import cp_model

from placer.search.adapter import SolveStatus, solve
from placer.search.layer import FINE, Held, Layer, quantized
from placer.search.params import SolveParams

#: Work limit [deterministic s].
_LIMIT = 4.0


def fewest_moves(layer: Layer, target: float, hint: Held) -> tuple[Held | None, int]:
    """Return the best assignment found, None without any, and a proven lower bound on moves.

    Parameters
    ----------
    layer
        What ranks hold, loads, slots.
    target
        Load no rank may exceed; loads of the assignment may lie above it by rounding.
    hint : ndarray of bool, shape (ranks, experts)
        An assignment to start from.
    """
    old, loads = layer.old, layer.loads
    (num_ranks, num_experts), most = old.shape, layer.most_copies
    model = cp_model.CpModel()
    by_copies = {copies: quantized(loads / copies, target, FINE).tolist() for copies in range(1, most + 1)}
    cells = {
        (rank, expert, copies): model.new_bool_var(f"x[{rank},{expert},{copies}]")
        for rank in range(num_ranks)
        for expert in range(num_experts)
        for copies in range(1, most + 1)
    }
    for expert in range(num_experts):
        chosen = [model.new_bool_var(f"y[{expert},{copies}]") for copies in range(1, most + 1)]
        model.add_exactly_one(chosen)
        for copies, is_chosen in enumerate(chosen, start=1):
            holders = [cells[rank, expert, copies] for rank in range(num_ranks)]
            model.add(sum(holders) == copies * is_chosen)
    for rank in range(num_ranks):
        row = [(copies, expert, cell) for (of, expert, copies), cell in cells.items() if of == rank]
        model.add(sum(cell for _, _, cell in row) <= layer.slots)
        model.add(sum(by_copies[copies][expert] * cell for copies, expert, cell in row) <= FINE)
    counts = hint.sum(axis=0)
    for (rank, expert, copies), cell in cells.items():
        model.add_hint(cell, bool(hint[rank, expert] and counts[expert] == copies))
    model.minimize(sum(cell for (rank, expert, _), cell in cells.items() if not old[rank, expert]))
    answer = solve(model, SolveParams(), _LIMIT)
    if not answer.has_solution:
        return None, 0 if answer.status is SolveStatus.INFEASIBLE else answer.bound
    held = np.zeros_like(old)
    for (rank, expert, _), cell in cells.items():
        held[rank, expert] |= bool(answer.solver.value(cell))
    return held, answer.bound
