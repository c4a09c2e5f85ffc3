"""New layouts of all stages, within the bytes that may move."""

from __future__ import annotations

from collections.abc import Sequence

from placer.errors import InputError
from placer.replan.few_moves import Effort
from placer.replan.group import StageGroup
from placer.replan.layer_task import Solution
from placer.replan.request import Request

#: Tasks that are searched with full effort; more of them share it.
_FULL_EFFORT_TASKS = 4
_LEAST_ROUNDS = 4

Solved = tuple[tuple[StageGroup, tuple[Solution, ...]], ...]


def solve_groups(groups: Sequence[StageGroup], request: Request) -> Solved:
    """Return the new layouts of groups of stages.

    Where more would move in a replica than may, what must be fetched comes first, and every layer gets the same share
    of the moves it would make beyond that.

    Raises
    ------
    InputError
        If what must be fetched alone is more than may move.
    """
    num_tasks = sum(len(group.tasks) for group in groups)
    rounds = request.effort.rounds * _FULL_EFFORT_TASKS // max(_FULL_EFFORT_TASKS, num_tasks)
    effort = Effort(max(_LEAST_ROUNDS, rounds), request.effort.seed)
    solved = tuple((group, tuple(task.solved(None, effort) for task in group.tasks)) for group in groups)
    if request.max_move_bytes is None:
        return solved
    replicas = {replica for group in groups for replica in group.replicas}
    shares = {replica: _share(solved, replica, request.max_move_bytes) for replica in replicas}
    return tuple(
        (group, _limited(found, min(shares[replica] for replica in group.replicas), effort)) for group, found in solved
    )


def _share(solved: Solved, replica: int, max_bytes: float) -> float:
    """Return the share of its moves beyond what must be fetched that a replica can make."""
    wanted = needed = 0
    for group, found in solved:
        if replica in group.replicas:
            for solution in found:
                wanted += solution.moves * group.rank_bytes
                needed += solution.done.restored_moves * len(solution.task.layers) * group.rank_bytes
    if needed > max_bytes:
        raise InputError(
            f"{needed / 1e9:.4g} GB of experts that nobody alive has must be fetched, more than may move",
            where="--max-move-bytes",
        )
    return 1.0 if wanted <= max_bytes else (max_bytes - needed) / (wanted - needed)


def _limited(found: tuple[Solution, ...], share: float, effort: Effort) -> tuple[Solution, ...]:
    if share >= 1.0:
        return found
    return tuple(solution.task.solved(_cap(solution, share), effort) for solution in found)


def _cap(solution: Solution, share: float) -> int:
    done = solution.done
    return done.restored_moves + int((done.moves - done.restored_moves) * share)
