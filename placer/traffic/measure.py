"""Statistics of traffic, from requests, totals or laws of lengths; formulas in ``docs/traffic.md``."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from placer.traffic.arrivals import measure_arrivals
from placer.traffic.lognormal import length_statistics, sum_quantile, whole_tokens
from placer.traffic.readers.registry import ReadTraffic
from placer.traffic.statistics import ArrivalStatistics, EquivalentRequest, LengthStatistics, TrafficStatistics
from placer.traffic.trace import LognormalLengths, Totals, Trace

_PERCENTS = (50, 90, 95, 99)
# Percentiles of weights that do not sum up exactly must not jump by one request.
_ROUNDING = 1e-12


def measure(read: ReadTraffic) -> TrafficStatistics:
    """Return the statistics of what a file tells."""
    match read.traffic:
        case Trace():
            return _measure_trace(read.traffic, read.format)
        case Totals():
            return _measure_totals(read.traffic, read.format)
        case LognormalLengths():
            return _measure_laws(read.traffic, read.format)


def _measure_trace(trace: Trace, format_name: str) -> TrafficStatistics:
    weight = np.ones(len(trace.input_tokens)) if trace.weight is None else trace.weight
    inputs, outputs = trace.input_tokens.astype(np.float64), trace.output_tokens.astype(np.float64)
    # Token k + 1 of an answer attends to the prompt, to the k tokens before it, and to itself.
    mean_context = float((weight * outputs * (inputs + (outputs + 1) / 2)).sum() / (weight * outputs).sum())
    answer = _length_statistics(trace.output_tokens, weight)
    (capacity,) = _percentiles(trace.input_tokens + trace.output_tokens, weight, (99,))
    num_input = int(trace.input_tokens.sum())
    return TrafficStatistics(
        format=format_name,
        num_requests=len(inputs) if trace.weight is None else None,
        num_failed=trace.num_failed,
        input_tokens=_length_statistics(trace.input_tokens, weight),
        output_tokens=answer,
        mean_context=mean_context,
        capacity_context=capacity,
        prefix_hit_rate=None if trace.hit_tokens is None or not num_input else trace.hit_tokens / num_input,
        arrivals=_arrivals(trace),
        equivalent=_equivalent(mean_context, answer.mean),
    )


def _arrivals(trace: Trace) -> ArrivalStatistics:
    if trace.arrival_s is not None:
        return measure_arrivals(trace.arrival_s)
    if trace.duration_s is not None:
        return ArrivalStatistics(span_s=trace.duration_s, rate_per_s=len(trace.input_tokens) / trace.duration_s)
    return ArrivalStatistics()


def _measure_totals(totals: Totals, format_name: str) -> TrafficStatistics:
    prompt = LengthStatistics(mean=totals.input_tokens / totals.num_requests)
    answer = LengthStatistics(mean=totals.output_tokens / totals.num_requests)
    return TrafficStatistics(
        format=format_name,
        num_requests=totals.num_requests,
        num_failed=totals.num_failed,
        input_tokens=prompt,
        output_tokens=answer,
        mean_context=None,
        capacity_context=None,
        prefix_hit_rate=None,
        arrivals=ArrivalStatistics(span_s=totals.duration_s, rate_per_s=totals.num_requests / totals.duration_s),
        equivalent=_equivalent(prompt.mean + (answer.mean + 1) / 2, answer.mean),
    )


def _measure_laws(laws: LognormalLengths, format_name: str) -> TrafficStatistics:
    # E[O (I + (O + 1) / 2)] / E[O] for independent I and O, and E[O^2] = E[O]^2 (1 + cv^2).
    mean_context = laws.input.mean + (laws.output.mean * (1 + laws.output.cv**2) + 1) / 2
    return TrafficStatistics(
        format=format_name,
        num_requests=None,
        num_failed=None,
        input_tokens=length_statistics(laws.input),
        output_tokens=length_statistics(laws.output),
        mean_context=mean_context,
        capacity_context=whole_tokens(sum_quantile(laws.input, laws.output, 0.99)),
        prefix_hit_rate=None,
        arrivals=ArrivalStatistics(),
        equivalent=_equivalent(mean_context, laws.output.mean),
    )


def _length_statistics(lengths: NDArray[np.int64], weight: NDArray[np.float64]) -> LengthStatistics:
    mean = float((lengths * weight).sum() / weight.sum())
    variance = float((weight * (lengths - mean) ** 2).sum() / weight.sum())
    p50, p90, p95, p99 = _percentiles(lengths, weight, _PERCENTS)
    return LengthStatistics(
        mean=mean,
        standard_deviation=math.sqrt(variance),
        min=int(lengths.min()),
        p50=p50,
        p90=p90,
        p95=p95,
        p99=p99,
        max=int(lengths.max()),
    )


def _percentiles(lengths: NDArray[np.int64], weight: NDArray[np.float64], percents: tuple[int, ...]) -> tuple[int, ...]:
    order = np.argsort(lengths)
    reached = np.cumsum(weight[order])
    targets = [percent * reached[-1] / 100 * (1 - _ROUNDING) for percent in percents]
    return tuple(int(lengths[order[at]]) for at in np.searchsorted(reached, targets))


def _equivalent(mean_context: float, mean_output: float) -> EquivalentRequest:
    """Return the request whose time context, input plus half the output rounded up, is the mean context."""
    output = max(1, math.floor(mean_output + 0.5))
    return EquivalentRequest(
        input_tokens=max(1, math.ceil(mean_context - 0.5) - (output + 1) // 2),
        output_tokens=output,
    )
