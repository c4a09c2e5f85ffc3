"""Plans of whole services in a portfolio: replicas and the groups that prefill for them, each on given devices."""

from __future__ import annotations

from dataclasses import dataclass

from placer.plan.metrics import Bound
from placer.plan.mode import modes_of, title
from placer.plan.placement import ReplicaDevices
from placer.plan.plan import Plan
from placer.plan.service import DecodePhase, Phases, PrefillPool
from placer.planner.phases import Shares, chunking, whole_metrics
from placer.planner.provenance import estimates_in, input_hashes
from placer.portfolio.columns import Kind
from placer.portfolio.place import LEAST_GAP, placed_plan
from placer.portfolio.prefill import PrefillSet, Prompts
from placer.portfolio.question import by_device, whole_question
from placer.portfolio.solve import pool_rents

#: By group, the first device of every stage.
FirstDevices = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Where:
    """A kind of replica on devices: which, for which service; and all pools its KV cache may come from."""

    kind: Kind
    replicas: tuple[ReplicaDevices, ...]
    name: str
    prompts: Prompts
    pools: tuple[str, ...]


def disaggregated_plan(where: Where, groups: PrefillSet, first_devices: FirstDevices) -> Plan:
    """Return the plan of replicas that decode, and groups that prefill for them.

    It serves the lesser of what both do at full load, its first tokens are those of that rate.
    """
    kind, prompts = groups.kind, where.prompts
    decode = _decode(where)
    assert decode.metrics is not None
    decoded = decode.metrics.capacity_tokens_per_s / decode.scenario.workload.output_tokens
    served = min(decoded, groups.prompts_per_s)
    first = prompts.first_token(kind, groups.groups, served, prompts.routes(kind.shape.pool, where.kind.pools))
    pool = PrefillPool(
        pool=kind.shape.pool,
        stages=kind.shape.stages,
        width=kind.shape.width,
        tp=kind.shape.tp,
        expert_tp=kind.shape.expert_tp,
        chunks=chunking(kind.chunks),
        first_devices=first_devices,
        held_bytes=kind.held_bytes,
        prompt_s=kind.prompt_s,
        prompts_per_s=served,
        load=served / (groups.groups * kind.prompts_per_s),
        first_token=first,
    )
    devices = decode.devices | {pool.pool: decode.devices.get(pool.pool, 0) + pool.num_devices}
    prefill_usd = pool_rents(prompts.scenario.fleet)[pool.pool].usd_per_unit_hour * pool.num_devices
    shares = Shares(prefill_usd, decode.metrics.usd_per_hour, served, first.ttft_s, first.ttft_p99_s)
    phases = Phases(
        prefill=(pool,),
        decode=DecodePhase(metrics=decode.metrics, devices=decode.devices),
        prefill_usd_per_hour=shares.prefill_usd_per_hour,
        decode_usd_per_hour=shares.decode_usd_per_hour,
    )
    return _whole(where, decode, (phases, shares), devices)


def colocated_plan(where: Where) -> Plan:
    """Return the plan of replicas that prefill between their steps."""
    stated = where.kind.plan.phases
    assert stated is not None
    assert stated.colocated is not None
    decode, colocated = _decode(where), stated.colocated
    assert decode.metrics is not None
    rent, part = decode.metrics.usd_per_hour, 1.0 - colocated.decode_step_s / colocated.mean_step_s
    first = colocated.first_token
    served = len(where.replicas) * where.kind.requests_per_s
    shares = Shares(rent * part, rent * (1.0 - part), served, first.ttft_s, first.ttft_p99_s)
    phases = stated.model_copy(
        update={
            "decode": DecodePhase(metrics=decode.metrics, devices=decode.devices),
            "prefill_usd_per_hour": shares.prefill_usd_per_hour,
            "decode_usd_per_hour": shares.decode_usd_per_hour,
        }
    )
    return _whole(where, decode, (phases, shares), decode.devices)


def _decode(where: Where) -> Plan:
    """Return the replicas by themselves."""
    part = where.kind.plan.decode_part()
    return placed_plan(Kind(where.kind.service, part, 0.0), where.replicas, where.name)


def _whole(where: Where, decode: Plan, parts: tuple[Phases, Shares], devices: dict[str, int]) -> Plan:
    (phases, shares), prompts = parts, where.prompts
    assert decode.metrics is not None
    assert decode.placement is not None
    fleet = by_device(prompts.scenario.fleet, where.pools)
    scenario = whole_question(decode.scenario, fleet, prompts.service)
    step_s, law_s = decode.metrics.step_time_s, decode.metrics.law_step_time_s
    if phases.colocated is not None:
        added_s = phases.colocated.mean_step_s - step_s
        step_s, law_s = step_s + added_s, law_s + added_s
    of = {
        "step_time_s": step_s,
        "law_step_time_s": law_s,
        "tokens_per_s_per_user": 1.0 / step_s,
        "power_w": sum(fleet.power_w(pool) * count for pool, count in devices.items()),
    }
    metrics = whole_metrics(scenario, decode.metrics, shares, of)
    assert metrics.usd_per_request is not None
    proven = where.kind.bound * scenario.workload.output_tokens / 1e6
    gap = max(0.0, 1.0 - proven / metrics.usd_per_request)
    gap = 0.0 if gap < LEAST_GAP else gap
    bound = Bound(
        usd_per_million_output_tokens=metrics.usd_per_million_output_tokens * (1.0 - gap),
        relative_gap=gap,
        usd_per_request=metrics.usd_per_request * (1.0 - gap),
    )
    mode = title(modes_of(decode.placement, is_colocated=phases.colocated is not None))
    provenance = decode.provenance.model_copy(
        update={"input_sha256": input_hashes(scenario), "estimates": estimates_in(scenario, tuple(devices))}
    )
    return decode.model_copy(
        update={
            "scenario": scenario,
            "metrics": metrics,
            "bound": bound,
            "mode": mode,
            "phases": phases,
            "devices": devices,
            "provenance": provenance,
            "verdict": (
                f"{where.name}: {len(where.replicas)} replica(s) of {scenario.model.name} in a portfolio, {mode}, "
                f"${metrics.usd_per_request:.4g} a request at full load on the devices they hold"
            ),
        }
    )
