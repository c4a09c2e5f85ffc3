"""Measured deployments as configurations (columns: ``README.md`` beside the tables)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from placer.predict.configuration import Configuration

#: A node's scale-up domain is as wide as tensor parallelism gets, the NVL72 rack apart.
_NODE = 8


@dataclass(frozen=True)
class Point:
    """One measured deployment.

    Attributes
    ----------
    model, width
        Name, and ``bf16``, ``fp8`` or ``fp4`` as the deployment calls itself.
    decode, prefill
        What decodes, and what prefills; the same where both share devices.
    ttft_s, tpot_s
        Measured.
    backend, version, measured
        Engine and month; for tables only, nothing is predicted from them.
    doubts
        What speaks against the row's own description; empty for most.
    """

    model: str
    width: str
    decode: Configuration
    prefill: Configuration
    ttft_s: float
    tpot_s: float
    backend: str
    version: str
    measured: str
    doubts: tuple[str, ...]

    @property
    def key(self) -> tuple[object, ...]:
        """What a measurement is known by: rows with the same one are copies."""
        return self.model, self.width, self.decode.device, self.decode.isl, self.decode.osl, self.ttft_s, self.tpot_s

    @property
    def is_sound(self) -> bool:
        """Whether devices are shared and nothing speaks against the row's own description."""
        return self.is_shared and not self.doubts

    @property
    def is_shared(self) -> bool:
        """Whether the same devices prefill and decode."""
        return not self.decode.is_prefill_elsewhere


def read_points(folder: Path) -> Iterator[Point]:
    """Yield every measured deployment of a folder, copies included."""
    for line in _lines(folder / "serving_agg.csv"):
        yield _shared(line)
    for line in _lines(folder / "serving_disagg.csv"):
        yield _split(line)


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def _shared(line: dict[str, str]) -> Point:
    degrees, doubts = _degrees(line, "")
    batch = _whole(line["batch_size"])
    concurrency = _whole(line["silicon_concurrency"], default=batch * degrees["dp"])
    configuration = _configuration(line, degrees, -(-concurrency // degrees["dp"]))
    return _point(line, configuration, configuration, doubts)


def _split(line: dict[str, str]) -> Point:
    """Return a deployment with devices of its own for prefill; all requests decode in one worker, as far as known."""
    degrees, doubts = _degrees(line, "decode_")
    before, _ = _degrees(line, "prefill_")
    workers = _whole(line["decode_num_workers"])
    concurrency = _whole(
        line["silicon_concurrency"], default=_whole(line["decode_batch_size"]) * degrees["dp"] * workers
    )
    batch = max(1, -(-concurrency // (degrees["dp"] * workers)))
    decode = _configuration(line, degrees, batch).model_copy(update={"is_prefill_elsewhere": True})
    prefill = _configuration(line, before, max(1, -(-concurrency // before["dp"])))
    return _point(line, decode, prefill, doubts)


def _degrees(line: dict[str, str], side: str) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return the degrees of one side of a row.

    Where both expert degrees exceed one and their product is the square of a node's devices, the same measurement also
    stands in the table with the root: the degrees were multiplied where they should not have been.
    """
    tp, pp, dp = (_whole(line[f"{side}{name}"]) for name in ("tp_size", "pp_size", "attention_dp_size"))
    cut, ep = (_whole(line[f"{side}{name}"]) for name in ("moe_tp_size", "moe_ep_size"))
    doubts: list[str] = []
    if cut == ep and cut > 1 and cut * ep == tp * dp and tp * dp > _NODE and not side:
        tp, dp = (ep, 1) if tp > dp else (1, ep)
        doubts.append(f"recorded as {cut * ep} devices; the same measurement stands there with {ep}")
    elif tp > _NODE and not side:
        doubts.append("a rack under one tensor-parallel degree: disaggregated runs recorded by their number of devices")
    if (tp * dp) % ep:
        ep = 1
    return {"tp": tp, "pp": pp, "dp": dp, "ep": ep}, tuple(doubts)


def _configuration(line: dict[str, str], degrees: dict[str, int], batch: int) -> Configuration:
    return Configuration(
        device=line["system"].replace("_", "-"),
        num_devices=degrees["tp"] * degrees["pp"] * degrees["dp"],
        batch=max(1, batch),
        isl=int(line["isl"]),
        osl=int(line["osl"]),
        **degrees,
    )


def _point(line: dict[str, str], decode: Configuration, prefill: Configuration, doubts: tuple[str, ...]) -> Point:
    return Point(
        model=line["model_path"],
        width=line["precision"] or "bf16",
        decode=decode,
        prefill=prefill,
        ttft_s=float(line["silicon_ttft_ms"]) / 1e3,
        tpot_s=float(line["silicon_tpot_ms"]) / 1e3,
        backend=line["backend"],
        version=line["backend_version"],
        measured=line["measured"],
        doubts=doubts,
    )


def _whole(text: str, default: int = 1) -> int:
    """Return a count, or the default where the table has none or zero."""
    return int(float(text)) if text and float(text) >= 1 else default
