"""Layers that are the same to a planner: equal ops, interchangeable but for their number."""

from __future__ import annotations

from dataclasses import dataclass

from placer.graph.ffns.moe import MoeOps
from placer.graph.op import Op, OpKind


@dataclass(frozen=True)
class LayerOps:
    """What one layer computes.

    Attributes
    ----------
    projection, core, output
        The attention block.
    ffn
        One dense op, or the ops of a mixture of experts.
    """

    projection: Op
    core: Op
    output: Op
    ffn: Op | MoeOps

    @property
    def moe(self) -> MoeOps | None:
        """The mixture of experts, if the layer has one."""
        return self.ffn if isinstance(self.ffn, MoeOps) else None

    @property
    def dense(self) -> Op | None:
        """The dense FFN, if the layer has one."""
        return None if isinstance(self.ffn, MoeOps) else self.ffn

    @property
    def has_mixer(self) -> bool:
        """Whether tokens are mixed at all."""
        return self.core.kind is not OpKind.NO_MIXER

    @property
    def has_ffn(self) -> bool:
        """Whether there is a feed-forward block."""
        return isinstance(self.ffn, MoeOps) or self.ffn.kind is not OpKind.NO_FFN

    @property
    def attention(self) -> tuple[Op, Op, Op]:
        """Projection, core, output."""
        return self.projection, self.core, self.output


@dataclass(frozen=True)
class LayerClass:
    """Equal layers of a model."""

    name: str
    ops: LayerOps
    layers: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many layers there are."""
        return len(self.layers)
