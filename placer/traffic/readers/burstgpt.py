"""BurstGPT: ``Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type``, session columns or not.

Schema: github.com/HPMLL/BurstGPT @ e92f533, README. Times are seconds from the first midnight; failed requests have
no response tokens. Models and log types are not told apart; "Total tokens" is the sum of the other two and not read.
"""

from __future__ import annotations

import re

from placer.errors import clipped
from placer.traffic.readers.csv_rows import CsvColumns, read_rows
from placer.traffic.source import TraceSource
from placer.traffic.trace import Trace

NAME = "burstgpt"
ABOUT = "CSV with the columns Timestamp, Request tokens, Response tokens"

_SECONDS = re.compile(r"\d{1,10}(?:\.\d{0,20})?", re.ASCII)


def _parse_time(text: str) -> float:
    if not _SECONDS.fullmatch(text.strip()):
        raise ValueError(f"expected seconds such as 118 or 118.5, got {clipped(text)}")
    return float(text)


_COLUMNS = CsvColumns("Timestamp", "Request tokens", "Response tokens", _parse_time)


def matches(head: str) -> bool:
    """Return whether a file that starts like this is such a trace."""
    return _COLUMNS.head_matches(head)


def read(source: TraceSource) -> Trace:
    """Return the requests of a trace."""
    return read_rows(source, _COLUMNS)
