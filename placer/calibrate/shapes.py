"""Which blocks are measured: generic shapes of decoders, none of them the decoder of the proof.

A block is what a framework runs, norms, rotary embedding, activation and residual included, since that is what a step
pays. Bytes, FLOPs and launches are those of the block's lowering: the fit sees what the cost model will see.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from placer.calibrate.row import Work
from placer.catalog.device import KernelFamily
from placer.graph.lower import lower
from placer.graph.model_graph import ModelGraph
from placer.graph.op import Op
from placer.model.ffn import DenseFfn, MoeFfn
from placer.model.mixer import GroupedQueryAttention
from placer.model.spec import LayerKind, LayerRun, ModelSpec


class Block(StrEnum):
    """Part of a decoder that is timed on its own."""

    LINEARS = "attention linears"
    MLP = "gated MLP"
    HEAD = "LM head"
    CORE = "attention"
    EXPERTS = "experts"


FAMILY = {
    Block.LINEARS: KernelFamily.GEMM,
    Block.MLP: KernelFamily.GEMM,
    Block.HEAD: KernelFamily.GEMM,
    Block.CORE: KernelFamily.ATTENTION,
    Block.EXPERTS: KernelFamily.MOE,
}


@dataclass(frozen=True)
class Shape:
    """Sizes of one decoder layer; ``num_experts`` 0 means a dense FFN."""

    hidden_size: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    intermediate_size: int
    vocab_size: int = 8192
    num_experts: int = 0
    top_k: int = 1

    def lowered(self) -> ModelGraph:
        """Return the graph of a decoder of one such layer."""
        attention = GroupedQueryAttention(
            num_heads=self.num_heads, num_kv_heads=self.num_kv_heads, head_dim=self.head_dim
        )
        ffn = (
            MoeFfn(num_experts=self.num_experts, top_k=self.top_k, intermediate_size=self.intermediate_size)
            if self.num_experts
            else DenseFfn(intermediate_size=self.intermediate_size)
        )
        return lower(
            ModelSpec(
                name="block",
                source="a shape that is measured",
                hidden_size=self.hidden_size,
                vocab_size=self.vocab_size,
                mixers={"attention": attention},
                ffns={"ffn": ffn},
                layers=(LayerRun(repeat=1, pattern=(LayerKind(mixer="attention", ffn="ffn"),)),),
            )
        )


@dataclass(frozen=True)
class Case:
    """A block to time: its shape, sequences that decode one token each, and tokens in their cache."""

    block: Block
    shape: Shape
    tokens: int
    context: int = 0

    @property
    def family(self) -> KernelFamily:
        """The kernels it stands for."""
        return FAMILY[self.block]

    @property
    def what(self) -> str:
        """The shape in words."""
        shape = self.shape
        heads = f"{shape.num_heads}/{shape.num_kv_heads} heads of {shape.head_dim}"
        sizes = {
            Block.LINEARS: f"hidden {shape.hidden_size}, {heads}",
            Block.MLP: f"{shape.hidden_size} x {shape.intermediate_size}",
            Block.HEAD: f"{shape.hidden_size} x {shape.vocab_size}",
            Block.CORE: f"{heads}, context {self.context}",
            Block.EXPERTS: (
                f"{shape.hidden_size} x {shape.intermediate_size}, {shape.top_k} of {shape.num_experts} experts"
            ),
        }
        return f"{self.block} {sizes[self.block]}, {self.tokens} tokens"

    def routing(self) -> list[list[int]]:
        """Return the experts of every token: different ones, all equally likely, the same in every run."""
        generator = random.Random(self.tokens)
        return [generator.sample(range(self.shape.num_experts), self.shape.top_k) for _ in range(self.tokens)]

    def work(self) -> Work:
        """Return launches, bytes and FLOPs as the cost model counts them on a single device."""
        graph = self.shape.lowered()
        layer = graph.layer_ops[0]
        if self.block is Block.EXPERTS and layer.moe is not None:
            return self._experts(layer.moe.expert)
        if self.block is Block.CORE:
            core = layer.core
            flops = self.tokens * float(core.context_flops(self.context) + core.flops_per_token)
            return Work(core.kernels, self.tokens * core.moved_bytes(self.context), flops)
        ops: tuple[Op | None, ...] = {
            Block.LINEARS: (layer.projection, layer.output),
            Block.MLP: (layer.dense,),
            Block.HEAD: (graph.lm_head,),
        }[self.block]
        some = [op for op in ops if op is not None]
        return Work(
            sum(op.kernels for op in some),
            float(sum(op.weight_bytes for op in some)),
            self.tokens * float(sum(op.flops_per_token for op in some)),
        )

    def _experts(self, expert: Op) -> Work:
        """Return the work of routed experts; the fused block counts as one launch."""
        touched = len({index for chosen in self.routing() for index in chosen})
        served = self.tokens * self.shape.top_k
        return Work(1, float(touched * expert.weight_bytes), served * float(expert.flops_per_token))


#: hidden size, heads, KV heads, head size, intermediate size.
_LAYERS = (
    Shape(256, 4, 2, 64, 768),
    Shape(512, 8, 8, 64, 1536),
    Shape(768, 12, 4, 64, 2048),
    Shape(1536, 12, 2, 128, 4096),
    Shape(2048, 16, 8, 128, 5632),
    Shape(3072, 24, 8, 128, 8192),
)
_HEADS = (Shape(512, 8, 8, 64, 1536, vocab_size=16384), Shape(2048, 16, 8, 128, 5632, vocab_size=50304))
_CORES = (
    Shape(512, 8, 8, 64, 1536),
    Shape(1024, 8, 4, 128, 1536),
    Shape(1024, 8, 2, 128, 1536),
    Shape(1024, 16, 2, 64, 1536),
    Shape(2048, 32, 8, 64, 1536),
)
_MOES = (
    Shape(512, 8, 8, 64, 1024, num_experts=8, top_k=2),
    Shape(768, 12, 4, 64, 2048, num_experts=16, top_k=2),
    Shape(1536, 12, 2, 128, 1536, num_experts=8, top_k=2),
    Shape(2048, 16, 8, 128, 768, num_experts=32, top_k=4),
)
_TOKENS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_SEQUENCES = (1, 2, 4, 8, 16, 32)
_CONTEXTS = (64, 256, 1024, 4096)
#: KV caches above this are left out, so that a laptop can hold them.
_LARGEST_CACHE_BYTES = 2**28


def all_cases(*, is_quick: bool = False) -> Iterator[Case]:
    """Yield what is measured; a quick calibration takes every second size.

    Parameters
    ----------
    is_quick
        Whether to measure less.
    """
    step = 2 if is_quick else 1
    for shape in _LAYERS[::step]:
        for tokens in _TOKENS[::step]:
            yield Case(Block.LINEARS, shape, tokens)
            yield Case(Block.MLP, shape, tokens)
    for shape in _HEADS[::step]:
        yield from (Case(Block.HEAD, shape, tokens) for tokens in _TOKENS[::step])
    for shape in _CORES[::step]:
        for tokens in _SEQUENCES[::step]:
            cases = [Case(Block.CORE, shape, tokens, context) for context in _CONTEXTS]
            yield from (case for case in cases if case.work().moved_bytes <= _LARGEST_CACHE_BYTES)
    for shape in _MOES[::step]:
        yield from (Case(Block.EXPERTS, shape, tokens) for tokens in _TOKENS[::step])
