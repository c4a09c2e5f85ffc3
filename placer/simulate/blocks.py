"""Blocks of a layer as pieces of a program: what holds which engine of a stage, and for how long."""

from __future__ import annotations

from dataclasses import dataclass, field

from placer.cost import block_time
from placer.cost.collective import hop_s
from placer.cost.draft import pass_s
from placer.cost.group import Batch, Group
from placer.errors import InternalError
from placer.graph.ffns.moe import MoeOps
from placer.graph.layer_class import LayerOps
from placer.plan.placement import Role
from placer.simulate.deployment import Crossing, Deployment
from placer.simulate.experts import ExpertPart
from placer.simulate.program import Delay, Engine, Message, Piece, Resource, Work

#: A stage of a group.
Place = tuple[Role, int]
TOKEN_BYTES = 4


@dataclass
class Registry:
    """Numbers resources and expert parts in the order they are met."""

    resources: dict[Resource, int] = field(default_factory=dict)
    parts: list[ExpertPart] = field(default_factory=list)

    def number(self, place: Place, engine: Engine) -> int:
        """Return the number of an engine of a stage."""
        return self.resources.setdefault(Resource(*place, engine), len(self.resources))

    def part(self, part: ExpertPart) -> int:
        """Return the number of an expert part."""
        known = next((number for number, other in enumerate(self.parts) if other is part), None)
        if known is None:
            self.parts.append(part)
            return len(self.parts) - 1
        return known


