"""The kinds of prefill groups of the declared space: shapes and chunks that fit, none beaten in every way."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from placer.catalog.device import Device
from placer.cost import prefill
from placer.cost.group import Group, build_group
from placer.cost.prefill import Chances, PrefillKind
from placer.cost.prompt_pass import Chunks, cut_prompt
from placer.cost.room import exchange_rate
from placer.cost.shape import GroupShape, group_shapes
from placer.graph.model_graph import ModelGraph
from placer.scenario.scenario import Scenario
from placer.scenario.service import Service

#: New tokens of a data-parallel rank in a pass; the whole prompt is another choice, if it is no longer than the last.
BUDGETS = (128, 512, 2_048, 4_096, 8_192, 16_384, 32_768)
#: A prompt is cut into no more chunks, unless the longest ones make more.
MOST_CHUNKS = 128
#: Pipelines of up to so many stages, and the shortest that fits.
MOST_STAGES = 8
#: Figures that agree to so many digits are equal.
DIGITS = 9


def chunkings(new_tokens: int, found_tokens: int) -> tuple[Chunks, ...]:
    """Return the ways prompts may pass, each once."""
    budgets = {*BUDGETS, new_tokens} if new_tokens <= BUDGETS[-1] else set(BUDGETS)
    every = [cut_prompt(new_tokens, found_tokens, budget) for budget in sorted(budgets)]
    few = [chunks for chunks in every if len(chunks.tokens) <= MOST_CHUNKS] or every[-1:]
    return tuple(dict.fromkeys(few))


def prefill_kinds(scenario: Scenario, model: ModelGraph, service: Service, pool: str) -> tuple[PrefillKind, ...]:
    """Return the kinds of prefill groups of a pool, none worse in rate per device, latency and size than another."""
    workload = scenario.workload
    new = service.new_tokens(workload.input_tokens)
    ways = chunkings(new, workload.input_tokens - new)
    chances = workload.routing.by_layer(model.expert_layers)
    kinds: list[PrefillKind] = []
    for shapes in stage_shapes(scenario, model, pool):
        group = build_group(scenario.fleet, shapes[-1])
        kinds += _kinds(model, group, shapes, ways, chances)
    return _unbeaten(kinds)


def stage_shapes(scenario: Scenario, model: ModelGraph, pool: str) -> Iterator[list[GroupShape]]:
    """Yield shapes that differ in their stages only, the shortest first."""
    space = scenario.space.model_copy(update={"context_parallel": False, "max_spare_slots": 0})
    by_stage: dict[tuple[int, ...], list[GroupShape]] = {}
    for shape in group_shapes(model, scenario.fleet.pool(pool), space):
        is_several = not model.expert_layers and shape.dp > 1  # the same as that many groups of one rank
        if shape.stages <= len(model.layer_ops) and not is_several:
            by_stage.setdefault((shape.width, *shape.cuts), []).append(shape)
    for shapes in by_stage.values():
        yield sorted(shapes, key=lambda shape: shape.stages)


def _kinds(
    model: ModelGraph, group: Group, shapes: list[GroupShape], ways: tuple[Chunks, ...], chances: Chances
) -> Iterator[PrefillKind]:
    """Yield the kinds that fit, of shapes that differ in their stages only."""
    held = prefill.holdings(model, group, ways[0].end)
    fitting: list[tuple[Chunks, list[tuple[GroupShape, float]]]] = []
    for chunks in ways:
        fixed, prompts = prefill.hidden_bytes(model, group, chunks), prefill.PROMPTS_HELD * chunks.prompts
        sizes = [(shape, fixed + held.fullest(shape.stages, prompts)) for shape in shapes]
        fits = [entry for entry in sizes if _has_room(group.device, held, entry, (fixed, prompts))]
        fitting.append((chunks, [entry for entry in fits if entry[0].stages <= MOST_STAGES] or fits[:1]))
    fitting = [(chunks, fits) for chunks, fits in fitting if fits]
    if not fitting:
        return
    times = prefill.layer_times(model, group, [chunks for chunks, _ in fitting], chances)
    for (chunks, fits), passes in zip(fitting, times, strict=True):
        for shape, taken_bytes in fits:
            sized = Group(shape, group.device, group.domain, group.scale_up, group.scale_out)
            hop = prefill.hop_s(sized, chunks.rank_tokens, model.spec.hidden_size)
            busy = prefill.stage_times(passes, shape.stages, hop)
            yield PrefillKind(shape, chunks, float(busy.sum(axis=1).max()), prefill.latency_s(busy), taken_bytes)


def _has_room(
    device: Device, held: prefill.Holdings, entry: tuple[GroupShape, float], load: tuple[float, float]
) -> bool:
    """Return whether a shape holds the model and what prompts need: hidden states [B], and KV cache of prompts."""
    rate, (fixed, prompts) = exchange_rate(device), load
    needed = rate * fixed + held.fullest(entry[0].stages, prompts, rate) if device.is_split else entry[1]
    return needed <= device.usable_bytes


def _unbeaten(kinds: list[PrefillKind]) -> tuple[PrefillKind, ...]:
    """Return the kinds that no other matches in rate per device, latency and devices at once."""
    figures = np.array(
        [(-kind.prompts_per_s / kind.shape.num_devices, kind.latency_s, kind.shape.num_devices) for kind in kinds]
    ).reshape(-1, 3)
    figures = np.round(figures / np.maximum(np.abs(figures).max(axis=0, initial=0.0), 1e-300), DIGITS)
    kept: list[int] = []
    for index in np.lexsort(figures.T[::-1]).tolist():
        if not kept or not (figures[kept] <= figures[index]).all(axis=1).any():
            kept.append(index)
    return tuple(kinds[index] for index in kept)
