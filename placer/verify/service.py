"""What the checks of a whole service look at: prefill and its price, derived anew from the plan, each once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from placer.cost.queueing import Wait, queue_wait
from placer.errors import InternalError
from placer.plan.placement import Role
from placer.plan.service import ColocatedPrefill, FirstToken, Phases, PrefillPool
from placer.scenario.service import Service
from placer.verify.context import Context
from placer.verify.finding import RecomputedMetrics
from placer.verify.recompute.colocated import added_s, prompts_bytes
from placer.verify.recompute.figures import hourly
from placer.verify.recompute.group import Group
from placer.verify.recompute.handover import Way, prompt_kv_bytes, reload_s, transfer_s, way_between
from placer.verify.recompute.prefill_group import Held, alone_s, busiest_s, held_bytes, prefill_group, stage_times
from placer.verify.recompute.prompt import Chunk, chunks_of
from placer.verify.recompute.queue import Servers
from placer.verify.recompute.rates import device_usd_per_hour
from placer.verify.recompute.rental import prefill_blocks, used_devices


@dataclass(frozen=True)
class PoolView:
    """Groups of one pool that prefill, derived anew."""

    context: Context
    pool: PrefillPool

    @cached_property
    def group(self) -> Group:
        """One of the groups, with its hardware."""
        return prefill_group(self.pool, self.context.scenario.fleet)

    @cached_property
    def chunks(self) -> tuple[Chunk, ...]:
        """Chunks of a prompt."""
        return chunks_of(self.pool.chunks)

    @cached_property
    def times(self) -> NDArray[np.float64]:
        """How long stages work on chunks [s], shape (num_stages, num_chunks)."""
        context = self.context
        return stage_times(context.model, self.group, context.replica.batch, self.chunks, context.selections)

    @property
    def held(self) -> Held:
        """Bytes on the fullest device."""
        tokens = self.context.scenario.workload.input_tokens
        return held_bytes(self.context.model, self.group, self.context.replica.batch, self.chunks, tokens)

    @cached_property
    def ways(self) -> tuple[Way, ...]:
        """Ways of KV cache to the groups that decode."""
        fleet = self.context.scenario.fleet
        return tuple(way_between(fleet, self.pool.pool, group.pool.name) for group in self.context.groups.values())

    @cached_property
    def servers(self) -> Servers:
        """The slots prompts wait for."""
        context, model, alone = self.context, self.context.model, alone_s(self.times)
        tokens, service = context.scenario.workload.input_tokens, service_of(context)
        kept = prompt_kv_bytes(model, tokens)
        reload = reload_s(model, self.group, self.pool.chunks.found_tokens, service.prefix_bandwidth, alone)
        sent = min(way.out_bytes_per_s for way in self.ways)
        return Servers(
            slots=self.pool.groups * self.chunks[0].prompts * self.group.data_ranks,
            service_s=busiest_s(self.times),
            rest_s=reload + alone + transfer_s(model, self.ways, tokens, alone),
            ports_per_s=self.pool.num_devices * sent / kept if kept else math.inf,
        )

    @cached_property
    def most_per_s(self) -> float:
        """Prompts its groups may take in [1/s]."""
        return self.servers.most_per_s(service_of(self.context))

    def first_token(self, prompts_per_s: float) -> FirstToken:
        """Return what the time to first token is made of at a rate."""
        context, model, alone = self.context, self.context.model, alone_s(self.times)
        service, tokens = service_of(context), context.scenario.workload.input_tokens
        return FirstToken(
            **_waits(queue_wait(self.servers.slots, prompts_per_s, self.servers.service_s)),
            reload_s=reload_s(model, self.group, self.pool.chunks.found_tokens, service.prefix_bandwidth, alone),
            prefill_s=alone,
            kv_transfer_s=transfer_s(model, self.ways, tokens, alone),
        )


@dataclass(frozen=True)
class ColocatedView:
    """Prefill between decode steps, derived anew; ``decode`` are the replicas by themselves."""

    decode: Context
    service: Service
    stated: ColocatedPrefill

    @cached_property
    def chunks(self) -> tuple[Chunk, ...]:
        """Chunks of a prompt."""
        return chunks_of(self.stated.chunks)

    @property
    def decode_step_s(self) -> float:
        """A step that takes no chunk along."""
        return self.decode.recomputed.step_time_s

    @cached_property
    def added_s(self) -> float:
        """What the chunks of a prompt add to the steps they are in."""
        decode = self.decode
        return added_s(decode.model, decode.placement, decode.replica, self.chunks, decode.selections)

    @property
    def added_to_mean_s(self) -> float:
        """What chunks add to the mean step: a rank's answers end, and prompts begin in their stead."""
        answer_steps = self.decode.scenario.workload.output_tokens / self.decode.gained
        sequences = self.decode.replica.groups[Role.HOST].rank_sequences
        return sequences / answer_steps / self.chunks[0].prompts * self.added_s

    @property
    def mean_step_s(self) -> float:
        """The mean step."""
        return self.decode_step_s + self.added_to_mean_s

    @property
    def added_share(self) -> float:
        """Share of the mean step that chunks add."""
        return self.added_to_mean_s / self.mean_step_s

    @cached_property
    def lanes(self) -> Servers:
        """The lanes of a replica that prompts wait for."""
        host, decode = self.decode.replica.groups[Role.HOST], self.decode
        prefill_s = len(self.chunks) * self.decode_step_s + self.added_s
        found, rate = self.stated.chunks.found_tokens, self.service.prefix_bandwidth
        reload = reload_s(decode.model, host, found, rate, prefill_s)
        return Servers(
            slots=host.shape.stages * host.data_ranks * self.chunks[0].prompts,
            service_s=prefill_s,
            rest_s=prefill_s + reload,
        )

    @property
    def first_token(self) -> FirstToken:
        """What the time to first token is made of."""
        wait = queue_wait(self.lanes.slots, self.replica_prompts_per_s, self.lanes.service_s)
        prefill_s = self.lanes.service_s
        return FirstToken(**_waits(wait), reload_s=self.lanes.rest_s - prefill_s, prefill_s=prefill_s)

    @property
    def replica_prompts_per_s(self) -> float:
        """Prompts a replica takes in [1/s]."""
        return self.prompts_per_s / len(self.decode.placement.replicas)

    @property
    def prompts_per_s(self) -> float:
        """Prompts all replicas take in [1/s]."""
        users, gained = self.decode.recomputed.users, self.decode.gained
        return users * gained / (self.decode.scenario.workload.output_tokens * self.mean_step_s)

    @cached_property
    def held_by_stage(self) -> list[float]:
        """Bytes on a device of every stage beside those of decode."""
        decode = self.decode
        return prompts_bytes(decode.model, decode.placement, decode.replica, self.chunks)


