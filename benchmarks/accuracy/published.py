"""Single published points that state enough to be predicted: throughput under full load."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from placer.catalog.engine import ServingEngine
from placer.graph.lower import lower
from placer.model.catalog import load_model
from placer.model.served import with_served_width
from placer.predict.configuration import Configuration
from placer.predict.hardware import group_of
from placer.predict.memory import MemoryModel
from placer.predict.predict import kernel_steps, times
from placer.scenario.routing import RoutingProfile

_DEVICES = {"H100": "h100-sxm", "H200": "h200-sxm", "B200": "b200-sxm"}
_MODELS = {"llama-3.3-70b": "llama-3.3-70b", "llama-3.1-8b": "llama-3.1-8b", "gpt-oss-120b": "gpt-oss-120b"}
#: Requests an engine decodes at once at most (TensorRT-LLM's default ``max_batch_size``).
_MOST_RUNNING = 2048


@dataclass(frozen=True)
class Published:
    """One published throughput, output tokens per second and device, beside ours."""

    name: str
    what: str
    measured: float
    predicted: float


def read_published(path: Path, engine: ServingEngine) -> Iterator[Published]:
    """Yield published points at full load with known model, device, degree and lengths."""
    with path.open(encoding="utf-8", newline="") as text:
        for line in csv.DictReader(text):
            degree = re.fullmatch(r"TP(\d+)", line["parallelism"])
            is_known = line["device"] in _DEVICES and line["model"] in _MODELS and line["isl"] and line["osl"]
            if degree and is_known and line["metric"] in {"tokens_per_s_total", "tokens_per_s_per_gpu"}:
                yield _published(line, int(degree[1]), engine)


def _published(line: dict[str, str], tp: int, engine: ServingEngine) -> Published:
    spec = load_model(_MODELS[line["model"]])
    width = "fp4" if "fp4" in line["quant"] else line["quant"].replace("fp16", "bf16")
    model = lower(spec.model_copy(update={"precision": with_served_width(spec.precision, width)}))
    configuration = Configuration(
        device=_DEVICES[line["device"]],
        num_devices=tp,
        tp=tp,
        batch=_MOST_RUNNING,
        isl=int(float(line["isl"])),
        osl=int(float(line["osl"])),
    )
    group = group_of(configuration)
    running = min(_MOST_RUNNING, max(1, MemoryModel(model, group, configuration, engine).most_running()))
    tpot_s = times(kernel_steps(model, group, configuration, running, RoutingProfile()), engine).tpot_s
    measured = float(line["value"]) / (tp if line["metric"] == "tokens_per_s_total" else 1)
    what = f"{line['model']} {width} {line['device']} TP{tp} {configuration.isl}/{configuration.osl}"
    return Published(line["id"], what, measured, running / tpot_s / tp)
