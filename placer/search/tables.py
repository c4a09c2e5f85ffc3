"""Option tables: what a shape costs by batch size, as one array.

``values[size, column]`` with the columns of `search.fields`. Times are seconds per microbatch; bytes are per device,
KV cache and buffers per microbatch in flight. Relaxed tables deal tokens in fractions and serve bounds; exact ones
serve the CP-SAT models.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from placer.cost import block_bytes, block_time, context_parallel, draft
from placer.cost.group import Array, Batch, Group, build_group
from placer.cost.loads import ExpertLoads, LayeredLoads
from placer.cost.shape import GroupShape
from placer.cost.step_load import PLAIN, StepLoad
from placer.graph.ffns.moe import MoeOps
from placer.graph.layer_class import LayerClass
from placer.graph.model_graph import ModelGraph
from placer.graph.op import Op
from placer.scenario.routing import RoutingKind
from placer.scenario.scenario import Scenario
from placer.search.expert_layout import PlacedLoads
from placer.search.fields import ClassFields, Fields, build_fields

Dealer = Callable[[Array, GroupShape], Batch]


@dataclass(frozen=True)
class CostModel:
    """Everything a table needs to know of a scenario.

    Attributes
    ----------
    scenario, model
        The question, and its model lowered.
    classes
        Layers that cost the same: the model's classes, or single layers where each has a routing of its own.
    fields
        Columns of every table.
    loads
        Expert loads by layer class; None for dense classes.
    step
        What a step does for a sequence.
    """

    scenario: Scenario
    model: ModelGraph
    classes: tuple[LayerClass, ...]
    fields: Fields
    loads: tuple[ExpertLoads | None, ...]
    step: StepLoad = PLAIN

    @property
    def hidden_size(self) -> int:
        """Width of the residual stream."""
        return self.model.spec.hidden_size

    @property
    def has_copies(self) -> bool:
        """Whether experts may have copies: somewhere one is wanted more than another."""
        return any(loads is not None and loads.has_copies for loads in self.loads)

    @cached_property
    def key(self) -> tuple[object, ...]:
        """Name of what tables depend on: all but the speed users must get."""
        loads = tuple(type(entry).__name__ for entry in self.loads)
        return self.scenario.speedless_key, self.step.draft_tokens, self.step.beside, loads

    @property
    def top_k(self) -> int:
        """Most experts a token visits in any layer; 0 without experts."""
        return max((entry.ops.moe.top_k for entry in self.classes if entry.ops.moe), default=0)

    @property
    def capacity_context(self) -> int:
        """Tokens of KV cache a sequence needs room for, those drafted included."""
        return self.scenario.workload.capacity_context + self.step.draft_tokens

    @property
    def kv_bytes_per_sequence(self) -> int:
        """KV cache of one sequence at the capacity context, nothing replicated."""
        context = self.capacity_context
        return sum(entry.count * entry.ops.core.held_bytes(context) for entry in self.classes)


def build_cost_model(
    scenario: Scenario, model: ModelGraph, kind: type[ExpertLoads] = ExpertLoads, step: StepLoad = PLAIN
) -> CostModel:
    """Return the cost model of a scenario; ``kind`` says whether expert loads are bounds or those of a layout.

    Targets of the scenario are in steps, of which ``step`` says what they do. Where every layer has a routing of its
    own, bounds hold for all layers of a class, and layouts are made layer by layer.
    """
    is_bound = kind in {ExpertLoads, LayeredLoads}
    classes = model.layer_classes
    if scenario.workload.routing.kind is RoutingKind.LAYERS and not is_bound:
        classes = tuple(single for entry in classes for single in _single_layers(entry))
    has_copies = scenario.is_uneven(model.expert_layers)
    kind = ExpertLoads if is_bound else kind
    loads = _shared([_loads(scenario, model, entry, kind, has_copies=has_copies) for entry in classes])
    return CostModel(scenario, model, classes, build_fields(classes, scenario.space), loads, step)


def _shared(loads: list[ExpertLoads | None]) -> tuple[ExpertLoads | None, ...]:
    """Return loads with one object for all layers of the same routing, so that its layouts are made once."""
    known: dict[bytes, ExpertLoads] = {}
    return tuple(
        known.setdefault(entry.selection.tobytes(), entry) if isinstance(entry, PlacedLoads) else entry
        for entry in loads
    )


def _single_layers(entry: LayerClass) -> tuple[LayerClass, ...]:
    if entry.ops.moe is None:
        return (entry,)
    return tuple(LayerClass(f"{entry.name}.{layer}", entry.ops, (layer,)) for layer in entry.layers)


def _loads(
    scenario: Scenario, model: ModelGraph, entry: LayerClass, kind: type[ExpertLoads], *, has_copies: bool
) -> ExpertLoads | None:
    moe, routing = entry.ops.moe, scenario.workload.routing
    if moe is None:
        return None
    if routing.kind is not RoutingKind.LAYERS:
        return kind(routing.selection_probability(moe.num_experts, moe.top_k), has_copies=has_copies)
    chances = routing.by_layer(model.expert_layers)
    if entry.count == 1:
        return kind(chances[entry.layers[0]], has_copies=has_copies)
    return LayeredLoads(np.stack([chances[layer] for layer in entry.layers]), has_copies=has_copies)


@dataclass(frozen=True)
class _Filler:
    """Fills the columns of one shape; ``sequences`` is the batch with one token of each, ``batch`` with all of them."""

    cost: CostModel
    group: Group
    sequences: Batch
    values: Array

    @cached_property
    def batch(self) -> Batch:
        return self.sequences.widened(self.cost.step.width)

    def attention(self, entry: LayerClass, columns: ClassFields) -> None:
        workload, hidden = self.cost.scenario.workload, self.cost.hidden_size
        time = block_time.attention_s(self.group, entry.ops, self.batch, workload.mean_context, hidden)
        context, states = self.cost.capacity_context, self.cost.step.width
        kv = block_bytes.kv_bytes_per_sequence(self.group, entry.ops.core, context, states)
        self.values[:, columns.attention] = time
        self.values[:, columns.attention_bytes] = block_bytes.attention_bytes(self.group, entry.ops)
        self.values[:, columns.kv_bytes] = kv * self.sequences.rank_tokens

    def dense(self, op: Op, columns: ClassFields) -> None:
        time = block_time.dense_s(self.group, op, self.batch, self.cost.hidden_size)
        for column in (columns.ffn, columns.ffn_busy, columns.direct):
            self.values[:, column] = time
        self.values[:, columns.ffn_bytes] = block_bytes.cut_bytes(self.group, op)

    def experts(self, moe: MoeOps, loads: ExpertLoads, columns: ClassFields) -> None:
        everything = (0, moe.num_experts)
        shared = block_time.shared_s(self.group, moe, self.batch)
        shared_bytes = block_bytes.cut_bytes(self.group, moe.shared) if moe.shared else 0
        busy, there, back = self._near(moe, loads, everything)
        self.values[:, columns.ffn] = shared + (there + back) + busy
        self.values[:, columns.ffn_busy], self.values[:, columns.exchange] = shared + busy, there + back
        routed = self._routed(moe, loads, everything)
        self.values[:, columns.experts], self.values[:, columns.direct] = routed, shared + routed
        self.values[:, columns.dispatch] = there
        self.values[:, columns.direct_copies] = self._copies(moe, loads, everything) + (
            self.group.shape.tp if moe.shared else 0
        )
        self.values[:, columns.ffn_bytes] = shared_bytes + block_bytes.expert_bytes(self.group, moe, moe.num_experts)
        hot_counts = self.cost.scenario.space.hot_counts(moe.num_experts)
        for level, count in enumerate(hot_counts):
            hot, cold = (0, count), (count, moe.num_experts)
            busy, there, back = self._near(moe, loads, cold)
            self.values[:, columns.cold[level]] = shared + (there + back) + busy
            self.values[:, columns.cold_busy[level]] = shared + busy
            self.values[:, columns.cold_exchange[level]] = there + back
            self.values[:, columns.hot[level]] = self._routed(moe, loads, hot)
            self.values[:, columns.hot_copies[level]] = self._copies(moe, loads, hot)
            self.values[:, columns.cold_bytes[level]] = shared_bytes + block_bytes.expert_bytes(
                self.group, moe, moe.num_experts - count
            )
            self.values[:, columns.hot_bytes[level]] = block_bytes.expert_bytes(self.group, moe, count)

    def _routed(self, moe: MoeOps, loads: ExpertLoads, part: tuple[int, int]) -> Array:
        return block_time.experts_s(self.group, moe, loads, part, self.batch)

    def _copies(self, moe: MoeOps, loads: ExpertLoads, part: tuple[int, int]) -> float:
        """Return copies of a token, in hidden states: experts of a latent size are sent less than one."""
        return block_time.copies(self.group, loads, part) * (moe.width / self.cost.hidden_size)

    def _near(self, moe: MoeOps, loads: ExpertLoads, part: tuple[int, int]) -> tuple[Array, Array, Array]:
        """Return the time of experts for tokens of the same group: experts and the sum over TP; there; back."""
        hidden, dispatch = self.cost.hidden_size, self.cost.model.spec.precision.dispatch
        there, back = block_time.exchange_s(self.group, self._copies(moe, loads, part), self.batch, hidden, dispatch)
        reduce = block_time.reduce_s(self.group, self.batch.rank_tokens, hidden)
        return self._routed(moe, loads, part) + reduce, there, back

    def outside(self) -> None:
        fields, model, shape = self.cost.fields, self.cost.model, self.group.shape
        hidden = self.cost.hidden_size
        self.values[:, fields.embedding] = block_time.embedding_s(self.group, model.embedding, self.batch, hidden)
        self.values[:, fields.lm_head] = block_time.lm_head_s(self.group, model.lm_head, self.batch)
        self.values[:, fields.embedding_bytes] = block_bytes.cut_bytes(self.group, model.embedding)
        self.values[:, fields.lm_head_bytes] = block_bytes.cut_bytes(self.group, model.lm_head)
        self.values[:, fields.gather] = block_time.gather_s(self.group, self.batch.rank_tokens, hidden)
        self.values[:, fields.port] = 1.0 / shape.width
        hops = block_time.stage_hops_s(self.group, self.batch, hidden)
        self.values[:, fields.stage_hop] = self.values[:, fields.gather] + hops

    def drafting(self) -> None:
        """Add what drafts to the LM head: its passes follow it on the same devices, and its weights lie there."""
        fields, cost, drafter = self.cost.fields, self.cost, self.cost.step.drafter
        if drafter is None or cost.step.beside is not None:
            return
        one_pass = draft.pass_s(self.group, drafter, self.sequences, cost.scenario.workload.mean_context)
        self.values[:, fields.lm_head] += cost.step.draft_tokens * one_pass
        self.values[:, fields.lm_head_bytes] += draft.weight_bytes(self.group, drafter)
        capacity = cost.capacity_context, cost.step.width
        self.values[:, fields.draft_bytes] = draft.in_flight_bytes(self.group, drafter, self.sequences, capacity)

    def buffers(self) -> None:
        cores = {id(entry.ops.core): entry.ops.core for entry in self.cost.classes}.values()
        in_flight = block_bytes.buffer_bytes(self.batch, self.cost.hidden_size, self.cost.top_k)
        in_flight += max(context_parallel.buffer_bytes(self.group, core) for core in cores) * self.batch.rank_tokens
        self.values[:, self.cost.fields.buffer_bytes] = in_flight


def stage_values(cost: CostModel, shape: GroupShape, sizes: Array, deal: Dealer, uncut: Array | None = None) -> Array:
    """Return one shape's table, its stages left out.

    Parameters
    ----------
    cost
        The scenario's cost model.
    shape
        The group; ``stages`` is ignored.
    sizes : ndarray, shape (num_sizes,)
        Microbatch sizes, sequences of the whole replica.
    deal
        How tokens are dealt to ranks: `exact_batch` or `relaxed_batch`.
    uncut
        The table of the same shape without context parallelism, where it is known: all but attention is the same.

    Returns
    -------
    ndarray, shape (num_sizes, num_base)
    """
    values = np.zeros((len(sizes), cost.fields.num_base)) if uncut is None else uncut.copy()
    filler = _Filler(cost, build_group(cost.scenario.fleet, shape), deal(sizes, shape), values)
    for entry, columns, loads in zip(cost.classes, cost.fields.classes, cost.loads, strict=True):
        filler.attention(entry, columns)
        if uncut is not None:
            continue
        if entry.ops.dense is not None:
            filler.dense(entry.ops.dense, columns)
        elif entry.ops.moe is not None and loads is not None:
            filler.experts(entry.ops.moe, loads, columns)
    filler.buffers()
    if uncut is None:
        filler.outside()
        filler.drafting()
    return values
