"""Fits of collectives: start-up by number of devices, share of the bandwidth, and the ramp in between."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from placer.catalog.kernel import FitError
from placer.catalog.link import Link, StartUp
from placer.catalog.loader import load_link
from placer.cost.collective import all_reduce_s, all_to_all_s
from placer.cost.expert_load import copies_per_token

Array = NDArray[np.float64]

#: The link each system's collectives ran over. H200 repeats H100's link; its rows check the fit.
LINKS = {
    "h100_sxm": "nvlink4",
    "h200_sxm": "nvlink4",
    "b200_sxm": "nvlink5-8",
    "gb200": "nvlink5-72",
    "gb300": "nvlink5-72",
}
_SEED, _ROBUST = 0, 0.1
#: DeepEP's single-node tables: ranks by system; tokens go out in FP8 and come back in BF16.
_EXPERT_RANKS = {"h100_sxm": 8, "h200_sxm": 8, "b200_sxm": 8, "gb200": 4}


@dataclass(frozen=True)
class Messages:
    """Measured collectives over one link.

    Attributes
    ----------
    link, operation
        Which link of the catalog; ``all_reduce`` or ``all_to_all``.
    devices, message_bytes, seconds : ndarray, shape (num_rows,)
        Devices that take part, bytes each contributes or sends, time.
    systems
        Where each row was measured.
    """

    link: str
    operation: str
    devices: Array
    message_bytes: Array
    seconds: Array
    systems: tuple[str, ...]


@dataclass(frozen=True)
class FittedCollective:
    """Entries of a link's table, and their error by system on rows the fit did not see."""

    messages: Messages
    entries: tuple[StartUp, ...]
    errors: dict[str, FitError]


def read_messages(folder: Path) -> Iterator[Messages]:
    """Yield the measured collectives of every link."""
    reduces = [
        (line["system"], float(line["num_gpus"]), float(line["bytes"]), float(line["latency_us"]) * 1e-6)
        for line in _lines(folder / "comm_raw.csv")
        if line["op"] == "all_reduce" and line["source"] == "trtllm_custom" and line["system"] in LINKS
    ]
    exchanges = [
        (line["system"], float(_EXPERT_RANKS[line["system"]]), sent * width, float(line[f"{way}_avg_t_us"]) * 1e-6)
        for line in _lines(folder / "deepep_ll_raw.csv")
        if line["node_num"] == "1" and line["version"] == "0.5.12" and line["system"] in _EXPERT_RANKS
        for sent in [_sent_elements(line)]
        for way, width in (("dispatch", 1.0), ("combine", 2.0))
    ]
    for operation, rows in (("all_reduce", reduces), ("all_to_all", exchanges)):
        for link in dict.fromkeys(LINKS.values()):
            part = [row for row in rows if LINKS[row[0]] == link]
            devices, message, seconds = np.array([row[1:] for row in part]).T
            yield Messages(link, operation, devices, message, seconds, tuple(row[0] for row in part))


def fit_collective(messages: Messages) -> FittedCollective:
    """Fit a link's table of one operation to a random half of the rows and judge it on the other."""
    link = load_link(messages.link)
    held_out = np.random.default_rng(_SEED).random(len(messages.seconds)) < 0.5
    counts = sorted({int(count) for count in messages.devices})

    def misfit(values: Array) -> Array:
        predicted = _predict(link, messages, _entries(counts, values))
        return np.asarray(np.log(predicted / messages.seconds)[~held_out])

    start = np.array([np.log(4e-6), np.log(3e-7), 0.5, np.log(5e-6), np.log(1e6)])
    if messages.operation == "all_to_all":  # measured for one number of ranks each, and straight from the start
        start = start[[0, 2]]
    tries = [least_squares(misfit, start + shift, loss="soft_l1", f_scale=_ROBUST) for shift in (-0.7, 0.7)]
    entries = tuple(_rounded(entry) for entry in _entries(counts, min(tries, key=lambda found: float(found.cost)).x))
    off = np.abs(_predict(link, messages, entries) / messages.seconds - 1.0)
    systems = np.array(messages.systems)
    errors = {system: _error(off[held_out & (systems == system)]) for system in dict.fromkeys(messages.systems)}
    overall = _error(off[held_out])
    return FittedCollective(messages, tuple(entry.model_copy(update={"error": overall}) for entry in entries), errors)


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def _sent_elements(line: dict[str, str]) -> float:
    """Return the elements a rank sends: one copy of a token to every rank with one of its experts."""
    ranks = _EXPERT_RANKS[line["system"]]
    copies = copies_per_token(float(line["num_topk"]), int(line["num_experts"]), ranks)
    return float(line["num_token"]) * float(line["hidden_size"]) * copies


def _entries(counts: list[int], values: Array) -> tuple[StartUp, ...]:
    first, more, share, ramp, ramp_bytes = values if len(values) > 2 else (values[0], -np.inf, values[1], -np.inf, 0.0)
    return tuple(
        StartUp.model_construct(
            devices=count,
            latency=float(np.exp(first) + np.exp(more) * (count - 1)),
            efficiency=float(np.clip(1.0 / (1.0 + np.exp(-share)), 1e-3, 1.0)),
            ramp=float(np.exp(ramp)),
            ramp_bytes=float(np.exp(ramp_bytes)),
        )
        for count in counts
    )


def _rounded(entry: StartUp) -> StartUp:
    """Return an entry as it will be written, with four digits."""
    names = ("latency", "efficiency", "ramp", "ramp_bytes")
    return entry.model_copy(update={name: float(f"{getattr(entry, name):.4g}") for name in names})


def _predict(link: Link, messages: Messages, entries: tuple[StartUp, ...]) -> Array:
    fitted = link.model_copy(update={messages.operation: entries})
    seconds = np.zeros_like(messages.seconds)
    for entry in entries:
        here = messages.devices == entry.devices
        sent = messages.message_bytes[here]
        if messages.operation == "all_reduce":
            seconds[here] = all_reduce_s(fitted, entry.devices, sent)
        else:
            seconds[here] = all_to_all_s(fitted, None, (entry.devices, entry.devices), sent)
    return seconds


def _error(off: Array) -> FitError:
    return FitError(median=round(float(np.median(off)), 3), p90=round(float(np.quantile(off, 0.9)), 3), rows=len(off))
