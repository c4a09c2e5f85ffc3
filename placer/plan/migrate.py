"""Plan files of earlier versions, as files of this one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Raw = Mapping[str, Any]


def _from_1(raw: Raw) -> Raw:
    """Version 1 knew the law's step time only, and called it the achieved one; it named no schedule."""
    metrics = raw.get("metrics")
    if not isinstance(metrics, Mapping) or "step_time_s" not in metrics:
        return {**raw, "schema_version": 2}
    return {**raw, "schema_version": 2, "metrics": {**metrics, "law_step_time_s": metrics["step_time_s"]}}


def _from_2(raw: Raw) -> Raw:
    """Version 2 cut no sequence over ranks; its bounds hold over a space without."""
    scenario = raw.get("scenario")
    if not isinstance(scenario, Mapping) or not isinstance(scenario.get("space"), Mapping):
        return {**raw, "schema_version": 3}
    space = {**scenario["space"], "context_parallel": False}
    return {**raw, "schema_version": 3, "scenario": {**scenario, "space": space}}


#: By version: what makes a file of the next one of it.
MIGRATIONS: Mapping[int, Callable[[Raw], Raw]] = {1: _from_1, 2: _from_2}


def migrated(raw: Raw) -> Raw:
    """Return a plan file's contents in the schema of this version, as far as there is a way.

    Figures stay as they were: a plan of version 1 whose schedule takes longer than its law is rejected by ``verify``.
    """
    version = raw.get("schema_version")
    if isinstance(version, int) and not isinstance(version, bool) and version in MIGRATIONS:
        return migrated(MIGRATIONS[version](raw))
    return raw