class Blocks:
    """Makes pieces; times are those of `placer.cost`, for one microbatch."""

    def __init__(self, deployment: Deployment, registry: Registry) -> None:
        self._deployment, self._registry = deployment, registry
        self._hidden_size = deployment.hidden_size

    def at(self, place: Place) -> tuple[Group, Batch]:
        """Return hardware and share of the microbatch of a stage."""
        return self._deployment.hardware[place[0]], self._deployment.batches[place[0]]

    def _work(self, place: Place, label: str, seconds: float, experts: int = -1) -> Piece:
        return Work(self._registry.number(place, Engine.COMPUTE), label, seconds, experts)

    def attention(self, ops: LayerOps, place: Place) -> list[Piece]:
        """Return the attention block, with the router."""
        group, batch = self.at(place)
        context = self._deployment.scenario.workload.mean_context
        time = block_time.attention_s(group, ops, batch, context, self._hidden_size)
        return [self._work(place, "attention", float(time[0]))]

    def dense(self, ops: LayerOps, place: Place) -> list[Piece]:
        """Return a dense FFN."""
        group, batch = self.at(place)
        assert ops.dense is not None
        time = block_time.dense_s(group, ops.dense, batch, self._hidden_size)
        return [self._work(place, "dense FFN", float(time[0]))]

    def near_experts(self, part: ExpertPart, place: Place) -> list[Piece]:
        """Return a MoE for tokens of the same group: shared experts, out, experts, back, and their sum."""
        group, batch = self.at(place)
        fabric = self._registry.number(place, Engine.FABRIC)
        out, back = self._exchange(part, group, batch)
        reduce = block_time.reduce_s(group, batch.rank_tokens, self._hidden_size)
        moving = group.shape.width > 1
        return [
            *self.shared(part.moe, place),
            *([Work(fabric, "dispatch", out)] if moving else []),
            *self.experts(part, place),
            *([Work(fabric, "combine", back)] if moving else []),
            self._work(place, "all-reduce", float(reduce[0])),
        ]

    def _exchange(self, part: ExpertPart, group: Group, batch: Batch) -> tuple[float, float]:
        copies = block_time.copies(group, part.mean_loads(), part.whole)
        dispatch = self._deployment.model.spec.precision.dispatch
        there, back = block_time.exchange_s(group, copies, batch, part.moe.width, dispatch)
        return float(there[0]), float(back[0])

    def shared(self, moe: MoeOps, place: Place) -> list[Piece]:
        """Return the shared experts, if there are any."""
        if moe.shared is None:
            return []
        return [self._work(place, "shared experts", float(block_time.shared_s(*_moe(self.at(place), moe))[0]))]

    def experts(self, part: ExpertPart, place: Place) -> list[Piece]:
        """Return the routed experts."""
        return [self._work(place, "experts", part.mean_s(), self._registry.part(part))]

    def embedding(self, place: Place) -> list[Piece]:
        """Return the lookup of tokens."""
        group, batch = self.at(place)
        time = block_time.embedding_s(group, self._deployment.model.embedding, batch, self._hidden_size)
        return [self._work(place, "embedding", float(time[0]))]

    def head(self, place: Place) -> list[Piece]:
        """Return the LM head, and agreeing on a token."""
        group, batch = self.at(place)
        time = float(block_time.lm_head_s(group, self._deployment.model.lm_head, batch)[0])
        return [self._work(place, "LM head", time), *self._draft(place)]

    def _draft(self, place: Place) -> list[Piece]:
        """Return the passes that draft the next tokens: on the devices of the LM head, or on a pool of its own.

        Drafting that overlaps is no part of a microbatch's way (`Program.beside_s`).
        """
        step, (group, _) = self._deployment.step, self.at(place)
        if step.drafter is None or step.is_overlapped:
            return []
        if step.beside is not None:
            beside = self._deployment.beside
            drafter = self._registry.number((Role.HOST, 0), Engine.DRAFTER)
            way = Delay("token ids", beside.round_trip_s / 2.0)
            return [way, Work(drafter, "draft", beside.passes_s), way]
        batch, context = self._deployment.sequence_batches[place[0]], self._deployment.scenario.workload.mean_context
        return [self._work(place, "draft", step.draft_tokens * float(pass_s(group, step.drafter, batch, context)[0]))]

    def gather(self, place: Place) -> list[Piece]:
        """Return the spreading of hidden states that arrived over the tensor-parallel ranks; it holds nothing."""
        group, batch = self.at(place)
        seconds = float(block_time.gather_s(group, batch.rank_tokens, self._hidden_size)[0])
        return [Delay("gather", seconds)] if seconds else []

    @property
    def hidden_bytes(self) -> float:
        """Bytes of a microbatch's hidden states."""
        return float(self._deployment.tokens * self._hidden_size * block_time.HIDDEN_BYTES)

    def move(self, here: Place, there: Place) -> list[Piece]:
        """Return what it takes to pass hidden states on, if they have to move."""
        if here == there:
            return []
        hop = self.stage_hop(here, self.hidden_bytes) if here[0] is there[0] else None
        return [*(hop or self.hop(here, there, self.hidden_bytes, "hidden states")), *self.gather(there)]

    def stage_hop(self, here: Place, message_bytes: float) -> list[Piece]:
        """Return a hop to a later stage: bytes hold the link, its latency does not."""
        group, _ = self.at(here)
        link = group.stage_link
        rate = link.effective_bytes_per_s * group.shape.width
        held = Work(self._registry.number(here, Engine.NEXT_STAGE), "hidden states", message_bytes / rate)
        return [held, Delay("latency", link.latency)]

    def hop(self, here: Place, there: Place, message_bytes: float, label: str) -> list[Piece]:
        """Return a hop between the groups."""
        crossing = self._crossing
        ways = (Engine.BOTH_WAYS,) * 2 if crossing.is_half_duplex else (Engine.OUT, Engine.IN)
        source, target = (self._registry.number(place, way) for place, way in zip((here, there), ways, strict=True))
        rates = crossing.stage_bytes_per_s
        held = message_bytes / rates[here[0]], message_bytes / rates[there[0]]
        return [Message(source, target, label, *held, crossing.latency_s)]

    @property
    def _crossing(self) -> Crossing:
        if self._deployment.crossing is None:
            raise InternalError("nothing joins the groups")
        return self._deployment.crossing

    def token_ids(self, here: Place, there: Place) -> list[Piece]:
        """Return the way of token ids back to the embedding: too small to hold anything."""
        if here == there:
            return []
        message = float(TOKEN_BYTES * self._deployment.tokens)
        if here[0] is not there[0]:
            rate = min(self._crossing.stage_bytes_per_s.values())
            return [Delay("token ids", float(hop_s(self._crossing.latency_s, rate, message)))]
        group, _ = self.at(here)
        rate = group.stage_link.effective_bytes_per_s * group.shape.width
        return [Delay("token ids", float(hop_s(group.stage_link.latency, rate, message)))]

    def copies_bytes(self, part: ExpertPart, place: Place, *, with_shared: bool) -> tuple[float, float]:
        """Return the bytes of the copies that a microbatch sends to experts of another group, out and back."""
        group, _ = self.at(place)
        width = block_time.copies(group, part.mean_loads(), part.whole) * part.moe.width
        if with_shared and part.moe.shared is not None:
            width += group.shape.tp * self._hidden_size
        elements = self._deployment.tokens * width
        dispatch = self._deployment.model.spec.precision.dispatch.element_bytes
        return elements * dispatch, elements * float(block_time.HIDDEN_BYTES)


def _moe(at: tuple[Group, Batch], moe: MoeOps) -> tuple[Group, MoeOps, Batch]:
    return at[0], moe, at[1]
