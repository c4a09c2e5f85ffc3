"""All layers of a model: placed in parallel, put together, reported."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from placer.balance.affinity import relabelled
from placer.balance.eplb import eplb
from placer.balance.layer import balance_layer, check_slots, checked_loads
from placer.balance.nodes import cross_node_share, hierarchical, node_loads, spread
from placer.balance.result import BalanceReport, PlacedLayer, met, rank_loads
from placer.errors import InputError

Loads = NDArray[np.float64]
Slots = NDArray[np.int64]

GLOBAL, HIERARCHICAL = "global", "hierarchical"
#: What keeping expert groups in one node may cost in balance.
_WORTH_A_NODE = 1e-3
_PROCESSES = 2
_LAYERS_WORTH_A_PROCESS = 4


@dataclass(frozen=True)
class Question:
    """What is asked of every layer."""

    ranks: int
    slots: int
    nodes: int = 1
    groups: int | None = None
    seed: int = 0
    work: float = 1.0


@dataclass(frozen=True)
class Answer:
    """A layer's slots before ranks are relabelled, and what is known of them."""

    slots: Slots
    policy: str
    bound: float


def balance_layers(  # noqa: PLR0913 the signature of `placer.api.balance`
    counts: NDArray[np.float64] | ArrayLike,
    ranks: int,
    slots: int,
    nodes: int = 1,
    affinity: NDArray[np.float64] | None = None,
    *,
    groups: int | None = None,
    seed: int = 0,
    work: float = 1.0,
) -> BalanceReport:
    """Place and replicate the experts of all layers; see `placer.api.balance` for the parameters.

    Raises
    ------
    InputError
        Naming the argument that is wrong.
    """
    table = checked_counts(counts)
    question = Question(ranks, slots, nodes, groups, seed, work)
    check_question(question, table.shape[1])
    answers = _answers(table, question)
    placed = [answer.slots for answer in answers]
    traffic = None
    if affinity is not None:
        units = [nodes if answer.policy == HIERARCHICAL else ranks for answer in answers]
        placed, traffic = relabelled(placed, checked_affinity(affinity, *table.shape), nodes, units)
    layers = tuple(
        _layer(loads, answer, slots, question) for loads, answer, slots in zip(table, answers, placed, strict=True)
    )
    max_load = sum(layer.max_load for layer in layers)
    bound = sum(layer.bound for layer in layers)
    return BalanceReport(
        experts=table.shape[1],
        ranks=ranks,
        slots=slots,
        nodes=nodes,
        layers=layers,
        max_load=max_load,
        mean_load=sum(layer.mean_load for layer in layers),
        bound=bound,
        relative_gap=1 - bound / max_load if max_load else 0.0,
        worst_relative_gap=max(layer.relative_gap for layer in layers),
        eplb_max_load=sum(layer.eplb_max_load for layer in layers),
        affinity=traffic,
    )


def place_layer(loads: Loads, question: Question) -> Answer:
    """Place a layer: globally, or with expert groups in one node where that costs next to nothing.

    Parameters
    ----------
    loads : ndarray, shape (experts,)
        Tokens of every expert.
    question
        The rest; it must be sound.
    """
    ranks, nodes, groups = question.ranks, question.nodes, question.groups
    found = balance_layer(loads, ranks, question.slots, seed=question.seed, work=question.work)
    slots, achieved = np.array(found.physical_to_logical), found.max_load
    if nodes > 1 and groups is not None:
        inner = hierarchical(
            loads, ranks, question.slots, nodes=nodes, groups=groups, seed=question.seed, work=question.work
        )
        baseline = _max_load(eplb(loads, ranks, question.slots, nodes=nodes, groups=groups), loads, ranks)
        load = _max_load(inner, loads, ranks)
        if load <= achieved * (1 + _WORTH_A_NODE) and load <= max(baseline, achieved):
            return Answer(inner, HIERARCHICAL, found.bound)
    return Answer(spread(slots, loads, ranks, nodes), GLOBAL, found.bound)


def checked_counts(counts: NDArray[np.float64] | ArrayLike) -> Loads:
    """Return counts as floats, shape (layers, experts).

    Raises
    ------
    InputError
        If they are not one row of finite numbers per layer, none negative.
    """
    try:
        table = np.asarray(counts, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("expected numbers, [layer][expert], as many experts in each layer", where="counts") from error
    if table.ndim != 2 or not table.size:
        raise InputError(f"expected [layer][expert], got shape {table.shape}", where="counts")
    for index, row in enumerate(table):
        try:
            checked_loads(row)
        except InputError as error:
            raise error.located(f"counts[{index}]") from error
    return table


def checked_affinity(affinity: NDArray[np.float64], layers: int, experts: int) -> Loads:
    """Return co-activation counts as floats, shape (layers - 1, experts, experts).

    Raises
    ------
    InputError
        If they have another shape, or are not finite numbers, none negative.
    """
    table = np.asarray(affinity, dtype=np.float64)
    if table.shape != (layers - 1, experts, experts):
        raise InputError(f"expected shape {(layers - 1, experts, experts)}, got {table.shape}", where="affinity")
    if not (np.isfinite(table).all() and (table >= 0).all()):
        raise InputError("expected finite numbers, 0 or more", where="affinity")
    return table


def check_question(question: Question, experts: int) -> None:
    """Refuse ranks, slots, nodes and groups that do not go together.

    Raises
    ------
    InputError
        Naming the argument, and what was expected.
    """
    check_slots(experts, question.ranks, question.slots)
    nodes, groups = question.nodes, question.groups
    if nodes < 1 or question.ranks % nodes:
        raise InputError(f"expected a divisor of the {question.ranks} ranks, got {nodes}", where="nodes")
    if groups is not None and (groups < 1 or experts % groups or groups % nodes):
        raise InputError(
            f"expected a divisor of the {experts} experts and a multiple of the {nodes} nodes, got {groups}",
            where="groups",
        )
    if not 0 < question.work <= 1e6:
        raise InputError(f"expected more than 0, at most 1e6, got {question.work!r}", where="work")
    if question.seed < 0:
        raise InputError(f"expected 0 or more, got {question.seed}", where="seed")


def _answers(table: Loads, question: Question) -> list[Answer]:
    place: Callable[[Loads], Answer] = partial(place_layer, question=question)
    processes = min(_PROCESSES, os.cpu_count() or 1, len(table) // _LAYERS_WORTH_A_PROCESS)
    if processes < 2 or multiprocessing.current_process().daemon:
        return [place(loads) for loads in table]
    # A fork starts at once; where there is none, a fresh interpreter imports what it needs.
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context(method)) as pool:
        return list(pool.map(place, table))


def _layer(loads: Loads, answer: Answer, slots: Slots, question: Question) -> PlacedLayer:
    ranks, nodes = question.ranks, question.nodes
    achieved = _max_load(slots, loads, ranks)
    bound = met(answer.bound, achieved)
    return PlacedLayer(
        max_load=achieved,
        mean_load=float(loads.sum()) / ranks,
        bound=bound,
        relative_gap=1 - bound / achieved if achieved else 0.0,
        physical_to_logical=tuple(slots.tolist()),
        hottest=int(loads.argmax()),
        policy=answer.policy,
        node_loads=tuple(node_loads(slots, loads, nodes).tolist()),
        eplb_max_load=_max_load(eplb(loads, ranks, question.slots, nodes=nodes, groups=question.groups), loads, ranks),
        cross_node_share=cross_node_share(slots, loads, nodes),
    )


def _max_load(slots: Slots, loads: Loads, ranks: int) -> float:
    return float(rank_loads(slots, loads, ranks).max())
