"""Results of ``vllm bench serve --save-result``, with ``--save-detailed`` or without.

Schema: github.com/vllm-project/vllm @ 009e6d4, ``vllm/benchmarks/serve.py``. A request that failed has an input
length and an output length of 0; totals and ``completed`` leave it out. ``start_times`` are new and may be absent.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from placer.errors import InputError
from placer.parse import parse_mapping
from placer.traffic.source import TraceSource
from placer.traffic.trace import MOST_TOKENS, Totals, Trace, Traffic, read_only
from placer.validate import validated

NAME = "vllm-bench"
ABOUT = "JSON of vllm bench serve, with input_lens and output_lens or with totals only"

_MARKS = ('"input_lens"', '"total_input_tokens"', '"total_output_tokens"')
_ROUNDING = 0.01

Length = Annotated[int, Field(strict=True, ge=0, le=MOST_TOKENS)]
Sum = Annotated[int, Field(strict=True, ge=0, le=10**15)]
Seconds = Annotated[float, Field(strict=True, ge=0, le=1e10, allow_inf_nan=False)]


class BenchResult(BaseModel):
    """The fields of a result that tell about traffic; there are many more."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    duration: Annotated[float, Field(strict=True, gt=0, le=1e10, allow_inf_nan=False)] | None = None
    completed: Sum | None = None
    failed: Sum | None = None
    total_input_tokens: Sum | None = None
    total_output_tokens: Sum | None = None
    request_throughput: Seconds | None = None
    input_lens: tuple[Length, ...] | None = None
    output_lens: tuple[Length, ...] | None = None
    start_times: tuple[Seconds, ...] | None = None


def matches(head: str) -> bool:
    """Return whether a file that starts like this is such a result."""
    return head.lstrip().startswith("{") and any(mark in head for mark in _MARKS)


def read(source: TraceSource) -> Traffic:
    """Return the requests of a result, or their totals if there is no more.

    Raises
    ------
    InputError
        With the field for whatever is not as expected.
    """
    result = validated(BenchResult, parse_mapping(source.text(), source.where), source.where)
    if result.input_lens is None and result.output_lens is None:
        return _totals(result, source.where)
    return _requests(result, source.where)


def _requests(result: BenchResult, where: str) -> Trace:
    inputs, outputs = result.input_lens or (), result.output_lens or ()
    if len(inputs) != len(outputs):
        raise InputError(
            f"expected {len(inputs)} lengths, as in input_lens, got {len(outputs)}", where=f"{where}: output_lens"
        )
    starts = result.start_times
    if starts is not None and len(starts) != len(inputs):
        raise InputError(
            f"expected {len(inputs)} times, as in input_lens, got {len(starts)}", where=f"{where}: start_times"
        )
    answered = np.array(outputs, dtype=np.int64) > 0
    if not answered.any():
        raise InputError(f"has no requests with an answer among {len(inputs)}", where=where)
    return Trace(
        input_tokens=read_only(np.array(inputs)[answered], np.int64),
        output_tokens=read_only(np.array(outputs)[answered], np.int64),
        arrival_s=None if starts is None else read_only(np.array(starts)[answered], np.float64),
        duration_s=result.duration,
        num_failed=int((~answered).sum()),
    )


def _totals(result: BenchResult, where: str) -> Totals:
    num_requests = _told(result.completed, "completed", where)
    duration_s = _told(result.duration, "duration", where)
    totals = Totals(
        num_requests=int(num_requests),
        input_tokens=int(_told(result.total_input_tokens, "total_input_tokens", where)),
        output_tokens=int(_told(result.total_output_tokens, "total_output_tokens", where)),
        duration_s=duration_s,
        num_failed=result.failed,
    )
    if not totals.num_requests or not totals.output_tokens:
        raise InputError("has no requests with an answer", where=where)
    rate, told = totals.num_requests / duration_s, result.request_throughput
    if told is not None and not math.isclose(rate, told, rel_tol=_ROUNDING):
        raise InputError(
            f"expected completed / duration = {rate:.6g}, got {told:.6g}", where=f"{where}: request_throughput"
        )
    return totals


def _told(value: float | None, name: str, where: str) -> float:
    if value is None:
        raise InputError("missing", where=f"{where}: {name}")
    return value
