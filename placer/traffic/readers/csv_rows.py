"""Traces with one request a line and the names of the columns in the first: what they have in common."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass

from placer.errors import InputError, clipped, nearest_hint
from placer.traffic.source import TraceSource
from placer.traffic.trace import MOST_TOKENS, RequestColumns, Trace

_MOST_DIGITS = 15


@dataclass(frozen=True)
class CsvColumns:
    """Names of the columns that are read, and how a time is parsed into seconds from any origin."""

    arrival: str
    input: str
    output: str
    parse_arrival: Callable[[str], float]

    def head_matches(self, head: str) -> bool:
        """Return whether the first line of a file names all columns."""
        first = head.lstrip("\r\n").partition("\n")[0]
        names = {name.strip().strip('"') for name in first.split(",")}
        return {self.arrival, self.input, self.output} <= names


def parse_tokens(text: str) -> int:
    """Return a number of tokens; a `ValueError` says what was expected."""
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        value = int(text)
        if value <= MOST_TOKENS:
            return value
    raise ValueError(f"expected a whole number of tokens from 0 to {MOST_TOKENS:,}, got {clipped(text)}")


def read_rows(source: TraceSource, columns: CsvColumns) -> Trace:
    """Return the requests of a file; blank lines are skipped.

    Raises
    ------
    InputError
        With line and column for whatever is not as expected.
    """
    reader = csv.reader(source.lines(), strict=True, skipinitialspace=True)
    requests = RequestColumns()
    try:
        header = [name.strip() for name in next(filter(None, reader), [])]
        _check_header(header, columns, source.where)
        at_arrival, at_input, at_output = map(header.index, (columns.arrival, columns.input, columns.output))
        for row in filter(None, reader):
            try:
                arrival_s = columns.parse_arrival(row[at_arrival])
                num_input, num_output = parse_tokens(row[at_input]), parse_tokens(row[at_output])
            except (ValueError, IndexError) as error:
                raise _explained(row, header, columns, f"{source.where}: line {reader.line_num}") from error
            if len(row) != len(header):
                raise _explained(row, header, columns, f"{source.where}: line {reader.line_num}")
            requests.add(num_input, num_output, arrival_s)
    except csv.Error as error:
        raise InputError(f"malformed CSV: {error}", where=f"{source.where}: line {reader.line_num}") from error
    return requests.trace(source.where)


def _check_header(header: list[str], columns: CsvColumns, where: str) -> None:
    for name in (columns.arrival, columns.input, columns.output):
        if header.count(name) != 1:
            problem = "is given twice" if name in header else f"is missing{nearest_hint(name, header)}"
            raise InputError(f'column "{name}" {problem}', where=f"{where}: line 1")


def _explained(row: list[str], header: list[str], columns: CsvColumns, where: str) -> InputError:
    """Return what is wrong with a row: its length, or the first field that cannot be parsed."""
    if len(row) != len(header):
        return InputError(f"expected {len(header)} fields, got {len(row)}", where=where)
    parsers = ((columns.arrival, columns.parse_arrival), (columns.input, parse_tokens), (columns.output, parse_tokens))
    for name, parse in parsers:
        try:
            parse(row[header.index(name)])
        except ValueError as error:
            return InputError(str(error), where=f"{where}: {name}")
    return InputError("cannot be read", where=where)
