"""``python -m benchmarks.balance``: expert placement against EPLB and against what is provable, as Markdown."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.balance.cases import Case, cases, zipf_loads
from placer.balance.report import balance_layers

#: Gap that counts as closed, and slots a rank from which it should be.
CLOSED, ROOMY = 0.005, 8
_SAME = 1e-9
COLUMNS = (
    "family",
    "slots a rank",
    "cases",
    "better than EPLB",
    "same, EPLB within 0.01 % of the bound",
    "same",
    "worse",
    "EPLB's mean gap",
    "our mean gap",
    "our largest",
    "within 0.5 %",
    "EPLB within 0.5 %",
    "ms a layer",
    "slowest, ms",
)


@dataclass(frozen=True)
class Row:
    """What came of a case."""

    case: Case
    ours: float
    eplb: float
    bound: float
    seconds: float

    @property
    def gap(self) -> float:
        """Relative gap between bound and ours."""
        return 1 - self.bound / self.ours

    @property
    def eplb_gap(self) -> float:
        """Relative gap between bound and EPLB's."""
        return 1 - self.bound / self.eplb

    @property
    def is_roomy(self) -> bool:
        """Whether ranks have many slots."""
        return self.case.slots // self.case.ranks >= ROOMY


def main(
    *,
    counts: Annotated[Path | None, typer.Option(help="File of real counts; without it, the rest.")] = None,
    smoke: Annotated[bool, typer.Option(help="Few cases; fails where ours is worse than EPLB or a gap stays.")] = False,
    worst: Annotated[int, typer.Option(help="How many of the widest gaps to list.")] = 12,
) -> None:
    """Balance every case with EPLB and with ours, and print what became of the gap."""
    rows = [measured(case) for case in cases(counts, is_small=smoke)]
    _print_table(COLUMNS, [_summary(*key, part) for key, part in _parts(rows)])
    example = [row for row in rows if row.case.family == "EPLB's example"]
    _print_table(("example", "bound", "ours", "EPLB"), [_figures(row) for row in example])
    widest = sorted(rows, key=lambda row: -row.gap)[:worst]
    _print_table(
        ("widest gaps", "gap", "EPLB's gap"),
        [(row.case.name, f"{row.gap:.2%}", f"{row.eplb_gap:.2%}") for row in widest],
    )
    print(_deepseek(8 if smoke else 58))
    roomy = [row for row in rows if row.is_roomy]
    if any(row.ours > row.eplb * (1 + _SAME) for row in rows):
        raise SystemExit("worse than EPLB somewhere")
    if sum(row.gap <= CLOSED for row in roomy) < 0.9 * len(roomy):
        raise SystemExit("gaps stay open")


def measured(case: Case) -> Row:
    """Return what comes of a case, one process."""
    start = time.perf_counter()
    (layer,) = balance_layers(case.loads[None], case.ranks, case.slots, case.nodes, groups=case.groups).layers
    seconds = time.perf_counter() - start
    return Row(case, layer.max_load, layer.eplb_max_load, layer.bound, seconds)


def _parts(rows: list[Row]) -> list[tuple[tuple[str, str], list[Row]]]:
    parts: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        slots = f"{ROOMY} and more" if row.is_roomy else f"fewer than {ROOMY}"
        parts.setdefault((row.case.family, slots), []).append(row)
        parts.setdefault(("all", slots), []).append(row)
    return sorted(parts.items(), key=lambda part: part[0][0] == "all")


def _summary(family: str, slots: str, rows: list[Row]) -> tuple[str, ...]:
    better = sum(row.ours < row.eplb * (1 - _SAME) for row in rows)
    worse = sum(row.ours > row.eplb * (1 + _SAME) for row in rows)
    settled = sum(abs(row.ours - row.eplb) <= row.eplb * _SAME and row.eplb_gap <= 1e-4 for row in rows)
    seconds = [row.seconds for row in rows]
    return (
        family,
        slots,
        f"{len(rows)}",
        f"{better}",
        f"{settled}",
        f"{len(rows) - better - worse - settled}",
        f"{worse}",
        f"{np.mean([row.eplb_gap for row in rows]):.2%}",
        f"{np.mean([row.gap for row in rows]):.2%}",
        f"{max(row.gap for row in rows):.2%}",
        f"{np.mean([row.gap <= CLOSED for row in rows]):.1%}",
        f"{np.mean([row.eplb_gap <= CLOSED for row in rows]):.1%}",
        f"{1e3 * np.mean(seconds):.0f}",
        f"{1e3 * max(seconds):.0f}",
    )


def _figures(row: Row) -> tuple[str, ...]:
    return row.case.name, f"{row.bound:.2f}", f"{row.ours:.2f}", f"{row.eplb:.2f}"


def _deepseek(layers: int) -> str:
    random = np.random.default_rng(11)
    counts = np.array([zipf_loads(256, 0.8, random) for _ in range(layers)])
    start = time.perf_counter()
    report = balance_layers(counts, 32, 288)
    seconds = time.perf_counter() - start
    return (
        f"DeepSeek-V3's shape, {layers} layers of 256 experts on 288 slots of 32 ranks, 2 cores: {seconds:.1f} s; "
        f"worst gap {report.worst_relative_gap:.3%}, EPLB {report.eplb_max_load / report.bound - 1:.2%} over the bound."
    )


def _print_table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    for line in (columns, ("---",) * len(columns), *rows):
        print(f"| {' | '.join(line)} |")
    print()


if __name__ == "__main__":
    typer.run(main)
