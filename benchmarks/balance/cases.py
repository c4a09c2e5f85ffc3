"""What is measured: EPLB's example, zipf families, real counts where they are at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

EXAMPLE = (
    (90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86),
    (20, 107, 104, 64, 19, 197, 187, 157, 172, 86, 16, 27),
)
EXPERTS = (64, 128, 256, 512)
REDUNDANCY = (0.0, 1 / 32, 1 / 16, 1 / 8, 1 / 4)
RANKS = (2, 4, 8, 16, 32, 64)
EXPONENTS = (0.3, 0.6, 0.9, 1.2)
#: Ranks and slots for the 8 experts of Mixtral and the 64 of OLMoE.
REAL = {
    8: ((8, 8), (2, 8), (2, 10), (4, 12)),
    64: ((8, 64), (8, 72), (8, 80), (4, 64), (4, 72), (16, 64), (16, 80), (32, 64), (32, 96)),
}


@dataclass(frozen=True)
class Case:
    """A layer and the slots its experts go to."""

    family: str
    name: str
    loads: NDArray[np.float64]
    ranks: int
    slots: int
    nodes: int = 1
    groups: int | None = None


def cases(counts: Path | None, *, is_small: bool) -> Iterator[Case]:
    """Yield all cases; real ones where there is a file of counts."""
    for index, row in enumerate(EXAMPLE):
        loads = np.array(row, dtype=np.float64)
        yield Case("EPLB's example", f"layer {index}, global", loads, 8, 16)
        yield Case("EPLB's example", f"layer {index}, 2 nodes, 4 groups", loads, 8, 16, 2, 4)
    yield from _zipf(EXPERTS[:1] if is_small else EXPERTS, RANKS[:3] if is_small else RANKS)
    if counts is not None and not is_small:
        yield from _real(counts)


def zipf_loads(experts: int, exponent: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Return token counts of a zipf law with 10 % of noise, shape (experts,), 10,000 an expert in the mean."""
    share = np.arange(1, experts + 1.0) ** -exponent
    noisy = share / share.sum() * 10_000 * experts * random.lognormal(0.0, 0.1, experts)
    return random.permutation(np.round(noisy))


def _zipf(experts: tuple[int, ...], ranks: tuple[int, ...]) -> Iterator[Case]:
    random = np.random.default_rng(7)
    for number in experts:
        for redundancy in REDUNDANCY:
            for group in ranks:
                slots = -(-round(number * (1 + redundancy)) // group) * group
                for exponent in EXPONENTS:
                    name = f"zipf {exponent}, {number} experts, {slots} slots, {group} ranks"
                    yield Case(f"zipf, {number} experts", name, zipf_loads(number, exponent, random), group, slots)


def _real(counts: Path) -> Iterator[Case]:
    for name, entry in json.loads(counts.read_text())["data"].items():
        model, _, domain = name.removesuffix(".pkl").partition("/")
        for layer, row in enumerate(entry["counts"]):
            loads = np.array(row, dtype=np.float64)
            for ranks, slots in REAL[len(row)]:
                title = f"{model} {domain}, layer {layer}, {slots} slots, {ranks} ranks"
                yield Case(f"real, {len(row)} experts", title, loads, ranks, slots)
