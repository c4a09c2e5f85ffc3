"""What moving from one plan to another takes."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator

from placer.catalog.fleet import Fleet
from placer.compare.ledger import Interval, Ledger, Shard, Wiring, classes_of, interval
from placer.compare.sites import ATTENTION, DENSE, EXPERTS, SHARED, Device, Lie, Spot
from placer.compare.subject import Subject
from placer.graph.layer_class import LayerOps
from placer.graph.op import Op
from placer.graph.totals import totals
from placer.plan.comparison import PriceBasis, QuestionComparison
from placer.plan.moving import Moving, PoolChange, SessionsMoved

SECONDS_PER_HOUR = 3600.0

#: Ops of a layer, and where they lie before and after.
Alike = tuple[LayerOps, tuple[Spot, ...], tuple[Spot, ...]]


def moving_from(a: Subject, b: Subject, question: QuestionComparison) -> Moving:
    """Return what moving from one plan to another takes, devices numbered as the plans number them.

    Parameters
    ----------
    a, b
        Plans, whole services with their prefill.
    question
        Says whether weights are the same, and whether dollars can be compared.
    """
    before, after = Lie(a), Lie(b)
    shared = _shared_pools(a.plan.scenario.fleet, b.plan.scenario.fleet)
    ledger = _booked(before, after, shared if question.same_model else set())
    port, seconds = ledger.busiest()
    sessions = _sessions(a, b, stay=question.same_model and _kv_stays(a, b, shared))
    both = None
    if question.prices is not PriceBasis.OTHER_BASIS:
        both = _both_usd_per_hour(a, b, shared)
    lasts_s = seconds + (0.0 if sessions.stay else sessions.drain_s)
    kept = {device for device in before.devices() & after.devices() if device[0] in shared}
    return Moving(
        pools=_pool_changes(a, b, shared, has_usd=both is not None),
        kept_devices=len(kept),
        kept_bytes=ledger.kept_bytes,
        bytes=math.ceil(ledger.moved_bytes - 1e-6),
        storage_bytes=math.ceil(ledger.storage_bytes - 1e-6),
        seconds=seconds,
        bottleneck=port,
        crowded_devices=_crowded(a, ledger, kept),
        routes=ledger.routes(),
        transfers=ledger.transfers,
        sessions=sessions,
        both_usd_per_hour=both,
        usd=None if both is None else both * lasts_s / SECONDS_PER_HOUR,
    )


def _shared_pools(a: Fleet, b: Fleet) -> set[str]:
    """Return the pools whose devices are the same ones in both fleets: kind and domains agree."""
    kinds = [{pool.name: (pool.device, pool.domain) for pool in fleet.pools} for fleet in (a, b)]
    return {name for name, kind in kinds[0].items() if kinds[1].get(name) == kind}


def _booked(before: Lie, after: Lie, shared: set[str]) -> Ledger:
    """Return all transfers; devices of pools that are not shared hold nothing yet."""
    b = after.subject
    fleet, model = b.plan.scenario.fleet, b.context.model
    ledger = Ledger(Wiring(fleet))
    alike: defaultdict[Alike, int] = defaultdict(int)
    for layer, ops in enumerate(model.layer_ops):
        held = before.spots(layer) if shared else ()
        alike[ops, held, after.spots(layer)] += 1
    for what, times in alike.items():
        _book_layer(ledger, (before, after), what, shared, times)
    for index, op in enumerate((model.embedding, model.lm_head)):
        ends = [[pair[index] for pair in (lie.ends(), *lie.prefill_ends())] for lie in (before, after)]
        shards = [
            [shard for site, stage in found for shard in lie.sites[site].shards(stage)]
            for lie, found in zip((before, after), ends, strict=True)
        ]
        _book(ledger, fleet, (op,), _only(shards[0], shared), shards[1])
    _book_drafter(ledger, before, after, shared)
    return ledger


def _only(shards: Iterable[Shard], pools: set[str]) -> list[Shard]:
    return [shard for shard in shards if shard[0][0] in pools]


def _book_layer(ledger: Ledger, lies: tuple[Lie, Lie], what: Alike, shared: set[str], times: int) -> None:
    """Book one of several layers that are alike."""
    ops, held, wanted = what
    fleet = lies[1].subject.plan.scenario.fleet
    for kind, of_kind in _ops(ops):
        sides = [
            [shard for spot in spots if spot.what == kind for shard in lie.sites[spot.site].shards(spot.stage)]
            for lie, spots in zip(lies, (held, wanted), strict=True)
        ]
        _book(ledger, fleet, of_kind, _only(sides[0], shared), sides[1], times)
    if ops.moe is not None:
        in_a, in_b = (_by_expert(lie, spots) for lie, spots in zip(lies, (held, wanted), strict=True))
        for expert, shards in in_b.items():
            _book(ledger, fleet, (ops.moe.expert,), _only(in_a.get(expert, ()), shared), shards, times)


def _ops(ops: LayerOps) -> Iterator[tuple[str, tuple[Op, ...]]]:
    """Yield what of a layer is cut over tensor-parallel ranks; the router lies with attention."""
    yield ATTENTION, (*ops.attention, *((ops.moe.router,) if ops.moe else ()))
    if ops.dense is not None:
        yield DENSE, (ops.dense,)
    if ops.moe is not None and ops.moe.shared is not None:
        yield SHARED, (ops.moe.shared,)


def _by_expert(lie: Lie, spots: Iterable[Spot]) -> dict[int, list[Shard]]:
    """Return the devices of every expert of a layer, with their shards."""
    found: defaultdict[int, list[Shard]] = defaultdict(list)
    for spot in spots:
        if spot.what == EXPERTS:
            site = lie.sites[spot.site]
            for rank, experts in enumerate(lie.layouts[spot.layout]):
                shards = list(site.expert_shards(spot.stage, rank))
                for expert in experts:
                    found[expert] += shards
    return found


def _book(
    ledger: Ledger, fleet: Fleet, ops: tuple[Op, ...], held: list[Shard], wanted: list[Shard], times: int = 1
) -> None:
    """Book what of some ops has to move; pools store them in their own formats."""
    pools = {device[0] for device, _, _ in (*held, *wanted)}
    classes = {pool: classes_of(ops, fleet.device_of(pool)) for pool in pools}
    for key in dict.fromkeys(key for of_pool in classes.values() for key in of_pool):
        parts: defaultdict[Device, list[Interval]] = defaultdict(list)
        for device, rank, ranks in held:
            if key in classes[device[0]]:
                parts[device].append(interval(rank, ranks, key[1]))
        needed = {device: interval(rank, ranks, key[1]) for device, rank, ranks in wanted if key in classes[device[0]]}
        size = next(of_pool[key] for of_pool in classes.values() if key in of_pool)
        ledger.take(times * size, parts, needed)


def _book_drafter(ledger: Ledger, before: Lie, after: Lie, shared: set[str]) -> None:
    """Book what drafts: kept where the same drafter is cut alike on a device, else from storage."""
    held, wanted = _drafters(before), _drafters(after)
    for device, (what, size) in wanted.items():
        if device[0] in shared and device in held and held[device][0] == what:
            ledger.keep(size)
        else:
            ledger.from_storage(device, size)


def _drafters(lie: Lie) -> dict[Device, tuple[object, float]]:
    """Return what drafts on every device that does: drafter, cut and rank; and its bytes."""
    subject = lie.subject
    draft, speculation = subject.context.replica.draft, subject.plan.scenario.speculation
    if speculation is None or not draft.weights:
        return {}
    what = (speculation.kind, speculation.modules, speculation.draft)
    pool = subject.context.drafter_pool
    if pool is not None:
        return {
            (pool.pool, first + offset): ((*what, pool.width, pool.expert_tp, offset), draft.weights)
            for first in pool.first_device
            for offset in range(pool.width)
        }
    number, stage = lie.ends()[1]
    site = lie.sites[number]
    return {
        (site.pool, copy[stage] + offset): ((*what, site.tp, site.expert_tp, site.width, offset), draft.weights)
        for copy in site.firsts
        for offset in range(site.width)
    }


def _crowded(a: Subject, ledger: Ledger, kept: set[Device]) -> int:
    """Return how many devices have no room for what they load beside all they hold while they serve."""
    fleet, used = a.plan.scenario.fleet, _used_bytes(a)
    return sum(
        used.get(device, 0.0) + ledger.received[device] > fleet.device_of(device[0]).usable_bytes
        for device in kept
        if ledger.received.get(device)
    )


def _used_bytes(of: Subject) -> dict[Device, float]:
    """Return what lies on every device at full load: weights and, in the same tier, KV cache and activations [B]."""
    lie, used = Lie(of), {}
    stages = {
        stage.place: stage.at_rest if of.context.groups[stage.place[0]].device.is_split else stage.total
        for stage in of.context.memory
    }
    for (role, group), site in zip(of.context.groups.items(), lie.sites, strict=False):
        for stage in range(group.shape.stages):
            used.update({device: stages[role, stage] for device, _, _ in site.shards(stage)})
    phases = of.plan.phases
    if phases is not None and phases.colocated is not None:
        used = {device: total + phases.colocated.held_bytes for device, total in used.items()}
    for pool, site in zip(of.context.prefill_pools, lie.sites[len(of.context.groups) :], strict=True):
        for stage in range(pool.stages):
            used.update({device: pool.held_bytes for device, _, _ in site.shards(stage)})
    return used


def _kv_stays(a: Subject, b: Subject, shared: set[str]) -> bool:
    """Return whether attention of every layer runs on the same devices, cut alike, for as many sequences a rank."""
    if any(group.pool not in shared for group in a.plan.groups):
        return False
    places = [
        (
            tuple(
                (group.role, group.pool, group.stages, group.width, group.tp, group.cp) for group in side.plan.groups
            ),
            tuple(layer.attention for layer in side.context.placement.layers),
            side.context.placement.replicas,
        )
        for side in (a, b)
    ]
    has_room = all(
        after >= before
        for one, other in zip(a.plan.groups, b.plan.groups, strict=False)
        for before, after in zip(one.sequences_per_rank, other.sequences_per_rank, strict=False)
    )
    flights = [side.context.batch.microbatches_in_flight for side in (a, b)]
    return places[0] == places[1] and has_room and flights[0] <= flights[1]


def _sessions(a: Subject, b: Subject, *, stay: bool) -> SessionsMoved:
    workload = a.plan.scenario.workload
    each = totals(a.context.model, workload.mean_context).held_bytes_per_sequence
    return SessionsMoved(
        sessions=a.metrics.users,
        slots=b.metrics.users,
        stay=stay,
        drain_s=workload.output_tokens / a.metrics.tokens_per_s_per_user,
        session_bytes=each,
        bytes=each * a.metrics.users,
    )


def _pool_changes(a: Subject, b: Subject, shared: set[str], *, has_usd: bool) -> tuple[PoolChange, ...]:
    """Return what is rented and returned; a pool whose devices are others in b is returned and rented."""
    changes = []
    for pool in dict.fromkeys([*a.devices, *b.devices]):
        counts = (a.devices.get(pool, 0), b.devices.get(pool, 0))
        if pool in shared or not all(counts):
            owner = b if counts[1] else a
            changes.append(_pool_change(owner, pool, counts, (a, b) if has_usd else None))
        else:
            changes.append(_pool_change(a, pool, (counts[0], 0), (a, b) if has_usd else None))
            changes.append(_pool_change(b, pool, (0, counts[1]), (a, b) if has_usd else None))
    return tuple(changes)


def _pool_change(
    owner: Subject, pool: str, counts: tuple[int, int], priced: tuple[Subject, Subject] | None
) -> PoolChange:
    kind = owner.plan.scenario.fleet.pool(pool)
    usd = None
    if priced is not None:
        rents = [
            count * side.usd_per_device_hour(pool) if count else 0.0 for count, side in zip(counts, priced, strict=True)
        ]
        usd = rents[1] - rents[0]
    return PoolChange(
        pool=pool,
        device=kind.device,
        unit=kind.unit,
        a_devices=counts[0],
        b_devices=counts[1],
        added_units=max(0, -(-(counts[1] - counts[0]) // kind.unit)),
        returned_units=max(0, -(-(counts[0] - counts[1]) // kind.unit)),
        usd_per_hour=usd,
    )


def _both_usd_per_hour(a: Subject, b: Subject, shared: set[str]) -> float:
    """Return the rent of all units either plan touches; those of shared pools once, at b's price."""
    rented = [_rented(side) for side in (a, b)]
    usd = 0.0
    for pool in dict.fromkeys([*a.devices, *b.devices]):
        sides = [(side, numbers.get(pool, set())) for side, numbers in zip((a, b), rented, strict=True)]
        counts = [max(len(numbers), side.devices.get(pool, 0)) for side, numbers in sides]
        if pool in shared:
            together = max(*counts, len(sides[0][1] | sides[1][1]))
            usd += together * (b if counts[1] else a).usd_per_device_hour(pool)
        else:
            usd += sum(
                count * side.usd_per_device_hour(pool) for (side, _), count in zip(sides, counts, strict=True) if count
            )
    return usd


def _rented(of: Subject) -> dict[str, set[int]]:
    """Return the numbers of all devices in units that a plan touches, by pool."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for block in of.context.blocks:
        unit = block.pool.unit
        found[block.pool.name].update(range(block.first // unit * unit, -(-block.end // unit) * unit))
    return found
