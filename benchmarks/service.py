"""``python -m benchmarks.service``: plans of the whole service, each in a process of its own, as a Markdown table."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from benchmarks.subjects import REAL_SIZE
from placer.catalog.loader import load_fleet

COLUMNS = (
    *("model", "fleet", "tokens/s/user", "status", "mode", "devices", "$/request", "$/M in", "$/M out", "TTFT s"),
    *("tokens/s per device", "tokens/s per $/h", "gap", "process_s", "verified"),
)
#: Models and inventories of the homogeneous fleets: TTFT within 2 s, TPOT within 30 ms, 4,000 tokens in and 1,000 out.
MODELS = ("meta-llama/Llama-3.1-70B", "Qwen/Qwen3-235B-A22B", "openai/gpt-oss-120b", "deepseek-ai/DeepSeek-V3")
INVENTORIES = (("h100-8x", (8, 16, 32)), ("h200-8x", (8, 16, 32)), ("gb200-nvl72", (72,)))
TPOT_S = 0.030


def main(
    *,
    homogeneous: Annotated[bool, typer.Option(help="8, 16, 32 and 72 devices of one kind, four models.")] = False,
    speed: Annotated[list[float] | None, typer.Option(help="Only these tokens/s per user; repeatable.")] = None,
) -> None:
    """Plan DeepSeek-V3 on the fleets of ``python -m benchmarks``, prefill included, or homogeneous fleets."""
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
    with tempfile.TemporaryDirectory() as folder:
        questions = _homogeneous(Path(folder)) if homogeneous else _real_size(speed)
        for question in questions:
            print("| " + " | ".join(_row(*question, Path(folder))) + " |", flush=True)


def _real_size(speeds: list[float] | None) -> list[tuple[str, str, str, list[str]]]:
    return [
        (subject.model, subject.fleet, subject.fleet, ["--tps-user", str(subject.tps_user), "--ttft", "2 s"])
        for subject in REAL_SIZE
        if not speeds or subject.tps_user in speeds
    ]


def _homogeneous(folder: Path) -> list[tuple[str, str, str, list[str]]]:
    asked = ["--tps-user", str(1.0 / TPOT_S), "--isl", "4000", "--osl", "1000", "--ttft", "2 s"]
    questions = []
    for model in MODELS:
        for name, counts in INVENTORIES:
            for count in counts:
                file = folder / f"{name}-{count}.yaml"
                file.write_text(yaml.safe_dump(_sized(name, count)))
                questions.append((model, f"{count} of {name}", str(file), asked))
    return questions


def _sized(name: str, count: int) -> dict[str, Any]:
    """Return a fleet of the catalog with another inventory."""
    fleet = load_fleet(name)
    (pool,) = fleet.pools
    sized = pool.model_copy(update={"count": count})
    return {"name": f"{name}-{count}", "price_basis": fleet.price_basis, "pools": [sized.model_dump(mode="json")]}


def _row(model: str, name: str, fleet: str, asked: list[str], folder: Path) -> list[str]:
    file = folder / "plan.json"
    started = time.perf_counter()
    command = [sys.executable, "-m", "placer", "plan", model, "--fleet", fleet, *asked, "-q", "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    took_s = time.perf_counter() - started
    plan = json.loads(done.stdout)
    speed = f"{float(asked[1]):.4g}"
    if plan["status"] != "planned":
        return [model, name, speed, plan["status"], *["-"] * (len(COLUMNS) - 6), f"{took_s:.1f}", "-"]
    file.write_text(done.stdout)
    checked = subprocess.run(
        [sys.executable, "-m", "placer", "verify", str(file)], check=False, capture_output=True, text=True
    )
    metrics, devices = plan["metrics"], sum(plan["devices"].values())
    figures = (metrics["usd_per_million_input_tokens"], metrics["usd_per_million_output_tokens"], metrics["ttft_s"])
    return [
        *(model, name, speed, plan["status"], plan["mode"]),
        ", ".join(f"{count} {pool}" for pool, count in plan["devices"].items()),
        f"{metrics['usd_per_request']:.4g}",
        *(f"{figure:.4g}" for figure in figures),
        f"{metrics['tokens_per_s'] / devices:,.0f}",
        f"{metrics['tokens_per_s'] / metrics['usd_per_hour']:,.0f}",
        f"{plan['bound']['relative_gap']:.2%}",
        f"{took_s:.1f}",
        str(checked.returncode == 0),
    ]


if __name__ == "__main__":
    typer.run(main)
