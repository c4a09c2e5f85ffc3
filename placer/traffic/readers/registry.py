"""The formats of traces, and which of them a file is in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from placer.errors import InputError, nearest_hint
from placer.traffic.readers import azure, burstgpt, lengths, mooncake, vllm_bench
from placer.traffic.source import TraceSource, open_trace
from placer.traffic.trace import Traffic


class Reader(Protocol):
    """A module that reads one format."""

    NAME: str
    ABOUT: str

    def matches(self, head: str) -> bool:
        """Return whether a file that starts like this is in the format."""

    def read(self, source: TraceSource) -> Traffic:
        """Return what a file tells."""


#: One line per format; the first that matches reads a file.
READERS: tuple[Reader, ...] = (mooncake, azure, burstgpt, vllm_bench, lengths)


@dataclass(frozen=True)
class ReadTraffic:
    """What a file tells, and the format it is in."""

    format: str
    traffic: Traffic


def format_names() -> tuple[str, ...]:
    """Return the names of the formats."""
    return tuple(reader.NAME for reader in READERS)


def read_traffic(path: Path, format_name: str | None = None) -> ReadTraffic:
    """Read a trace or another file about traffic.

    Parameters
    ----------
    path
        A file or pipe.
    format_name
        Its format; absent, the content tells.

    Raises
    ------
    InputError
        If the format is unknown or the file is not in it, with line or field.
    """
    if format_name is not None and format_name not in format_names():
        known = ", ".join(format_names())
        raise InputError(
            f'unknown format "{format_name}"{nearest_hint(format_name, format_names())}; known are {known}'
        )
    with open_trace(path) as source:
        return read_source(source, format_name)


def read_source(source: TraceSource, format_name: str | None = None) -> ReadTraffic:
    """Read what is open already; its format, if given, is a known one."""
    reader = _detected(source) if format_name is None else _named(format_name)
    return ReadTraffic(reader.NAME, reader.read(source))


def _named(format_name: str) -> Reader:
    return next(reader for reader in READERS if format_name == reader.NAME)


def _detected(source: TraceSource) -> Reader:
    for reader in READERS:
        if reader.matches(source.head):
            return reader
    known = "; ".join(f"{reader.NAME}: {reader.ABOUT}" for reader in READERS)
    raise InputError(f"is in no known format ({known}); --format names one", where=source.where)
