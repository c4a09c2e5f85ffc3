"""What a person reads of the phases of a service: who prefills, when the first token comes, who pays what."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from placer.plan.metrics import Metrics
from placer.plan.plan import Plan
from placer.plan.service import Chunking, ColocatedPrefill, FirstToken, Phases, PrefillPool
from placer.report.table import new_table
from placer.units import format_count, format_seconds


def service_lines(plan: Plan) -> list[RenderableType]:
    """Return prefill and first tokens of a plan; nothing where only decode is planned."""
    phases, metrics = plan.phases, plan.metrics
    if phases is None or metrics is None:
        return []
    lines: list[RenderableType] = [""]
    if phases.prefill:
        lines += [_pools(plan, phases)]
    lines += [Text(_first_token(name, first)) for name, first in _first_tokens(phases)]
    if phases.colocated is not None:
        lines.append(Text(_between_steps(phases.colocated)))
    return [*lines, Text(_money(phases, metrics))]


def _pools(plan: Plan, phases: Phases) -> RenderableType:
    table = new_table(
        *(
            "prefill",
            ">devices",
            ">stages x width",
            ">TP",
            ">DP",
            ">EP",
            ">new tokens of a pass",
            ">prompts/s",
            ">busy",
        ),
    )
    for pool in phases.prefill:
        table.add_row(
            pool.pool,
            f"{pool.num_devices} of {plan.devices[pool.pool]} rented",
            f"{pool.groups} of {pool.stages} x {pool.width}",
            str(pool.tp),
            str(pool.width // pool.tp),
            str(pool.width // pool.expert_tp),
            _passes(pool.chunks),
            f"{pool.prompts_per_s:.4g}",
            f"{pool.load:.1%}",
        )
    return table


def _passes(chunks: Chunking) -> str:
    if len(chunks.tokens) > 1:
        return f"{chunks.tokens[0]:,} ({len(chunks.tokens)} a prompt)"
    return f"{chunks.prompts} x {chunks.tokens[0]:,}" if chunks.prompts > 1 else f"{chunks.tokens[0]:,}"


def _first_tokens(phases: Phases) -> list[tuple[str, FirstToken]]:
    pools: tuple[PrefillPool, ...] = phases.prefill
    named = [(f" on {pool.pool}" if len(pools) > 1 else "", pool.first_token) for pool in pools]
    return named if phases.colocated is None else [("", phases.colocated.first_token)]


def _first_token(name: str, first: FirstToken) -> str:
    parts = {
        "wait": first.wait_s,
        "loading what was cached": first.reload_s,
        "prefill": first.prefill_s,
        "KV transfer": first.kv_transfer_s,
    }
    shown = ", ".join(f"{what} {format_seconds(time)}" for what, time in parts.items() if time > 0.0)
    return f"first token{name} after {format_seconds(first.ttft_s)} (p99 {format_seconds(first.ttft_p99_s)}): {shown}"


def _between_steps(colocated: ColocatedPrefill) -> str:
    return (
        f"prefill between decode steps: {_passes(colocated.chunks)} new tokens of a rank at a time; a step of "
        f"{format_seconds(colocated.decode_step_s)} takes {format_seconds(colocated.mean_step_s)} in the mean"
    )


def _money(phases: Phases, metrics: Metrics) -> str:
    assert metrics.requests_per_s is not None
    return (
        f"{format_count(metrics.requests_per_s)} requests/s; of ${metrics.usd_per_hour:,.4g}/h input tokens pay "
        f"${phases.prefill_usd_per_hour:,.4g}, output tokens ${phases.decode_usd_per_hour:,.4g}"
    )
