"""What ``placer demand`` prints: the bill of a period, its pools, and every hour with a different fleet."""

from __future__ import annotations

from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from placer.demand.answer import DemandAnswer, HourUse
from placer.demand.prices import Rate, Spot
from placer.report.estimates import estimates_line
from placer.report.table import new_table
from placer.units import format_count, format_seconds

_PERIODS = {24: "day", 168: "week"}


def render_demand(answer: DemandAnswer) -> Group:
    """Return the report of a fleet over time, or of the hour that cannot be served."""
    parts: list[RenderableType] = [Text(_verdict(answer), style="bold"), Text(_rule(answer))]
    if answer.hours:
        parts += ["", _pool_table(answer), "", _hour_table(answer), "", Text(_against_constant(answer))]
    parts += [Text(line) for line in _others(answer)]
    parts += [Text(line) for line in _honesty(answer)]
    return Group(*parts)


def _verdict(answer: DemandAnswer) -> str:
    period = _PERIODS[answer.profile.num_hours]
    head = f"{answer.model} on {answer.fleet} over a {period} ({answer.profile.name or 'no name'}): "
    if answer.refusal is not None:
        return head + f"not within reach; {answer.refusal.reason}"
    prompts = ", prompts included" if answer.is_service else ""
    return head + (
        f"${answer.usd_per_million_output_tokens:.4g}/M output tokens{prompts}, "
        f"${answer.usd_per_request:.3g} a request, "
        f"${answer.usd:,.0f} a {period}, the cheapest mix; {answer.utilisation:.1%} of the "
        "running slots used"
    )


def _rule(answer: DemandAnswer) -> str:
    peakedness = answer.profile.peakedness
    arrivals = "Poisson arrivals" if peakedness == 1 else f"arrivals of peakedness {peakedness:g}"
    return (
        f"{format_count(answer.num_requests)} requests, each for {format_seconds(answer.residence_s)} in one of "
        f"{answer.slots_per_replica:,} slots of a replica; {100 * answer.percentile:.4g} % of the time all in service "
        f"fit ({arrivals})"
    )


def _pool_table(answer: DemandAnswer) -> Table:
    table = new_table(
        *("<units of", ">peak", ">mean", ">mean over peak", ">reserved", ">on-demand hours", ">spot hours"),
        *(">idle hours", ">cost"),
    )
    for use in answer.pools:
        table.add_row(
            f"{use.pool} ({use.devices_per_unit:,} devices)",
            f"{use.peak_units:,}",
            f"{use.mean_units:,.2f}",
            f"{use.mean_over_peak:.1%}",
            f"{use.reserved_units:,}",
            f"{use.on_demand_unit_hours:,}",
            f"{use.spot_unit_hours:,}",
            f"{use.idle_unit_hours:,}",
            f"${use.usd:,.0f}",
        )
    return table


def _hour_table(answer: DemandAnswer) -> Table:
    users = f">p{100 * answer.percentile:.4g}"
    table = new_table(
        *("<hours", ">requests/s", ">mean users", users, ">replicas", ">slots"),
        *((">prefill", ">p99 TTFT") if answer.prefill_pools else (">p99 wait",)),
        *(">units", ">on demand", ">spot", ">idle"),
    )
    for _, run in groupby(answer.hours, key=lambda hour: (hour.replicas, hour.requests_per_s)):
        hours = list(run)
        table.add_row(_span(hours), *_hour_cells(hours[0]))
    return table


def _span(hours: list[HourUse]) -> str:
    first, last = hours[0].hour, hours[-1].hour
    return f"{first}" if first == last else f"{first} to {last}"


def _hour_cells(hour: HourUse) -> tuple[str, ...]:
    return (
        f"{hour.requests_per_s:.4g}",
        f"{hour.mean_users:,.1f}",
        f"{hour.users_at_percentile:,}",
        f"{hour.replicas:,}",
        f"{hour.slots:,}",
        *_latency_cells(hour),
        *(_each(units) for units in (hour.units, hour.on_demand_units, hour.spot_units, hour.idle_units)),
    )


def _latency_cells(hour: HourUse) -> tuple[str, ...]:
    """Return prefill groups and the time to first token, or else the wait for a slot."""
    if hour.prefill_groups:
        return _each(hour.prefill_groups), "-" if hour.ttft_p99_s is None else format_seconds(hour.ttft_p99_s)
    return ("-" if hour.wait_p99_s is None else format_seconds(hour.wait_p99_s),)


def _each(units: tuple[int, ...]) -> str:
    return " + ".join(f"{number:,}" for number in units)


def _against_constant(answer: DemandAnswer) -> str:
    assert answer.usd is not None
    assert answer.constant_usd is not None
    saved = 1.0 - answer.usd / answer.constant_usd if answer.constant_usd else 0.0
    return (
        f"a fleet of constant peak size: ${answer.constant_usd:,.0f}, "
        f"${answer.constant_usd_per_million_output_tokens:.4g}/M output tokens at {answer.constant_utilisation:.1%} of "
        f"its slots; this one costs {saved:.1%} less, ${answer.idle_usd:,.0f} of it for reserved units in idle hours"
    )


def _others(answer: DemandAnswer) -> list[str]:
    lines = [f"plan: {answer.plan}"] if answer.others else []
    for other in answer.others:
        cost = "does not serve every hour" if other.usd is None else f"${other.usd:,.0f}"
        lines.append(f"also weighed: {other.plan}, {cost}")
    return lines


def _honesty(answer: DemandAnswer) -> list[str]:
    lines = [f"arrivals: {answer.profile.source or 'no source is given'}"]
    ways = {"reserved": answer.prices.reserved, "on demand": answer.prices.on_demand, "spot": answer.prices.spot}
    basis = f"the fleet's, on the basis {answer.price_basis}"
    if not answer.are_prices_given:
        lines.append(f"no price by the hour was given: every hour pays for the peak, at {basis}")
    else:
        lines += [f"{way}: {_price(rate, basis)} ({rate.source})" for way, rate in ways.items() if rate is not None]
    if answer.estimates:
        lines.append(estimates_line(answer.estimates))
    return lines


def _price(rate: Rate, basis: str) -> str:
    if isinstance(rate.price, dict):
        text = ", ".join(f"{pool} {usd:g} USD/h a device" for pool, usd in rate.price.items())
    else:
        text = f"{rate.price:g} times {basis}"
    if isinstance(rate, Spot):
        text += f", there {rate.availability:.1%} of the time, {rate.overhead:.1%} more paid for restarts"
        text += f", at most {rate.most_share:.0%} of an hour's units"
    return text
