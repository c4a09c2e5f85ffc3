"""Which experts have to arrive anywhere: a relaxation of moves that leaves open which arrives where.

For every copy there is, ``k[r,e]`` says whether it stays and ``f[r,e] <= w_e k[r,e]`` what it carries. ``a[e]`` copies
of an expert arrive somewhere and carry ``g[e]`` together; ``n[r]`` experts arrive at a rank, and carry ``l[r]`` ::

    sum_r f[r,e] + g[e] = w_e        sum_e k[r,e] + n[r] <= slots        sum_e a[e] = sum_r n[r] <= most
    sum_e f[r,e] + l[r] <= target    l[r] <= n[r] max_e w_e              sum_e g[e] = sum_r l[r]

Tokens may be split over copies in any way. An even split is one of them, and so is a single copy: whatever rules a
number of moves out here rules it out there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ortools.sat.python import cp_model

from placer.search.adapter import SolveStatus, solve
from placer.search.layer import COARSE, Held, Layer, quantized
from placer.search.params import SolveParams


@dataclass(frozen=True)
class Arrivals:
    """What the relaxation says of a number of moves.

    Attributes
    ----------
    is_ruled_out
        Whether so few moves are proven impossible.
    experts, copied : ndarray of bool, shape (experts,), or None
        Those that arrive somewhere in the solution that was found, and those that have several copies there.
    """

    is_ruled_out: bool
    experts: Held | None = None
    copied: Held | None = None


def arrivals(layer: Layer, target: float, most: int, limit: float, seed: int = 0) -> Arrivals:
    """Return what has to arrive somewhere for no rank to carry more than a target.

    Parameters
    ----------
    layer
        What ranks hold, loads, slots.
    target
        Load no rank may exceed.
    most
        Moves allowed.
    limit
        Work limit in CP-SAT's deterministic seconds.
    seed
        Of CP-SAT.
    """
    # Data
    num_ranks, num_experts = layer.old.shape
    load = quantized(layer.loads, target, COARSE).tolist()
    carried = [min(each, COARSE) for each in load]

    # Variables
    model = cp_model.CpModel()
    here = [(int(rank), int(expert)) for rank, expert in np.argwhere(layer.old)]
    stays = {cell: model.new_bool_var(f"k{cell}") for cell in here}
    flow = {(rank, expert): model.new_int_var(0, carried[expert], f"f[{rank},{expert}]") for rank, expert in here}
    copies = [model.new_int_var(0, num_ranks, f"a[{expert}]") for expert in range(num_experts)]
    sent = [model.new_int_var(0, load[expert], f"g[{expert}]") for expert in range(num_experts)]
    number = [model.new_int_var(0, layer.slots, f"n[{rank}]") for rank in range(num_ranks)]
    received = [model.new_int_var(0, COARSE, f"l[{rank}]") for rank in range(num_ranks)]

    # Constraints
    for cell in here:
        model.add(flow[cell] <= carried[cell[1]] * stays[cell])
    for expert in range(num_experts):
        own = [cell for cell in here if cell[1] == expert]
        model.add(sum(flow[cell] for cell in own) + sent[expert] == load[expert])
        model.add(sum(stays[cell] for cell in own) + copies[expert] >= 1)
        model.add(sent[expert] <= carried[expert] * copies[expert])
    for rank in range(num_ranks):
        own = [cell for cell in here if cell[0] == rank]
        model.add(sum(stays[cell] for cell in own) + number[rank] <= layer.slots)
        model.add(sum(flow[cell] for cell in own) + received[rank] <= COARSE)
        model.add(received[rank] <= max(carried) * number[rank])
    model.add(sum(number) == sum(copies))
    model.add(sum(received) == sum(sent))
    model.add(sum(copies) <= most)

    # Solve, extract
    answer = solve(model, SolveParams(seed=seed), limit, relative_gap=np.inf)
    if not answer.has_solution:
        return Arrivals(answer.status is SolveStatus.INFEASIBLE)
    arriving = np.array([answer.solver.value(each) for each in copies])
    kept = np.zeros(num_experts, dtype=np.int64)
    for (_, expert), stay in stays.items():
        kept[expert] += answer.solver.value(stay)
    return Arrivals(is_ruled_out=False, experts=arriving > 0, copied=arriving + kept > 1)
