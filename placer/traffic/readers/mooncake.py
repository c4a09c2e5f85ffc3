"""Mooncake: JSON lines of ``timestamp`` [ms], ``input_length``, ``output_length``, ``hash_ids``.

Schema: github.com/kvcache-ai/Mooncake @ 3b5a594, ``FAST25-release``. A hash id names a block of 512 input tokens *and
all tokens before it*; the last block of a prompt may be partial, so there are ``ceil(input_length / 512)`` of them.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from placer.errors import InputError, clipped
from placer.traffic.prefix import PrefixCache
from placer.traffic.source import TraceSource
from placer.traffic.trace import MOST_TOKENS, RequestColumns, Trace

NAME = "mooncake"
ABOUT = "JSON lines with timestamp, input_length, output_length, hash_ids"
BLOCK_TOKENS = 512

_LATEST_MS = 1e13


def matches(head: str) -> bool:
    """Return whether a file that starts like this is such a trace."""
    first = head.lstrip().partition("\n")[0]
    return first.startswith("{") and '"input_length"' in first


def read(source: TraceSource) -> Trace:
    """Return the requests of a trace, and how many of their input tokens a cache without end would hold.

    Raises
    ------
    InputError
        With line and field for whatever is not as expected.
    """
    requests, cache, hit_tokens = RequestColumns(), PrefixCache(BLOCK_TOKENS), 0
    has_blocks: bool | None = None
    for number, line in enumerate(source.lines(), start=1):
        if line.isspace():
            continue
        try:
            record = _parse_record(line)
            num_input, num_output = _tokens(record, "input_length"), _tokens(record, "output_length")
            requests.add(num_input, num_output, _milliseconds(record) / 1e3)
            if has_blocks is None:
                has_blocks = "hash_ids" in record
            if has_blocks != ("hash_ids" in record):
                raise InputError("expected in all lines or in none", where="hash_ids")  # noqa: TRY301
            if has_blocks and num_output:
                hit_tokens += cache.hit_tokens(_blocks(record, num_input), num_input)
        except InputError as error:
            raise error.located(f"{source.where}: line {number}") from error
    return requests.trace(source.where, hit_tokens=hit_tokens if has_blocks else None)


def _parse_record(line: str) -> dict[str, Any]:
    try:
        record = _DECODER.decode(line)
    except json.JSONDecodeError as error:
        raise InputError(f"malformed JSON at column {error.colno}: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"malformed JSON: {str(error).partition(';')[0]}") from error
    if type(record) is not dict:
        raise InputError(f"expected named fields in braces, got {clipped(record)}")
    return record


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field is given twice")
    return fields


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_without_repeats)


def _field(record: dict[str, Any], name: str) -> Any:
    if name not in record:
        raise InputError("missing", where=name)
    return record[name]


def _tokens(record: dict[str, Any], name: str) -> int:
    value = _field(record, name)
    if type(value) is int and 0 <= value <= MOST_TOKENS:
        return value
    raise InputError(f"expected a whole number of tokens from 0 to {MOST_TOKENS:,}, got {clipped(value)}", where=name)


def _milliseconds(record: dict[str, Any]) -> float:
    value = _field(record, "timestamp")
    if (type(value) is int or type(value) is float) and 0 <= value <= _LATEST_MS:
        return float(value)
    raise InputError(f"expected milliseconds from 0 to {_LATEST_MS:.0e}, got {clipped(value)}", where="timestamp")


def _blocks(record: dict[str, Any], num_input: int) -> list[int]:
    blocks = record["hash_ids"]
    num_blocks = math.ceil(num_input / BLOCK_TOKENS)
    if type(blocks) is not list or len(blocks) != num_blocks:
        got = f"{len(blocks)} ids" if type(blocks) is list else clipped(blocks)
        raise InputError(
            f"expected {num_blocks} ids, one for each {BLOCK_TOKENS} of {num_input:,} input tokens, got {got}",
            where="hash_ids",
        )
    if not all(type(block) is int and block >= 0 for block in blocks):
        raise InputError("expected whole numbers from 0", where="hash_ids")
    return blocks
