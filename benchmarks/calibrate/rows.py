"""Measured kernels as work and seconds, one reader per table (columns: ``README.md`` beside the tables)."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrate.expert_draws import busiest_rank
from placer.catalog.device import Device
from placer.catalog.kernel import KernelFamily
from placer.cost.op_time import Work
from placer.model.precision import LAYOUTS, ComputePrecision, WeightFormat, matrix_bytes

Array = NDArray[np.float64]

#: Devices of the catalog by their name in the tables.
DEVICES = {"h100_sxm": "h100-sxm", "h200_sxm": "h200-sxm", "b200_sxm": "b200-sxm", "gb200": "gb200"}
#: Stored formats by their name in the tables.
FORMATS = {
    "bfloat16": WeightFormat.BF16,
    "fp8": WeightFormat.FP8,
    "fp8_block": WeightFormat.FP8_BLOCK,
    "nvfp4": WeightFormat.NVFP4,
}
#: MXFP4 experts: Hopper multiplies them in BF16, Blackwell natively with MXFP8 activations.
MXFP4 = {"w4a16_mxfp4": ("h100_sxm", "h200_sxm"), "w4a8_mxfp4_mxfp8": ("b200_sxm", "gb200")}
#: Hidden and intermediate size, experts per token, experts (config.json of each).
EXPERTS = {
    "DeepSeek-V3": (7168, 2048, 8, 256),
    "Kimi-K2": (7168, 2048, 8, 384),
    "Mixtral-8x7B": (4096, 14336, 2, 8),
    "Qwen3-235B": (4096, 1536, 8, 128),
    "gpt-oss-120b": (2880, 2880, 4, 128),
}
#: DeepSeek-V3's latent attention (config.json): latent, rotary key, query and value heads.
LATENT, ROPE, NOPE, VALUE = 512, 64, 128, 128


@dataclass(frozen=True)
class Rows:
    """Measured rows of one family, device and format.

    Attributes
    ----------
    system, family, weights
        What they are of; names of the tables' systems.
    work
        Arrays of shape (num_rows,).
    seconds : ndarray, shape (num_rows,)
    labels
        What each row is, for tables of errors.
    """

    system: str
    family: KernelFamily
    weights: WeightFormat
    work: Work[Array]
    seconds: Array
    labels: tuple[str, ...]


def read_rows(folder: Path) -> Iterator[Rows]:
    """Yield every measured set of rows in a folder of tables."""
    for reader, name in READERS:
        yield from reader(_table(folder / name))


def peaks(device: Device, rows: Rows) -> tuple[float, float]:
    """Return bandwidth and peak FLOP/s the kernels of some rows run against, as the planner takes them."""
    compute = ComputePrecision.BF16
    if rows.family in {KernelFamily.GEMM, KernelFamily.MOE}:
        holding = device.holding(rows.weights)
        compute = holding[1] if holding else LAYOUTS[rows.weights].native_compute
    return device.compute_tier.bandwidth, device.peak[compute]


@dataclass(frozen=True)
class _Table:
    """Columns of a table."""

    columns: dict[str, NDArray[np.str_]]

    def number(self, name: str) -> Array:
        return self.columns[name].astype(np.float64)

    def groups(self, *names: str) -> Iterator[tuple[tuple[str, ...], _Table]]:
        keys = list(zip(*(self.columns[name] for name in names), strict=True))
        for key in dict.fromkeys(keys):
            keep = np.array([other == key for other in keys])
            if key[0] in DEVICES:
                yield tuple(map(str, key)), _Table({name: column[keep] for name, column in self.columns.items()})


def _table(path: Path) -> _Table:
    with path.open(encoding="utf-8", newline="") as text:
        lines = list(csv.reader(text))
    return _Table({name: np.array([line[index] for line in lines[1:]]) for index, name in enumerate(lines[0])})


def _rows(key: tuple[str, KernelFamily, WeightFormat], work: Work[Array], table: _Table, *labelled: str) -> Rows:
    columns = [table.columns[name] for name in labelled]
    labels = tuple(" ".join(parts) for parts in zip(*columns, strict=True))
    return Rows(*key, work, table.number("latency_us") * 1e-6, labels)


def _gemms(table: _Table) -> Iterator[Rows]:
    for (system, kind), part in table.groups("system", "gemm_dtype"):
        m, n, k = (part.number(name) for name in "mnk")
        stored = FORMATS[kind]
        read = np.array([matrix_bytes(int(rows), int(columns), stored) for rows, columns in zip(n, k, strict=True)])
        work = Work(read.astype(np.float64), 2.0 * m * n * k, depth=k, handled_bytes=2.0 * m * (n + k))
        yield _rows((system, KernelFamily.GEMM, stored), work, part, "m", "n", "k")


def _attention_decode(table: _Table) -> Iterator[Rows]:
    for (system, kind), part in table.groups("system", "kv_cache_dtype"):
        batch, context, heads, kv_heads, width, window = (
            part.number(name)
            for name in ("batch_size", "kv_len", "num_heads", "num_key_value_heads", "head_dim", "window_size")
        )
        read = batch * np.where(window > 0, np.minimum(context, window), context)
        element = LAYOUTS[FORMATS[kind]].bits / 8
        work = Work(read * 2.0 * kv_heads * width * element, read * 4.0 * heads * width)
        labels = ("num_heads", "num_key_value_heads", "head_dim", "window_size")
        yield _rows((system, KernelFamily.ATTENTION, FORMATS[kind]), work, part, *labels)


def _attention_prefill(table: _Table) -> Iterator[Rows]:
    for (system, compute, kind), part in table.groups("system", "attn_dtype", "kv_cache_dtype"):
        if compute != kind:  # an FP8 cache is computed in FP8 by the engines of the other tables
            continue
        batch, tokens, heads, kv_heads, width, window = (
            part.number(name)
            for name in ("batch_size", "isl", "num_heads", "num_key_value_heads", "head_dim", "window_size")
        )
        reach = np.where(window > 0, np.minimum(tokens, window), tokens)
        scores = batch * heads * reach * (tokens - reach / 2.0)
        element = LAYOUTS[FORMATS[kind]].bits / 8
        moved = batch * tokens * width * (4.0 * heads + 4.0 * kv_heads * element)
        work = Work(moved, scores * 4.0 * width, depth=reach, scores=scores)
        labels = ("num_heads", "num_key_value_heads", "head_dim", "window_size")
        yield _rows((system, KernelFamily.ATTENTION_PREFILL, FORMATS[kind]), work, part, *labels)


#: Contexts below are a handful of tokens in thousands of sequences: no deployment, and another kernel.
LEAST_LATENT_CONTEXT = 64


def _latent(table: _Table) -> Iterator[Rows]:
    for (system, phase, kind), part in table.groups("system", "phase", "kv_cache_dtype"):
        long = _Table(
            {name: column[part.number("kv_len") >= LEAST_LATENT_CONTEXT] for name, column in part.columns.items()}
        )
        batch, context, heads = (long.number(name) for name in ("batch_size", "kv_len", "num_heads"))
        element = LAYOUTS[FORMATS[kind]].bits / 8
        if phase == "decode":
            read = batch * context
            work = Work(read * (LATENT + ROPE) * element, read * 2.0 * heads * (2 * LATENT + ROPE))
            family = KernelFamily.MLA
        else:
            widths = NOPE + ROPE + VALUE
            moved = batch * context * (heads * widths * 2.0 + 2.0 * (LATENT + ROPE) * element)
            work = Work(moved, batch * heads * widths * context**2, depth=context)
            family = KernelFamily.MLA_PREFILL
        yield _rows((system, family, FORMATS[kind]), work, long, "num_heads", "batch_size")


def _experts(table: _Table) -> Iterator[Rows]:
    for (system, kind), part in table.groups("system", "moe_dtype"):
        if kind in MXFP4 and system not in MXFP4[kind]:
            continue
        stored = WeightFormat.MXFP4 if kind in MXFP4 else FORMATS[kind]
        columns = ("model", "distribution", "moe_tp_size", "moe_ep_size", "num_tokens")
        entries = [_expert_work(stored, line) for line in zip(*(part.columns[name] for name in columns), strict=True)]
        read, flops, depth, handled, tile, held = np.array(entries).T
        work = Work(read, flops, depth=depth, handled_bytes=handled, tile_flops=tile, experts=held)
        yield _rows(
            (system, KernelFamily.MOE, stored), work, part, "model", "distribution", "moe_tp_size", "moe_ep_size"
        )


def _expert_work(stored: WeightFormat, line: tuple[str, ...]) -> tuple[float, ...]:
    """Return the fields of `Work` for one row: bytes, FLOPs, depth, activations, tile FLOPs, experts held."""
    model, distribution, cuts, ranks, tokens = line
    hidden, intermediate, top_k, experts = EXPERTS[model]
    inner, held = intermediate // int(cuts), experts // int(ranks)
    touched, served = busiest_rank(distribution, int(tokens), top_k, experts, int(ranks))
    weights = matrix_bytes(2 * inner, hidden, stored) + matrix_bytes(hidden, inner, stored)
    flops = 6.0 * hidden * inner
    handled = 2.0 * served * (2 * hidden + 3 * inner)
    return touched * weights, served * flops, hidden + inner, handled, touched * flops, held


Reader = Callable[[_Table], Iterator[Rows]]

READERS: tuple[tuple[Reader, str], ...] = (
    (_gemms, "gemm_trtllm.csv"),
    (_attention_decode, "attention_decode_trtllm.csv"),
    (_attention_prefill, "attention_prefill_trtllm.csv"),
    (_latent, "mla_core_trtllm.csv"),
    (_experts, "moe_trtllm.csv"),
)
