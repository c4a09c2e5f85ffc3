"""``python -m benchmarks.industry``: the industry's chart, computed: ``docs/industry.json``, pictures, and tables.

Answers are kept as those of ``placer frontier`` are: an interrupted run goes on where it was.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from placer.api import build_scenario
from placer.catalog.loader import load_fleet
from placer.files import write_atomic
from placer.frontier.curve import Curve
from placer.frontier.solve import Progress, solve_frontier
from placer.model.catalog import load_model
from placer.model.served import stored_as
from placer.plan.frontier import Frontier, FrontierPoint
from placer.plan.plan import Status
from placer.report.chart import save_chart
from placer.sweep.engine import open_engine
from placer.sweep.how import How
from placer.sweep.store import Store, default_store_path

DOCS = Path(__file__).parents[1] / "docs"
EVIDENCE, PAGE = DOCS / "industry.json", DOCS / "industry.md"
#: What stands around the tables of the page.
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
#: Chance that a drafted token of multi-token prediction is accepted, by its place: a choice, see the page.
ACCEPTANCE = (0.85, 0.7, 0.55)
SPEEDS = (20.0, 40.0, 68.0, 89.0, 110.0, 150.0, 200.0, 300.0, 400.0, 600.0, 1000.0)
OUTPUT_TOKENS = 1024


@dataclass(frozen=True)
class System:
    """A fleet, and whether its models draft with modules of their own; those with a sidecar take long to search."""

    name: str
    fleet: str
    drafts: bool
    budget_s: float
    has_sidecar: bool = False


SYSTEMS = (
    System("GB200", "gb200-nvl72", drafts=False, budget_s=240.0),
    System("GB200, MTP", "gb200-nvl72", drafts=True, budget_s=240.0),
    System("Rubin", "vera-rubin-nvl72", drafts=False, budget_s=240.0),
    System("Rubin, MTP", "vera-rubin-nvl72", drafts=True, budget_s=240.0),
    System("Rubin + LPX", "vera-rubin-nvl72-lpx-x16", drafts=False, budget_s=180.0, has_sidecar=True),
)


@dataclass(frozen=True)
class Subject:
    """A model at a length: one picture; systems with a sidecar are asked at fewer speeds."""

    name: str
    title: str
    model: str
    input_tokens: int
    experts: str | None = None
    kv: str | None = None
    sidecar_speeds: tuple[float, ...] = (40.0, 110.0, 200.0, 400.0, 1000.0)


SUBJECTS = (
    Subject("deepseek-8k", "DeepSeek-V3, 8k context, decode", "deepseek-ai/DeepSeek-V3", 8_192, sidecar_speeds=SPEEDS),
    Subject("deepseek-400k", "DeepSeek-V3, 400k context, decode", "deepseek-ai/DeepSeek-V3", 400_000),
    Subject("moe-2t-8k", "2T-class MoE (NVFP4), 8k context, decode", "moe-2t", 8_192, "nvfp4", "fp8"),
    Subject("moe-2t-400k", "2T-class MoE (NVFP4), 400k context, decode", "moe-2t", 400_000, "nvfp4", "fp8"),
)


def main(
    *,
    only: Annotated[list[str] | None, typer.Option(help="Only these pictures; repeatable.")] = None,
    system: Annotated[list[str] | None, typer.Option(help="Only these systems; repeatable.")] = None,
    workers: Annotated[int | None, typer.Option(help="Solved side by side.")] = None,
    draw: Annotated[bool, typer.Option("--draw", help="Solve nothing: draw and write what is known.")] = False,
) -> None:
    """Solve what is missing, draw the pictures, and write the tables into the page."""
    known = read_evidence()
    with Store(default_store_path()) as store, open_engine("processes", workers) as engine:
        for subject in (one for one in SUBJECTS if not draw and (not only or one.name in only)):
            # Systems of equal effort together: neighbours of one curve wait for each other, curves do not.
            asked = [one for one in SYSTEMS if not system or one.name in system]
            for budget_s in sorted({one.budget_s for one in asked}):
                curves = [_curve(subject, one) for one in asked if one.budget_s == budget_s]
                found = solve_frontier(curves, engine, store, How(budget_s=budget_s), _teller(subject.name))
                known[subject.name] = known[subject.name].joined(found) if subject.name in known else found
            _write_evidence(known)
    for subject in SUBJECTS:
        if subject.name in known:
            save_chart(ordered(known[subject.name]), DOCS / f"industry-{subject.name}.svg", title=subject.title)
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    write_atomic(PAGE, f"{before}{BEGIN}\n{tables(known)}{END}{rest.split(END)[1]}")


def _teller(name: str) -> Callable[[Progress], None]:
    def tell(progress: Progress) -> None:
        last = progress.last
        at = f"{last.question.scenario.fleet.name} {last.plan.verdict[-60:]}" if last else ""
        sys.stderr.write(f"{name}: {progress.settled} of {progress.points} {at}\n")

    return tell


def _curve(subject: Subject, system: System) -> Curve:
    model = stored_as(load_model(subject.model), weights=None, experts=subject.experts, kv=subject.kv, prefix="")
    scenario = build_scenario(
        model,
        load_fleet(system.fleet),
        workload={"input_tokens": subject.input_tokens, "output_tokens": OUTPUT_TOKENS},
        target={"tokens_per_s_per_user": SPEEDS[0]},
        speculation={"kind": "mtp", "acceptance": ACCEPTANCE, "max_draft_tokens": len(ACCEPTANCE)}
        if system.drafts
        else None,
    )
    return Curve(system.name, scenario, subject.sidecar_speeds if system.has_sidecar else SPEEDS)


def ordered(frontier: Frontier) -> Frontier:
    """Return the curves in the order of the systems."""
    names = [system.name for system in SYSTEMS if system.name in frontier.input_tokens]
    pick = lambda held: {name: held[name] for name in names}  # noqa: E731
    return Frontier(
        input_tokens=pick(frontier.input_tokens),
        output_tokens=pick(frontier.output_tokens),
        price_basis=pick(frontier.price_basis),
        points=tuple(point for name in names for point in frontier.of(name)),
    )


def read_evidence() -> dict[str, Frontier]:
    """Return what was solved, by picture; nothing where the file is absent."""
    if not EVIDENCE.is_file():
        return {}
    return {name: Frontier.model_validate(held) for name, held in json.loads(EVIDENCE.read_text("utf-8")).items()}


def _write_evidence(known: dict[str, Frontier]) -> None:
    import json

    write_atomic(
        EVIDENCE, json.dumps({name: one.model_dump(mode="json") for name, one in known.items()}, indent=1) + "\n"
    )


def tables(known: dict[str, Frontier]) -> str:
    """Return, by picture, tokens/s per megawatt and price at every speed, as Markdown."""
    parts = []
    for subject in SUBJECTS:
        if subject.name not in known:
            continue
        frontier = ordered(known[subject.name])
        head = ["tokens/s/user", *frontier.curves]
        lines = [f"\n### {subject.title}\n", f"![{subject.title}](industry-{subject.name}.svg)\n"]
        lines += ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        for speed in SPEEDS:
            cells = [_cell(_at(frontier, curve, speed)) for curve in frontier.curves]
            lines.append("| " + " | ".join([f"{speed:g}", *cells]) + " |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _at(frontier: Frontier, curve: str, speed: float) -> FrontierPoint | None:
    return next((point for point in frontier.of(curve) if point.target_tokens_per_s_per_user == speed), None)


def _cell(point: FrontierPoint | None) -> str:
    if point is None:
        return ""
    if point.status is not Status.PLANNED:
        return "no plan" if point.status is Status.INFEASIBLE else "undecided"
    per_mw, price, gap = (
        point.tokens_per_s_per_mw or 0.0,
        point.usd_per_million_tokens or 0.0,
        point.relative_gap or 0.0,
    )
    return f"{per_mw / 1e3:,.4g} k, ${price:.3g}" + (f" ({gap:.0%})" if gap > 0.01 else "")


if __name__ == "__main__":
    typer.run(main)
