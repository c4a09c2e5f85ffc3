"""Answers by the commands that ask for them, in one file that people compare line by line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from benchmarks.studies.ask import ROOT, Ask
from benchmarks.studies.record import Record, inputs_hash
from placer.errors import InputError, MissingFiguresError
from placer.files import write_atomic
from placer.validate import validated

EVIDENCE = ROOT / "docs" / "evidence.json"

Evidence = Mapping[str, Record]


def read_evidence(path: Path = EVIDENCE) -> dict[str, Record]:
    """Return the answers of a file, none where it is absent.

    Raises
    ------
    InputError
        If the file is damaged, or a record is none.
    """
    if not path.is_file():
        return {}
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"is damaged: {error}", where=str(path)) from error
    return {command: validated(Record, fields, f"{path.name}: {command}") for command, fields in raw.items()}


def write_evidence(evidence: Evidence, path: Path = EVIDENCE) -> None:
    """Write answers, sorted by their commands, one to a line; whole or not at all."""
    lines = [
        f"{json.dumps(command)}: {evidence[command].model_dump_json(exclude_defaults=True)}"
        for command in sorted(evidence)
    ]
    write_atomic(path, "{\n" + ",\n".join(lines) + "\n}\n")


@cache
def present_hash(ask: Ask) -> str:
    """Return the hash of what an ask asks today, with the catalog as it is; of a template, of what it demands."""
    try:
        return inputs_hash(ask.scenario(), ask.gap)
    except MissingFiguresError as error:
        return hashlib.sha256(json.dumps(error.figures).encode()).hexdigest()


def stale(asks: Iterable[Ask], evidence: Evidence) -> tuple[Ask, ...]:
    """Return the asks without an answer to what they ask today."""
    unique = {ask.command: ask for ask in asks}
    return tuple(
        ask
        for command, ask in unique.items()
        if command not in evidence or evidence[command].inputs != present_hash(ask)
    )


def is_open(ask: Ask, record: Record) -> bool:
    """Return whether the search ended before it came to the gap that was asked for."""
    return record.status == "undecided" or (record.gap or 0.0) > 1.001 * ask.gap


def narrower(old: Record | None, new: Record) -> Record:
    """Return the answer that leaves less open; the old one only if it answers the same, as both are then valid."""
    if old is None or old.inputs != new.inputs or old.status == "undecided":
        return new
    if new.status == "undecided":
        return old
    return new if (new.gap or 0.0) <= (old.gap or 0.0) else old
