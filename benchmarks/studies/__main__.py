"""``python -m benchmarks.studies``: answer what is missing, then write the pages of verdicts and of all fleets."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.studies.ask import ROOT, Ask
from benchmarks.studies.claims.all import CLAIMS
from benchmarks.studies.evidence import Evidence, is_open, narrower, read_evidence, stale, write_evidence
from benchmarks.studies.matrix import matrix_asks, matrix_page
from benchmarks.studies.page import verdicts_page
from benchmarks.studies.record import Record
from benchmarks.studies.solve import solve
from placer.errors import PlacerError
from placer.files import write_atomic
from placer.sweep.engine import open_engine
from placer.sweep.store import Store, default_store_path

#: What ``--only`` calls the questions of ``docs/matrix.md``.
MATRIX = "matrix"


def all_asks(only: Sequence[str] = ()) -> tuple[Ask, ...]:
    """Return the questions of all claims and of the matrix, or of some, each once.

    Raises
    ------
    typer.BadParameter
        If there is no such claim.
    """
    known = {claim.id: tuple(claim.asks.values()) for claim in CLAIMS} | {MATRIX: tuple(matrix_asks().values())}
    for name in only:
        if name not in known:
            raise typer.BadParameter(f"unknown claim {name!r}; expected one of {', '.join(known)}")
    asks = [ask for name, some in known.items() if not only or name in only for ask in some]
    return tuple({ask.command: ask for ask in asks}.values())


def pages(evidence: Evidence) -> dict[Path, str]:
    """Return what the evidence comes to, by file."""
    docs = ROOT / "docs"
    by_commands = (docs / "claims.md").read_text(encoding="utf-8")
    return {
        docs / "verdicts.md": verdicts_page(CLAIMS, evidence, by_commands),
        docs / "matrix.md": matrix_page(evidence),
    }


def out_of_date() -> list[str]:
    """Return what `main` would change: questions without an answer to what they ask today, and pages."""
    evidence = read_evidence()
    missing = [ask.command for ask in stale(all_asks(), evidence)]
    if missing:
        return [f"no answer yet, or to another question: {command}" for command in missing]
    unasked = sorted(evidence.keys() - {ask.command for ask in all_asks()})
    changed = [path for path, text in pages(evidence).items() if not path.is_file() or path.read_text("utf-8") != text]
    return [f"nobody asks: {command}" for command in unasked] + [
        f"not what the evidence says: {p.name}" for p in changed
    ]


def main(
    *,
    check: Annotated[bool, typer.Option(help="Solve and write nothing; fail where anything would change.")] = False,
    only: Annotated[list[str] | None, typer.Option(metavar="ID", help="Questions of these claims, or matrix.")] = None,
    again: Annotated[
        bool, typer.Option(help="Ask again where time ran out before the gap; the answer with the lesser gap stays.")
    ] = False,
    workers: Annotated[int | None, typer.Option(metavar="NUMBER", help="Processes; one a core by default.")] = None,
    cache: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Plans solved before; the user's by default.")
    ] = None,
) -> None:
    """Answer what the evidence lacks, and write docs/evidence.json, docs/verdicts.md and docs/matrix.md."""
    if check:
        found = out_of_date()
        print("\n".join(found) or "up to date")
        raise SystemExit(1 if found else 0)
    evidence, asked = read_evidence(), all_asks(only or ())
    todo = stale(asked, evidence)
    if again:
        todo += tuple(ask for ask in asked if ask not in todo and is_open(ask, evidence[ask.command]))
    left = len(todo)

    def keep(ask: Ask, record: Record) -> None:
        nonlocal left
        left -= 1
        evidence[ask.command] = narrower(evidence.get(ask.command), record)
        write_evidence(evidence)
        print(f"{left} to go; {record.wall_s:.1f} s, {record.status}: {ask.command}", file=sys.stderr, flush=True)

    with open_engine("processes", workers) as engine, Store(cache or default_store_path()) as store:
        broken = solve(todo, engine, None if again else store, keep)
    print("\n".join(broken), file=sys.stderr)
    missing = stale(all_asks(), evidence)
    if missing:
        raise SystemExit(f"{len(missing)} questions without an answer; pages are as they were")
    kept = {ask.command for ask in all_asks()}
    write_evidence({command: record for command, record in evidence.items() if command in kept})
    for path, text in pages(read_evidence()).items():
        write_atomic(path, text)


if __name__ == "__main__":
    try:
        typer.run(main)
    except PlacerError as error:
        raise SystemExit(str(error)) from None
