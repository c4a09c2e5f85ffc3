"""The tables of ``placer traffic``."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from placer.report.table import new_table
from placer.traffic.statistics import ArrivalStatistics, LengthStatistics, TrafficStatistics

_UNTOLD = "-"


def render_traffic(statistics: TrafficStatistics) -> Group:
    """Return what a person reads of a trace: lengths, what planning needs, the options to plan with."""
    return Group(
        Text(_headline(statistics)),
        "",
        _length_table(statistics),
        "",
        _planning_table(statistics),
        "",
        Text(f"as one request, of the same mean answer and mean context: {statistics.equivalent.options}"),
    )


def _headline(statistics: TrafficStatistics) -> str:
    requests = "given by hand" if statistics.num_requests is None else f"{statistics.num_requests:,} request(s)"
    failed = f", {statistics.num_failed:,} without an answer left out" if statistics.num_failed else ""
    return f"{statistics.format}: {requests}{failed}"


def _length_table(statistics: TrafficStatistics) -> Table:
    columns = ("mean", "deviation", "min", "p50", "p90", "p95", "p99", "max")
    table = new_table("tokens", *(f">{column}" for column in columns))
    for label, lengths in (("input", statistics.input_tokens), ("output", statistics.output_tokens)):
        table.add_row(label, *_lengths(lengths))
    return table


def _lengths(lengths: LengthStatistics) -> tuple[str, ...]:
    percentiles = (lengths.p50, lengths.p90, lengths.p95, lengths.p99)
    return (
        f"{lengths.mean:,.1f}",
        _number(lengths.standard_deviation, ",.1f"),
        *(_number(value, ",") for value in (lengths.min, *percentiles, lengths.max)),
    )


def _planning_table(statistics: TrafficStatistics) -> Table:
    table = new_table("for planning", ">value")
    table.add_row("mean context of a decode step [tokens]", _number(statistics.mean_context, ",.1f"))
    table.add_row("capacity context, p99 of input + output [tokens]", _number(statistics.capacity_context, ","))
    table.add_row("input tokens an endless prefix cache holds", _number(statistics.prefix_hit_rate, ".1%"))
    for label, value in _arrivals(statistics.arrivals):
        table.add_row(label, value)
    return table


def _arrivals(arrivals: ArrivalStatistics) -> tuple[tuple[str, str], ...]:
    window = "" if arrivals.dispersion_window_s is None else f" of {arrivals.dispersion_window_s:g} s"
    return (
        ("span [s]", _number(arrivals.span_s, ",.1f")),
        ("arrivals [1/s]", _number(arrivals.rate_per_s, ".4g")),
        ("variation of times between arrivals", _number(arrivals.interarrival_cv, ".3g")),
        (f"dispersion of arrivals per window{window}", _number(arrivals.dispersion_index, ".3g")),
    )


def _number(value: float | None, form: str) -> str:
    return _UNTOLD if value is None else format(value, form)
