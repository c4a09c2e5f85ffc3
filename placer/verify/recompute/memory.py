"""Bytes on every device of a replica (``docs/method.md``, section 3, "Memory")."""

from __future__ import annotations

from dataclasses import dataclass

from placer.graph.ffns.moe import MoeOps
from placer.graph.model_graph import ModelGraph
from placer.graph.op import Op
from placer.plan.placement import FfnPart, LayerPlacement, Placement, Role, Way
from placer.verify.recompute.context_parallel import own_tokens, room_bytes
from placer.verify.recompute.flow import Place, place_of
from placer.verify.recompute.pages import sequence_tokens
from placer.verify.recompute.replica import Replica
from placer.verify.recompute.weights import shard_bytes


@dataclass
class DeviceMemory:
    """Bytes on every device of a stage; all are alike, as each has a slot for as many experts as the fullest.

    ``draft`` is the KV cache of what drafts, with its buffers. ``items`` counts what lies on a device: each may have
    been rounded by a byte.
    """

    place: Place
    weights: float = 0.0
    hot_experts: float = 0.0
    kv: float = 0.0
    draft: float = 0.0
    activations: float = 0.0
    items: int = 1

    @property
    def total(self) -> float:
        """Everything but the runtime's reserve."""
        return self.at_rest + self.cached

    @property
    def at_rest(self) -> float:
        """Weights, hot experts among them."""
        return self.weights + self.hot_experts

    @property
    def cached(self) -> float:
        """KV cache and activations."""
        return self.kv + self.draft + self.activations


def memory_map(model: ModelGraph, placement: Placement, replica: Replica) -> list[DeviceMemory]:
    """Return the bytes on a device of every stage."""
    books = _Books(model, placement, replica)
    books.add_op(place_of(placement.embedding), model.embedding)
    books.add_op(place_of(placement.lm_head), model.lm_head)
    books.add_draft(place_of(placement.lm_head))
    for layer in placement.layers:
        books.add_attention(layer)
        for part in layer.ffn:
            books.add_ffn(layer, part)
    return list(books.stages.values())


class _Books:
    """Bytes by stage, while a placement is walked through."""

    def __init__(self, model: ModelGraph, placement: Placement, replica: Replica) -> None:
        self.model, self.placement, self.replica = model, placement, replica
        self.stages: dict[Place, DeviceMemory] = {}
        top_k = max((ops.moe.top_k for ops in model.layer_ops if ops.moe), default=0)
        batch = replica.batch
        for role, group in replica.groups.items():
            tokens = 2 * group.rank_tokens + 2 * top_k * group.device_tokens
            buffers = batch.in_flight * batch.hidden_bytes * tokens
            buffers += batch.in_flight * group.rank_tokens * room_bytes(model, group)
            for stage in range(group.shape.stages):
                self.stages[role, stage] = DeviceMemory((role, stage), activations=buffers)

    def add_op(self, place: Place, op: Op) -> None:
        """Add one tensor-parallel shard of an op."""
        group, stage = self.replica.groups[place[0]], self.stages[place]
        stage.weights += shard_bytes(op, group.device, group.shape.tp)
        stage.items += len(op.matrices) + len(op.vectors)

    def add_draft(self, place: Place) -> None:
        """Add what drafts on the stage of the LM head: weights, and what all microbatches in flight keep."""
        draft, stage = self.replica.draft, self.stages[place]
        if draft.is_beside:
            return
        stage.weights += draft.weights
        stage.draft += self.replica.batch.in_flight * draft.kept
        stage.items += draft.items

    def add_attention(self, layer: LayerPlacement) -> None:
        """Add attention, router, and the KV cache of the rank's sequences."""
        place, ops = place_of(layer.attention), self.model.layer_ops[layer.layer]
        for op in (*ops.attention, *((ops.moe.router,) if ops.moe else ())):
            self.add_op(place, op)
        group, batch = self.replica.groups[place[0]], self.replica.batch
        parts = min(group.shape.tp, ops.core.kv_max_shards)
        kept = batch.width * ops.core.state_bytes / parts
        tokens = own_tokens(ops.core, group, sequence_tokens(group, batch.capacity_context))
        for cache in ops.core.caches:
            volume = cache.kept(tokens) * cache.entry_bytes
            kept += volume if cache.is_index else volume / parts
        self.stages[place].kv += batch.in_flight * group.rank_sequences * kept
        self.stages[place].items += 1

    def add_ffn(self, layer: LayerPlacement, part: FfnPart) -> None:
        """Add a dense FFN, or a part's experts; the first part has the shared ones."""
        ops, place = self.model.layer_ops[layer.layer], place_of(part.at)
        if ops.dense is not None:
            self.add_op(place, ops.dense)
        if ops.moe is not None:
            if part is layer.ffn[0] and ops.moe.shared is not None:
                self.add_op(place, ops.moe.shared)
            is_hot = layer.way is Way.SPLIT and part.at.role is Role.SIDECAR
            held = self._slots_bytes(ops.moe, part)
            if is_hot:
                self.stages[place].hot_experts += held
            else:
                self.stages[place].weights += held

    def _slots_bytes(self, moe: MoeOps, part: FfnPart) -> float:
        """Return the bytes of a part's slots on a rank, filled or not."""
        group = self.replica.groups[part.at.role]
        experts_by_rank = self.placement.experts[part.experts or ""].experts_by_rank
        slots = group.slots(len({expert for rank in experts_by_rank for expert in rank}))
        self.stages[place_of(part.at)].items += slots * (len(moe.expert.matrices) + len(moe.expert.vectors))
        return slots * shard_bytes(moe.expert, group.device, group.shape.expert_tp)
