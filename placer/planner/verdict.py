"""The plan in one line, and what keeps it from being cheaper."""

from __future__ import annotations

import math

from placer.plan.metrics import Bound, MemoryUse, Metrics
from placer.scenario.scenario import Scenario
from placer.search.leaf import Found
from placer.units import format_count, format_seconds, format_watts

#: A limit used to this share is called binding.
NEARLY_ALL = 0.97
#: Simulation and law agree up to here; beyond, the verdict says how far they are apart.
AGREEMENT = 0.02


def verdict_line(scenario: Scenario, metrics: Metrics, bound: Bound, wall_s: float) -> str:
    """Return price, speed, throughput, energy and proof in one line."""
    return (
        f"{scenario.model.name} on {scenario.fleet.name}: "
        f"${metrics.usd_per_million_output_tokens:.4g}/M output tokens at "
        f"{metrics.tokens_per_s_per_user:.4g} tokens/s/user, {format_count(metrics.tokens_per_s)} tokens/s, "
        f"{format_watts(metrics.power_w)} ({metrics.joules_per_token:.3g} J/token), {_proof(bound)}, {wall_s:.1f} s"
        f"{simulation_note(metrics)}"
    )


def service_verdict(scenario: Scenario, metrics: Metrics, bound: Bound, mode: str, wall_s: float) -> str:
    """Return the same of a whole service: what a request costs, and when its first token comes."""
    assert metrics.usd_per_million_input_tokens is not None
    assert metrics.usd_per_request is not None
    assert metrics.ttft_s is not None
    return (
        f"{scenario.model.name} on {scenario.fleet.name}: {mode}, ${metrics.usd_per_million_input_tokens:.4g}/M input "
        f"and ${metrics.usd_per_million_output_tokens:.4g}/M output tokens (${metrics.usd_per_request:.4g} a request), "
        f"{metrics.tokens_per_s_per_user:.4g} tokens/s/user, TTFT {format_seconds(metrics.ttft_s)}, "
        f"{format_count(metrics.tokens_per_s)} tokens/s, {format_watts(metrics.power_w)} "
        f"({metrics.joules_per_token:.3g} J/token), {_proof(bound)}, {wall_s:.1f} s{simulation_note(metrics)}"
    )


def _proof(bound: Bound) -> str:
    gap = bound.relative_gap or 0.0
    return "proven optimal" if gap == 0.0 else f"proven within {math.ceil(1e3 * gap - 1e-6) / 10:.1f} % of optimal"


def simulation_note(metrics: Metrics) -> str:
    """Return what is said of a step that takes clearly longer than the law has it."""
    excess = metrics.step_time_s / metrics.law_step_time_s - 1.0
    return "" if excess <= AGREEMENT else f"; the simulated step is {excess:.1%} longer than the law's"


def binding_constraints(
    scenario: Scenario, found: Found, memory: tuple[MemoryUse, ...], busy_s: dict[str, float], gained: float = 1.0
) -> tuple[str, ...]:
    """Return the limits a plan uses (nearly) in full.

    Parameters
    ----------
    scenario, found, memory
        Limits, and what is used of them.
    busy_s
        Busy time in a step by resource [s].
    gained
        Tokens a sequence gains in a step.
    """
    target, rental = scenario.target, found.rental
    binding = [f"step time: {resource}" for resource, time in busy_s.items() if time >= NEARLY_ALL * found.step_s]
    if found.step_s >= NEARLY_ALL * gained * target.step_time_s:
        binding.append(f"target: {target.tokens_per_s_per_user:g} tokens/s/user")
    for use in memory:
        usable = use.capacity_bytes - use.reserved_bytes
        if usable - use.free_bytes >= NEARLY_ALL * usable:
            binding.append(f"memory: {use.tier} of {use.pool}")
    for pool, devices in rental.devices.items():
        if devices >= scenario.fleet.pool(pool).count:
            binding.append(f"inventory: all {devices} of {pool}")
    if target.power_cap is not None and rental.power_w >= NEARLY_ALL * target.power_cap:
        binding.append(f"power cap: {format_watts(target.power_cap)}")
    if target.cost_cap is not None and rental.usd_per_hour >= NEARLY_ALL * target.cost_cap:
        binding.append(f"cost cap: ${target.cost_cap:g}/h")
    return tuple(binding)
