"""The best a machine does: what efficiencies are shares of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from placer.calibrate.backend import Backend
from placer.calibrate.blocks import Blocks
from placer.calibrate.measure import Call, Sample
from placer.calibrate.result import MeasuredRate

_SQUARE, _MANY_TOKENS = 4096, 1024


class Peak(StrEnum):
    """A kernel that does one thing as fast as it can."""

    COPY = "copy"
    READ = "read"
    GEMV = "gemv"
    GEMM = "gemm"


def peak_tasks(backend: Backend, blocks: Blocks) -> dict[Peak, Callable[[], Call]]:
    """Return copying, reading, a matrix times a vector, and a matrix times many tokens."""
    torch, arena = backend.torch, blocks.arena
    linear, half = torch.nn.functional.linear, len(arena) // 2
    square, wide = arena[: _SQUARE**2].view(_SQUARE, _SQUARE), arena[: 4 * _SQUARE**2].view(2 * _SQUARE, 2 * _SQUARE)
    vector, many = arena[: 2 * _SQUARE].view(1, -1), arena[: _MANY_TOKENS * _SQUARE].view(_MANY_TOKENS, _SQUARE)
    words = arena.view(torch.int32)
    return {
        Peak.COPY: lambda: lambda: arena[:half].copy_(arena[half:]),
        Peak.READ: lambda: lambda: words.max(),
        Peak.GEMV: lambda: lambda: linear(vector, wide),
        Peak.GEMM: lambda: lambda: linear(many, square),
    }


def peak_rates(blocks: Blocks, samples: Mapping[Peak, Sample]) -> tuple[MeasuredRate, ...]:
    """Return bytes a second (copied ones count twice, read and written), and FLOPs a second of the last."""
    elements = len(blocks.arena)
    amounts = {
        Peak.COPY: 2.0 * elements,
        Peak.READ: 2.0 * elements,
        Peak.GEMV: 2.0 * (2 * _SQUARE) ** 2,
        Peak.GEMM: 2.0 * _MANY_TOKENS * _SQUARE**2,
    }
    return tuple(
        MeasuredRate(name=str(name), per_s=amounts[name] / sample.seconds, spread=sample.spread)
        for name, sample in samples.items()
    )
