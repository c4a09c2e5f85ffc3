"""Which device of a plan holds which part of which sequence's KV cache.

Requests are dealt to data-parallel ranks, heads to tensor-parallel ranks (physics A2). What heads share, the latent of
MLA and the keys of an index, every tensor-parallel rank keeps whole; where there are more ranks than KV heads, ranks
keep the same head. Context-parallel ranks deal the tokens of what they would all keep among themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from placer.errors import InputError
from placer.graph.model_graph import ModelGraph
from placer.graph.op import Op
from placer.plan.placement import GroupPlan, Placement, Role
from placer.plan.plan import Plan


@dataclass(frozen=True)
class KvShard:
    """What one device of every replica holds of a layer.

    Attributes
    ----------
    role, stage, data_rank, tensor_rank
        Where: group, stage, data-parallel and tensor-parallel rank.
    layer
        Number of the layer.
    sequences
        Numbers of the sequences of every microbatch, from 0.
    part, num_parts
        Which of how many different parts of the heads; ``tp / num_parts`` ranks hold the same part.
    cp, first_token
        Every how many-th token of a sequence lies here, and from which position on; all from 0 on where ``cp`` is 1.
        Ranks with the same part and first token hold copies.
    sequence_bytes
        Bytes of one sequence at the capacity context, in whole pages: its part of the KV cache and of states, and
        indices [B].
    """

    role: Role
    stage: int
    data_rank: int
    tensor_rank: int
    layer: int
    sequences: range
    part: int
    num_parts: int
    cp: int
    first_token: int
    sequence_bytes: int

    def device(self, plan: Plan, replica: int) -> str:
        """Return the device that holds the shard in a replica, as ``pool[i]``."""
        assert plan.placement is not None
        group = next(group for group in plan.groups if group.role is self.role)
        first = plan.placement.replicas[replica].first_device[self.role][self.stage]
        return f"{group.pool}[{first + self.data_rank * group.tp + self.tensor_rank}]"


@dataclass(frozen=True)
class StageKv:
    """What a device of a stage keeps of one sequence.

    Attributes
    ----------
    layers
        Layers of the stage that keep something.
    device_bytes
        On each of its devices [B].
    whole_bytes
        Of the sequence, each byte counted once [B].
    """

    layers: int
    device_bytes: int
    whole_bytes: int


def sequences_by_rank(group: GroupPlan) -> tuple[range, ...]:
    """Return the sequences of a microbatch on every data-parallel rank, numbered in the order they are dealt."""
    ends = list(accumulate(group.sequences_per_rank))
    return tuple(range(end - dealt, end) for end, dealt in zip(ends, group.sequences_per_rank, strict=True))


def num_parts(core: Op, tp: int) -> int:
    """Return into how many different parts tensor parallelism cuts what a core keeps of a sequence."""
    return min(tp, core.kv_max_shards)


def stage_kv(
    model: ModelGraph, placement: Placement, group: GroupPlan, tokens: int, states: int = 1
) -> dict[int, StageKv]:
    """Return what a device of every stage of a group keeps of a sequence; stages that keep nothing are left out.

    Parameters
    ----------
    model, placement, group
        The lowered model, where its layers lie, and the group.
    tokens
        Tokens of the sequence, in whole pages.
    states
        States kept of a sequence by mixers that have one.
    """
    stages: dict[int, StageKv] = {}
    for placed in placement.layers:
        core = model.layer_ops[placed.layer].core
        held, whole = (core.held_bytes(tokens, *cut, states) for cut in ((group.tp, group.cp), (1, 1)))
        if placed.attention.role is not group.role or not held:
            continue
        before = stages.get(placed.attention.stage, StageKv(0, 0, 0))
        stages[placed.attention.stage] = StageKv(
            before.layers + 1, before.device_bytes + held, before.whole_bytes + whole
        )
    return stages


def kv_shards(plan: Plan, model: ModelGraph) -> Iterator[KvShard]:
    """Yield every KV shard of a replica of a plan, layer by layer; all replicas have the same.

    Parameters
    ----------
    plan
        A plan with a placement.
    model
        Its model, lowered.

    Raises
    ------
    InputError
        If the plan is a refusal or undecided.
    """
    if plan.placement is None:
        raise InputError(f"a plan with status {plan.status} holds no KV cache", where="plan")
    groups = {group.role: group for group in plan.groups}
    drafted = plan.batch.draft_tokens if plan.batch else 0
    context = plan.scenario.workload.capacity_context + drafted
    for placed in plan.placement.layers:
        group, core = groups[placed.attention.role], model.layer_ops[placed.layer].core
        tokens = plan.scenario.fleet.device_of(group.pool).paged(context, group.cp)
        held = core.held_bytes(tokens, group.tp, group.cp, drafted + 1)
        parts, cp = num_parts(core, group.tp), group.cp if core.splits_context else 1
        for data_rank, sequences in enumerate(sequences_by_rank(group) if held else ()):
            for tensor_rank in range(group.tp):
                yield KvShard(
                    role=group.role,
                    stage=placed.attention.stage,
                    data_rank=data_rank,
                    tensor_rank=tensor_rank,
                    layer=placed.layer,
                    sequences=sequences,
                    part=tensor_rank * parts // group.tp,
                    num_parts=parts,
                    cp=cp,
                    first_token=tensor_rank % cp,
                    sequence_bytes=held,
                )
