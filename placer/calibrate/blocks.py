"""The blocks that are timed on their own, written as eager PyTorch decoders write them.

Weights and caches are views of one arena and move on through it from call to call, so that they come from memory and
not from the last-level cache, as in a decoder whose weights do not fit there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from placer.calibrate.backend import Backend
from placer.calibrate.measure import Call
from placer.calibrate.shapes import Block, Case

#: Elements of the arena: 512 MiB in BF16, several times any last-level cache.
ARENA_ELEMENTS = 2**28
_SCALE = 0.02


class Arena:
    """One long tensor; matrices are cut from it one after the other, from the front again at its end."""

    def __init__(self, backend: Backend) -> None:
        torch = backend.torch
        torch.manual_seed(0)
        piece = (torch.randn(2**22, device=backend.device) * _SCALE).to(backend.dtype)
        self.values = piece.repeat(ARENA_ELEMENTS // 2**22)
        self._next = 0

    def take(self, *shape: int) -> Any:
        """Return the next tensor of a shape."""
        count = 1
        for size in shape:
            count *= size
        if self._next + count > len(self.values):
            self._next = 0
        start, self._next = self._next, self._next + count
        return self.values[start : start + count].view(*shape)


class Blocks:
    """Builds calls; each call runs a block once on weights that were not just used."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._torch = backend.torch
        self._linear = backend.torch.nn.functional.linear
        self._arena = Arena(backend)

    @property
    def arena(self) -> Any:
        """The long tensor itself, to be copied and read."""
        return self._arena.values

    def build(self, case: Case) -> Call:
        """Return the attention or the experts of a case, ready to run."""
        return self._core(case) if case.block is Block.CORE else self._experts(case)

    def _random(self, *shape: int) -> Any:
        return self._torch.randn(*shape, device=self._backend.device).to(self._backend.dtype)

    def _gated(self, hidden: Any, size: int, wide: int, take: Callable[..., Any]) -> Any:
        gate = self._torch.nn.functional.silu(self._linear(hidden, take(wide, size)))
        return self._linear(gate * self._linear(hidden, take(wide, size)), take(size, wide))

    def _core(self, case: Case) -> Call:
        """Write one token into a preallocated cache, then attend to all of it, a group of queries per KV head."""
        shape, torch = case.shape, self._torch
        groups = shape.num_heads // shape.num_kv_heads
        queries = self._random(case.tokens, shape.num_heads, 1, shape.head_dim)
        token = self._random(case.tokens, shape.num_kv_heads, 1, shape.head_dim)
        position = torch.tensor([case.context - 1], device=self._backend.device)
        mask = torch.ones(case.tokens, 1, 1, case.context, dtype=torch.bool, device=self._backend.device)
        kept = (case.tokens, shape.num_kv_heads, case.context, shape.head_dim)

        def run() -> Any:
            keys, values = self._arena.take(*kept), self._arena.take(*kept)
            keys.index_copy_(2, position, token)
            values.index_copy_(2, position, token)
            grouped = queries.reshape(case.tokens, shape.num_kv_heads, groups, shape.head_dim)
            mixed = torch.nn.functional.scaled_dot_product_attention(grouped, keys, values, attn_mask=mask)
            mixed = mixed.reshape(case.tokens, shape.num_heads, 1, shape.head_dim)
            return mixed.transpose(1, 2).reshape(case.tokens, 1, -1)

        return run

    def _experts(self, case: Case) -> Call:
        """Send every token to its experts, one touched expert after the other, and sum what comes back."""
        shape, torch, take = case.shape, self._torch, self._arena.take
        hidden = self._random(case.tokens, shape.hidden_size)
        chosen = torch.tensor(case.routing(), device=self._backend.device)
        weights = self._random(case.tokens, shape.top_k)

        def run() -> Any:
            mixed = torch.zeros_like(hidden)
            for expert in torch.unique(chosen).tolist():
                rows, slots = torch.where(chosen == expert)
                sent = self._gated(hidden[rows], shape.hidden_size, shape.intermediate_size, take)
                mixed.index_add_(0, rows, sent * weights[rows, slots, None])
            return mixed

        return run
