"""Prefill and decode of a plan as they are written down: devices, first tokens, and who pays what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from placer.catalog.fleet import Fleet
from placer.cost.handover import Route, first_token_s, reload_s, routes_between
from placer.cost.money import SECONDS_PER_HOUR, TOKENS_PER_MILLION, known_usd_per_hour, tokens_per_s_per_mw
from placer.cost.prefill import PrefillKind
from placer.cost.prompt_pass import Chunks
from placer.cost.queueing import queue_wait
from placer.graph.model_graph import ModelGraph
from placer.plan.metrics import Metrics
from placer.plan.plan import Plan
from placer.plan.service import Chunking, ColocatedPrefill, DecodePhase, FirstToken, Phases, PrefillPool
from placer.planner.colocated import MixedAchieved
from placer.planner.devices import beside
from placer.scenario.scenario import Scenario
from placer.search.leaf import Found
from placer.search.service.colocated import MixedSearch


@dataclass(frozen=True)
class Shares:
    """Rent and rate of a service.

    Attributes
    ----------
    prefill_usd_per_hour, decode_usd_per_hour
        What input and output tokens pay; together the rent.
    requests_per_s
        What all of it serves at full load.
    ttft_s, ttft_p99_s
        Time to first token; of several prefill pools the mean, and the longest.
    """

    prefill_usd_per_hour: float
    decode_usd_per_hour: float
    requests_per_s: float
    ttft_s: float
    ttft_p99_s: float


def chunking(chunks: Chunks) -> Chunking:
    """Return how prompts pass, as a plan has it."""
    return Chunking(prompts=int(chunks.prompts), found_tokens=chunks.offsets[0], tokens=chunks.tokens)


def disaggregated(scenario: Scenario, model: ModelGraph, decode: Plan, found: Found) -> tuple[Phases, Shares]:
    """Return the phases of a plan whose prompts have devices of their own.

    Parameters
    ----------
    scenario, model
        The question, and its model lowered.
    decode
        The decoding replicas by themselves.
    found
        What was found: with the prefill groups in its rental.
    """
    fleet, rental = scenario.fleet, found.rental
    assert decode.metrics is not None
    assert rental.prompts_per_s is not None
    capacities = [groups * kind.prompts_per_s for kind, groups in rental.prefill]
    pools = []
    for (kind, groups), capacity in zip(rental.prefill, capacities, strict=True):
        served = rental.prompts_per_s * capacity / sum(capacities)
        beside_it = [shape for shape in found.candidate.shapes if shape.pool == kind.shape.pool]
        taken = (beside_it[0], rental.replicas) if beside_it else None
        routes = routes_between(fleet, kind.shape.pool, [shape.pool for shape in found.candidate.shapes])
        assert routes is not None
        pools.append(
            PrefillPool(
                pool=kind.shape.pool,
                stages=kind.shape.stages,
                width=kind.shape.width,
                tp=kind.shape.tp,
                expert_tp=kind.shape.expert_tp,
                chunks=chunking(kind.chunks),
                first_devices=beside(fleet.pool(kind.shape.pool), taken, kind.shape, groups),
                held_bytes=kind.held_bytes,
                prompt_s=kind.prompt_s,
                prompts_per_s=served,
                load=served / capacity,
                first_token=first_token(scenario, model, kind, (groups, served), routes),
            )
        )
    shares = _shares(fleet, tuple(pools), decode, found, rental.prompts_per_s)
    phases = Phases(
        prefill=tuple(pools),
        decode=DecodePhase(metrics=decode.metrics, devices=decode.devices),
        prefill_usd_per_hour=shares.prefill_usd_per_hour,
        decode_usd_per_hour=shares.decode_usd_per_hour,
    )
    return phases, shares


def first_token(
    scenario: Scenario, model: ModelGraph, kind: PrefillKind, served: tuple[int, float], routes: Sequence[Route]
) -> FirstToken:
    """Return what the time to first token is made of.

    Parameters
    ----------
    scenario, model
        The question, and its model lowered.
    kind, routes
        Groups that share a queue, and the ways of KV cache from them.
    served
        How many groups, and what they serve together [1/s].
    """
    (groups, prompts_per_s), tokens = served, scenario.workload.input_tokens
    assert scenario.service is not None
    wait = queue_wait(groups * kind.slots, prompts_per_s, kind.prompt_s)
    return FirstToken(
        wait_s=wait.mean_s,
        wait_p99_s=wait.p99_s,
        reload_s=reload_s(model, kind.shape, kind.latency_s, scenario.service, tokens),
        prefill_s=kind.latency_s,
        kv_transfer_s=max(first_token_s(model, kind, scenario.service, tokens, route)[1] for route in routes),
    )


def _shares(fleet: Fleet, pools: tuple[PrefillPool, ...], decode: Plan, found: Found, requests_per_s: float) -> Shares:
    usd = {pool.name: known_usd_per_hour(fleet, pool) for pool in fleet.pools if pool.name in found.rental.devices}
    prefill = sum(pool.num_devices * usd[pool.pool] for pool in pools)
    replicas = found.rental.replicas
    working = sum(replicas * group.num_devices * usd[group.pool] for group in decode.groups)
    rent = found.rental.usd_per_hour
    waits = [(pool.prompts_per_s / requests_per_s, pool.first_token) for pool in pools]
    return Shares(
        rent * prefill / (prefill + working),
        rent * working / (prefill + working),
        requests_per_s,
        sum(share * first.ttft_s for share, first in waits),
        max(first.ttft_p99_s for _, first in waits),
    )


def colocated(search: MixedSearch, decode: Plan, held: MixedAchieved) -> tuple[Phases, Shares]:
    """Return the phases of a plan whose replicas prefill between their decode steps."""
    assert decode.metrics is not None
    mixed, rental = held.mixed, held.achieved.found.rental
    decode_s = held.achieved.found.step_s
    added_s = float(held.times.added_s[0])
    prefill_s = held.times.num_passes * decode_s + added_s
    servers, arrivals = search.queue(mixed.way, mixed.rank_sequences, held.mean_step_s)
    wait = queue_wait(servers, arrivals, prefill_s)
    loaded = search.reload_s(mixed.way, prefill_s)
    first = FirstToken(wait_s=wait.mean_s, wait_p99_s=wait.p99_s, reload_s=loaded, prefill_s=prefill_s)
    part = 1.0 - decode_s / held.mean_step_s
    shares = Shares(
        rental.usd_per_hour * part,
        rental.usd_per_hour * (1.0 - part),
        rental.replicas * arrivals,
        first.ttft_s,
        first.ttft_p99_s,
    )
    phases = Phases(
        colocated=ColocatedPrefill(
            chunks=chunking(mixed.way.chunks),
            decode_step_s=decode_s,
            added_s=added_s,
            mean_step_s=held.mean_step_s,
            load=arrivals * prefill_s / servers,
            held_bytes=held.extra_bytes,
            first_token=first,
        ),
        decode=DecodePhase(metrics=decode.metrics, devices=decode.devices),
        prefill_usd_per_hour=shares.prefill_usd_per_hour,
        decode_usd_per_hour=shares.decode_usd_per_hour,
    )
    return phases, shares


def whole_metrics(scenario: Scenario, decode: Metrics, shares: Shares, of: Mapping[str, float]) -> Metrics:
    """Return the figures of the whole service.

    Parameters
    ----------
    scenario, decode, shares
        The question, the decoding replicas by themselves, rent and rate.
    of
        ``step_time_s``, ``law_step_time_s``, ``tokens_per_s_per_user``, ``power_w`` of the whole.
    """
    workload = scenario.workload
    capacity = shares.requests_per_s * workload.output_tokens
    sold = scenario.target.tokens_per_s or capacity
    paid = sold * workload.utilisation
    requests = paid / workload.output_tokens
    million = TOKENS_PER_MILLION / SECONDS_PER_HOUR
    rent = shares.prefill_usd_per_hour + shares.decode_usd_per_hour
    return decode.model_copy(
        update={
            **of,
            "usd_per_million_output_tokens": million * shares.decode_usd_per_hour / paid,
            "usd_per_million_input_tokens": (
                million * shares.prefill_usd_per_hour / (requests * workload.input_tokens)
            ),
            "usd_per_request": rent / SECONDS_PER_HOUR / requests,
            "usd_per_hour": rent,
            "tokens_per_s": sold,
            "capacity_tokens_per_s": capacity,
            "joules_per_token": of["power_w"] / paid,
            "tokens_per_s_per_mw": tokens_per_s_per_mw(sold, of["power_w"]) if of["power_w"] else None,
            "requests_per_s": sold / workload.output_tokens,
            "ttft_s": shares.ttft_s,
            "ttft_p99_s": shares.ttft_p99_s,
        }
    )
