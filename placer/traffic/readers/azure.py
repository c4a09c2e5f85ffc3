"""Azure LLM inference traces of 2023 and 2024: ``TIMESTAMP,ContextTokens,GeneratedTokens``.

Schema: github.com/Azure/AzurePublicDataset @ b469a11, ``AzureLLMInferenceDataset2023.md`` and ``...2024.md``. Times
are dates, in 2023 with seven decimals and no zone, in 2024 with up to six and ``+00:00``.
"""

from __future__ import annotations

from datetime import UTC, datetime

from placer.errors import clipped
from placer.traffic.readers.csv_rows import CsvColumns, read_rows
from placer.traffic.source import TraceSource
from placer.traffic.trace import Trace

NAME = "azure"
ABOUT = "CSV with the columns TIMESTAMP, ContextTokens, GeneratedTokens"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _parse_time(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        moment = None
    if moment is None or not 1970 <= moment.year <= 2200:
        raise ValueError(f"expected a time such as 2023-11-16 18:17:03.9799600, got {clipped(text)}")
    # Without a zone: UTC, as in the traces that name one; a local zone would jump in spring and autumn.
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH).total_seconds()


_COLUMNS = CsvColumns("TIMESTAMP", "ContextTokens", "GeneratedTokens", _parse_time)


def matches(head: str) -> bool:
    """Return whether a file that starts like this is such a trace."""
    return _COLUMNS.head_matches(head)


def read(source: TraceSource) -> Trace:
    """Return the requests of a trace."""
    return read_rows(source, _COLUMNS)
