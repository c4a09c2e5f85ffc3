"""Profiles and prices on disk: YAML or JSON, CSV, or a trace that is counted by the hour."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from placer.demand.prices import Prices
from placer.demand.profile import PERIODS, Profile
from placer.errors import InputError, clipped
from placer.files import parse_mapping, read_mapping, validated
from placer.traffic.readers.registry import ReadTraffic, read_source
from placer.traffic.source import open_trace
from placer.traffic.trace import Trace

COLUMN = "requests_per_s"
HOUR = "hour"
_NAMED = re.compile(rf"^[\"']?{COLUMN}[\"']?\s*:|\"{COLUMN}\"\s*:", re.MULTILINE)
_SECONDS_PER_HOUR = 3600.0


class _ProfileFile(Profile):
    """What a user writes: a profile, and the prices that go with it."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="profile")

    prices: Prices | None = Field(default=None, description="ways to pay for capacity")


class _PricesFile(BaseModel):
    """Prices on their own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prices: Prices


def read_profile(path: Path) -> tuple[Profile, Prices | None]:
    """Read arrivals by the hour, and prices where the file has them.

    Parameters
    ----------
    path
        YAML or JSON with ``requests_per_s`` (and ``prices``), CSV with a column of that name and a line per hour, or a
        trace as ``placer traffic`` reads it: its first 24 or 168 hours, counted from the first arrival.

    Raises
    ------
    InputError
        With file and field of what is wrong; for a trace shorter than a day, or without times.
    """
    where = str(path)
    with open_trace(path) as source:
        if _NAMED.search(source.head):
            fields: dict[str, Any] = parse_mapping(source.text(), where)
            given = validated(_ProfileFile, {"name": path.stem} | fields, where)
            return Profile.model_validate(given.model_dump(exclude={"prices"})), given.prices
        if COLUMN in _cells(source.head.lstrip().partition("\n")[0]):
            rates = _column(source.text(), where)
            return validated(Profile, {"name": path.stem, COLUMN: rates}, where), None
        return _from_trace(read_source(source), path), None


def read_prices(path: Path) -> Prices:
    """Read prices from a file of their own: ``prices: {reserved: ..., on_demand: ..., spot: ...}``.

    Raises
    ------
    InputError
        With file and field of what is wrong.
    """
    return validated(_PricesFile, read_mapping(path), str(path)).prices


def _cells(line: str) -> list[str]:
    return [cell.strip().strip('"') for cell in line.split(",")]


def _column(text: str, where: str) -> list[float]:
    """Return the numbers of the column, one a line; the line of what is none is named."""
    rows = csv.reader(text.lstrip().splitlines(), skipinitialspace=True)
    header = [name.strip() for name in next(rows)]
    at = header.index(COLUMN)
    rates: list[float] = []
    for row in filter(None, rows):
        place = f"{where}: line {rows.line_num}"
        if len(row) != len(header):
            raise InputError(f"expected {len(header)} fields, got {len(row)}", where=place)
        if HOUR in header:
            _check_hour(row[header.index(HOUR)], len(rates), place)
        try:
            rates.append(float(row[at]))
        except ValueError as error:
            expected = f"expected requests per second such as 12.5, got {clipped(row[at])}"
            raise InputError(expected, where=f"{place}: {COLUMN}") from error
    return rates


def _check_hour(text: str, expected: int, place: str) -> None:
    """Refuse a table whose hours are not 0, 1, 2, ...: sorted otherwise, it would be another day."""
    if text.strip() != str(expected):
        raise InputError(f"expected hour {expected}, as hours count from 0 in order, got {clipped(text)}", where=place)


def _from_trace(read: ReadTraffic, path: Path) -> Profile:
    trace, where = read.traffic, str(path)
    if not isinstance(trace, Trace) or trace.arrival_s is None:
        raise InputError(f"tells no times of arrival ({read.format}); expected {COLUMN} or a trace", where=where)
    elapsed_s = trace.arrival_s - trace.arrival_s.min()
    hours = elapsed_s // _SECONDS_PER_HOUR
    covered = int(hours.max()) + 1
    fitting: Sequence[int] = [period for period in PERIODS if period <= covered]
    if not fitting:
        raise InputError(
            f"covers {float(elapsed_s.max()) / _SECONDS_PER_HOUR:.3g} h, expected at least 24 (a day) or 168 (a week); "
            f"write a profile with {COLUMN} instead",
            where=where,
        )
    period = max(fitting)
    counts = np.bincount(hours[hours < period].astype(np.int64), minlength=period)
    rates = tuple(float(count) / _SECONDS_PER_HOUR for count in counts)
    source = f"{read.format} trace, its first {period} of {covered} h"
    return validated(Profile, {"name": path.stem, "source": source, COLUMN: rates}, where)