def _waits(wait: Wait) -> dict[str, float]:
    """Return waits as fields; without end, as long as can be written."""
    most = 1e300
    return {"wait_s": min(wait.mean_s, most), "wait_p99_s": min(wait.p99_s, most)}


def service_of(context: Context) -> Service:
    """Return what a service must deliver.

    Raises
    ------
    InternalError
        If only decode is planned.
    """
    if context.scenario.service is None:
        raise InternalError("only decode is planned")
    return context.scenario.service


@dataclass(frozen=True)
class ServiceView:
    """The whole service."""

    context: Context
    phases: Phases

    @property
    def service(self) -> Service:
        """What it must deliver."""
        return service_of(self.context)

    @cached_property
    def pools(self) -> tuple[PoolView, ...]:
        """Prefill on devices of its own, by pool."""
        return tuple(PoolView(self.context, pool) for pool in self.phases.prefill)

    @cached_property
    def colocated(self) -> ColocatedView | None:
        """Prefill between decode steps."""
        stated = self.phases.colocated
        return None if stated is None else ColocatedView(self.context.decode, self.service, stated)

    @property
    def decode_per_s(self) -> float:
        """Requests the replicas decode at full load [1/s]."""
        if self.colocated is not None:
            return self.colocated.prompts_per_s
        return self.context.decode.recomputed.capacity_tokens_per_s / self.context.scenario.workload.output_tokens

    @property
    def prefill_per_s(self) -> float:
        """Prompts that are computed in time at the most [1/s]; where steps do both, as many as are decoded."""
        return sum(view.most_per_s for view in self.pools) if self.colocated is None else self.colocated.prompts_per_s

    @cached_property
    def requests_per_s(self) -> float:
        """Requests served at full load [1/s]."""
        return min(self.decode_per_s, self.prefill_per_s)

    @cached_property
    def pool_shares(self) -> tuple[float, ...]:
        """Share of the prompts that each pool computes."""
        total = sum(view.most_per_s for view in self.pools)
        return tuple(view.most_per_s / total if total else 0.0 for view in self.pools)

    @cached_property
    def first_tokens(self) -> tuple[FirstToken, ...]:
        """Parts of the time to first token, by pool."""
        if self.colocated is not None:
            return (self.colocated.first_token,)
        rates = (share * self.requests_per_s for share in self.pool_shares)
        return tuple(view.first_token(rate) for view, rate in zip(self.pools, rates, strict=True))

    @property
    def ttft_s(self) -> float:
        """Mean time to first token over all prompts."""
        shares = (1.0,) if self.colocated is not None else self.pool_shares
        return sum(share * first.ttft_s for share, first in zip(shares, self.first_tokens, strict=True))

    @property
    def ttft_p99_s(self) -> float:
        """99th percentile of the time to first token in the slowest pool."""
        return max(first.ttft_p99_s for first in self.first_tokens)

    @cached_property
    def rents(self) -> tuple[float, float]:
        """What input and output tokens pay an hour [USD/h]."""
        rent, _ = hourly(self.context.rented, self.context.scenario)
        if self.colocated is not None:
            return rent * self.colocated.added_share, rent * (1.0 - self.colocated.added_share)
        fleet = self.context.scenario.fleet
        prefill, decode = (
            sum(count * device_usd_per_hour(fleet, pool) for pool, count in used_devices(blocks).items())
            for blocks in (prefill_blocks(self.phases.prefill, fleet), self.context.decode.blocks)
        )
        return rent * prefill / (prefill + decode), rent * decode / (prefill + decode)

    @cached_property
    def recomputed(self) -> RecomputedMetrics:
        """Figures of the whole service."""
        decode, workload = self.context.decode.recomputed, self.context.scenario.workload
        step = decode.step_time_s if self.colocated is None else self.colocated.mean_step_s
        law = decode.law_step_time_s + (0.0 if self.colocated is None else self.colocated.added_to_mean_s)
        capacity = self.requests_per_s * workload.output_tokens
        sold = self.context.scenario.target.tokens_per_s or capacity
        rent, power = hourly(self.context.rented, self.context.scenario)
        requests_per_hour = 3600.0 * workload.utilisation * sold / workload.output_tokens
        of_input, of_output = self.rents
        return decode.model_copy(
            update={
                "law_step_time_s": law,
                "step_time_s": step,
                "tokens_per_s_per_user": self.context.gained / step,
                "tokens_per_s": sold,
                "capacity_tokens_per_s": capacity,
                "usd_per_hour": rent,
                "power_w": power,
                "joules_per_token": power / (sold * workload.utilisation),
                "tokens_per_s_per_mw": sold / (power / 1e6) if power else None,
                "requests_per_s": sold / workload.output_tokens,
                "ttft_s": self.ttft_s,
                "ttft_p99_s": self.ttft_p99_s,
                "usd_per_million_input_tokens": 1e6 * of_input / (requests_per_hour * workload.input_tokens),
                "usd_per_million_output_tokens": 1e6 * of_output / (requests_per_hour * workload.output_tokens),
                "usd_per_request": rent / requests_per_hour,
            }
        )


def service_view(context: Context) -> ServiceView | None:
    """Return what the checks of a whole service look at; None where only decode is planned."""
    phases = context.plan.phases
    return None if phases is None or context.scenario.service is None else ServiceView(context, phases)
