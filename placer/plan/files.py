"""Plans on disk."""

from __future__ import annotations

import json
from pathlib import Path

from placer.errors import InputError
from placer.files import parse_mapping, read_text, validated, write_atomic
from placer.plan.migrate import migrated
from placer.plan.plan import SCHEMA_VERSION, Plan


def plan_json(plan: Plan) -> str:
    """Return a plan as JSON text, indented, with a line break at the end."""
    return json.dumps(plan.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"


def save_plan(plan: Plan, path: Path) -> None:
    """Write a plan; the file appears whole or not at all.

    Raises
    ------
    InputError
        If the place cannot be written to.
    """
    write_atomic(path, plan_json(plan))


def load_plan(path: Path) -> Plan:
    """Read a plan.

    Raises
    ------
    InputError
        Naming file and field of what is wrong: no such file, truncated, a schema version that cannot be read, no such
        field, a missing one.
    """
    raw = migrated(parse_mapping(read_text(path), str(path)))
    version = raw.get("schema_version")
    if version != SCHEMA_VERSION:
        raise InputError(f"expected schema version {SCHEMA_VERSION}, got {version!r}", where=f"{path}: schema_version")
    return validated(Plan, raw, str(path))
