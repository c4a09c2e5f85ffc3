"""What is measured: generic shapes, none of them that of the proof's decoder.

Matrices are timed inside whole steps of small decoders at a short context, since that is where a framework spends what
our lowering has no op for: norms, rotary embedding, activation, residual, cache bookkeeping, Python between kernels.
Attention and experts are timed on their own. Bytes, FLOPs and launches are those of the lowering: the fit sees what
the cost model will see.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from placer.calibrate.row import Work
from placer.catalog.kernel import KernelFamily
from placer.cost.block_time import HIDDEN_BYTES
from placer.graph.lower import lower
from placer.graph.model_graph import ModelGraph
from placer.graph.op import Op
from placer.model.ffn import DenseFfn, MoeFfn
from placer.model.mixer import GroupedQueryAttention
from placer.model.spec import LayerKind, LayerRun, ModelSpec


class Block(StrEnum):
    """Part of a decoder that is timed on its own."""

    STEP = "decoder step"
    CORE = "attention"
    EXPERTS = "experts"


FAMILY = {
    Block.STEP: KernelFamily.GEMM,
    Block.CORE: KernelFamily.ATTENTION,
    Block.EXPERTS: KernelFamily.MOE,
}


@dataclass(frozen=True)
class Shape:
    """Sizes of a decoder of equal layers; ``num_experts`` 0 means a dense FFN."""

    hidden_size: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    intermediate_size: int
    vocab_size: int = 8192
    num_layers: int = 1
    num_experts: int = 0
    top_k: int = 1

    def lowered(self) -> ModelGraph:
        """Return its graph of ops."""
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
                layers=(LayerRun(repeat=self.num_layers, pattern=(LayerKind(mixer="attention", ffn="ffn"),)),),
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
            Block.STEP: (
                f"{shape.num_layers} layers, hidden {shape.hidden_size}, FFN {shape.intermediate_size}, {heads}, "
                f"vocabulary {shape.vocab_size}"
            ),
            Block.CORE: f"{heads}, context {self.context}",
            Block.EXPERTS: (
                f"{shape.hidden_size} x {shape.intermediate_size}, {shape.top_k} of {shape.num_experts} experts"
            ),
        }
        return f"{self.block} {sizes[self.block]}, {self.tokens} sequences"

    def routing(self) -> list[list[int]]:
        """Return the experts of every token: different ones, all equally likely, the same in every run."""
        generator = random.Random(self.tokens)
        return [generator.sample(range(self.shape.num_experts), self.shape.top_k) for _ in range(self.tokens)]

    def work(self) -> Work:
        """Return launches, bytes and FLOPs of the family, as the cost model counts them on a single device."""
        graph = self.shape.lowered()
        layer = graph.layer_ops[0]
        if self.block is Block.EXPERTS and layer.moe is not None:
            return self._experts(layer.moe.expert)
        return self._core(layer.core) if self.block is Block.CORE else self._matrices(graph)

    def attention(self) -> Work:
        """Return the work of all attention cores of a decoder's step."""
        return self._core(self.shape.lowered().layer_ops[0].core).times(self.shape.num_layers)

    def _core(self, core: Op) -> Work:
        flops = self.tokens * float(core.context_flops(self.context) + core.flops_per_token)
        return Work(core.kernels, self.tokens * core.moved_bytes(self.context), flops)

    def _matrices(self, graph: ModelGraph) -> Work:
        """Return the work of a whole step but for attention: the embedding is looked up, all else is read."""
        ops = [graph.lm_head]
        for layer in graph.layer_ops:
            ops += [op for op in (layer.projection, layer.output, layer.dense) if op is not None]
        looked_up = self.tokens * self.shape.hidden_size * HIDDEN_BYTES
        return Work(
            graph.embedding.kernels + sum(op.kernels for op in ops),
            float(looked_up + sum(op.weight_bytes for op in ops)),
            self.tokens * float(sum(op.flops_per_token for op in ops)),
        )

    def _experts(self, expert: Op) -> Work:
        """Return the work of routed experts; the fused block counts as one launch."""
        touched = len({index for chosen in self.routing() for index in chosen})
        served = self.tokens * self.shape.top_k
        return Work(1, float(touched * expert.weight_bytes), served * float(expert.flops_per_token))


#: hidden size, heads, KV heads, head size, intermediate size; as many layers as it takes to outgrow a cache.
_DECODERS = (
    Shape(256, 4, 2, 64, 768, vocab_size=16384, num_layers=6),
    Shape(512, 8, 8, 64, 1536, vocab_size=50304, num_layers=8),
    Shape(768, 12, 4, 64, 2048, num_layers=10),
    Shape(1536, 12, 2, 128, 4096, num_layers=5),
    Shape(2048, 16, 8, 128, 5632, vocab_size=24576, num_layers=3),
)
_DECODER_CONTEXT = 64
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
#: Sequences decoded together: a CPU is out of breath early.
_SEQUENCES = {"cpu": (1, 2, 4, 8, 16, 32), "cuda": (1, 2, 4, 8, 16, 32, 64, 128, 256)}
_QUICK_SEQUENCES = (1, 4, 16)
_CONTEXTS = (64, 256, 1024, 4096)
#: KV caches above this are left out, so that a laptop can hold them.
_LARGEST_CACHE_BYTES = 2**28


def all_cases(device: str, *, is_quick: bool = False) -> Iterator[Case]:
    """Yield what is measured; a quick calibration takes fewer batches and contexts.

    Parameters
    ----------
    device
        ``cpu`` or ``cuda``; the latter gets larger batches.
    is_quick
        Whether to measure less.
    """
    sequences = _QUICK_SEQUENCES if is_quick else _SEQUENCES[device]
    contexts = _CONTEXTS[::2] if is_quick else _CONTEXTS
    for tokens in sequences:
        yield from (Case(Block.STEP, shape, tokens, _DECODER_CONTEXT) for shape in _DECODERS)
        yield from (Case(Block.EXPERTS, shape, tokens) for shape in _MOES)
        cores = [Case(Block.CORE, shape, tokens, context) for shape in _CORES for context in contexts]
        yield from (case for case in cores if case.work().moved_bytes <= _LARGEST_CACHE_BYTES)
