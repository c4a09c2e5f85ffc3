"""Figures of both plans side by side: metrics, devices, shapes, bytes, what binds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from placer.compare.subject import Subject
from placer.graph.totals import totals
from placer.plan.comparison import BindingComparison, BytesPair, DeviceUse, FigurePair, SideSummary
from placer.plan.plan import Plan
from placer.verify.recompute.flow import Place, place_of
from placer.verify.recompute.weights import shard_bytes

#: What lies in the tier of the KV cache, where a device has one.
_CACHED = ("KV cache", "activations")
#: Metrics that cost money: not shown where bases differ.
_USD = (
    ("usd_per_million_input_tokens", "USD"),
    ("usd_per_million_output_tokens", "USD"),
    ("usd_per_request", "USD"),
    ("usd_per_hour", "USD/h"),
)
_METRICS = (
    ("tokens_per_s_per_user", "tokens/s"),
    ("ttft_s", "s"),
    ("ttft_p99_s", "s"),
    ("tokens_per_s", "tokens/s"),
    ("capacity_tokens_per_s", "tokens/s"),
    ("requests_per_s", "1/s"),
    ("users", ""),
    ("step_time_s", "s"),
    ("law_step_time_s", "s"),
    ("power_w", "W"),
    ("joules_per_token", "J"),
    ("tokens_per_s_per_mw", "tokens/s per MW"),
)
RENTED = "rented"


def _pair(name: str, unit: str, a: float | None, b: float | None) -> FigurePair:
    ratio = b / a if a and b is not None else None
    return FigurePair(name=name, unit=unit, a=a, b=b, ratio=ratio)


def figure_pairs(a: Subject, b: Subject, *, with_usd: bool) -> tuple[FigurePair, ...]:
    """Return metrics, batch and the sizes of the models; those neither plan has are left out."""
    metrics = (*(_USD if with_usd else ()), *_METRICS)
    found = [_pair(name, unit, getattr(a.metrics, name), getattr(b.metrics, name)) for name, unit in metrics]
    batches = (a.context.batch, b.context.batch)
    found.append(_pair("replicas", "", a.replicas, b.replicas))
    names = ("microbatches_in_flight", "sequences_per_microbatch", "draft_tokens")
    found += [_pair(name, "", *(getattr(batch, name) for batch in batches)) for name in names]
    sizes = [_sizes(side) for side in (a, b)]
    found += [_pair(name, unit, sizes[0][name, unit], sizes[1][name, unit]) for name, unit in sizes[0]]
    return tuple(pair for pair in found if pair.a is not None or pair.b is not None)


def _sizes(side: Subject) -> dict[tuple[str, str], float]:
    """Return what the model weighs, and what a sequence keeps at the mean context."""
    context = side.plan.scenario.workload.mean_context
    size = totals(side.context.model, context)
    return {
        ("model_parameters", ""): size.parameters,
        ("model_active_parameters", ""): size.active_parameters,
        ("model_weight_bytes", "B"): size.weight_bytes,
        ("sequence_bytes_at_mean_context", "B"): size.held_bytes_per_sequence,
    }


def device_uses(a: Subject, b: Subject) -> tuple[DeviceUse, ...]:
    """Return devices by pool and use, and what is rented of every pool."""
    counts = (a.devices_by_use(), b.devices_by_use())
    uses = [
        DeviceUse(pool=pool, use=use, a=counts[0].get((pool, use), 0), b=counts[1].get((pool, use), 0))
        for pool, use in dict.fromkeys([*counts[0], *counts[1]])
    ]
    pools = dict.fromkeys([*a.devices, *b.devices])
    uses += [DeviceUse(pool=pool, use=RENTED, a=a.devices.get(pool, 0), b=b.devices.get(pool, 0)) for pool in pools]
    order = list(pools)
    return tuple(sorted(uses, key=lambda use: order.index(use.pool)))


def byte_pairs(a: Subject, b: Subject) -> tuple[BytesPair, ...]:
    """Return where bytes lie, all devices of a pool together."""
    sides = (_bytes(a), _bytes(b))
    return tuple(
        BytesPair(
            pool=pool, tier=tier, kind=kind, a_bytes=sides[0][pool, tier, kind], b_bytes=sides[1][pool, tier, kind]
        )
        for pool, tier, kind in dict.fromkeys([*sides[0], *sides[1]])
    )


def _bytes(side: Subject) -> Counter[tuple[str, str, str]]:
    """Return bytes by pool, tier and kind; every device of a stage as the fullest of it, slots filled or not."""
    found: Counter[tuple[str, str, str]] = Counter()
    context = side.context
    experts = _expert_bytes(side)
    for stage in context.memory:
        group = context.groups[stage.place[0]]
        devices = side.replicas * group.shape.width
        kinds = {
            "experts": experts[stage.place] - stage.hot_experts,
            "hot experts": stage.hot_experts,
            "other weights": stage.weights + stage.hot_experts - experts[stage.place],
            "KV cache": stage.kv + stage.draft,
            "activations": stage.activations,
        }
        for kind, volume in kinds.items():
            if volume:
                holds = group.device.cache_tier if kind in _CACHED else group.device.compute_tier
                found[group.pool.name, str(holds.tier), f"{kind}, decode"] += round(devices * volume)
    for pool in context.prefill_pools:
        device = side.plan.scenario.fleet.device_of(pool.pool)
        tier = "+".join(dict.fromkeys((str(device.compute_tier.tier), str(device.cache_tier.tier))))
        found[pool.pool, tier, "all, prefill"] += round(pool.num_devices * pool.held_bytes)
    phases = side.plan.phases
    if phases is not None and phases.colocated is not None:
        for group in context.groups.values():
            tier, devices = str(group.device.compute_tier.tier), side.replicas * group.shape.num_devices
            found[group.pool.name, tier, "prompts under way"] += round(devices * phases.colocated.held_bytes)
    return found


def _expert_bytes(side: Subject) -> defaultdict[Place, float]:
    """Return the bytes of all slots for experts on a device of every stage."""
    found: defaultdict[Place, float] = defaultdict(float)
    context = side.context
    for placed in context.placement.layers:
        moe = context.model.layer_ops[placed.layer].moe
        for part in placed.ffn:
            if moe is not None and part.experts is not None:
                group = context.groups[part.at.role]
                ranks = context.placement.experts[part.experts].experts_by_rank
                slots = group.slots(len({expert for rank in ranks for expert in rank}))
                found[place_of(part.at)] += slots * shard_bytes(moe.expert, group.device, group.shape.expert_tp)
    return found


def summary_of(plan: Plan, label: str) -> SideSummary:
    """Return one of the two answers in short."""
    refusal = plan.refusal
    return SideSummary(
        label=label,
        status=plan.status,
        verdict=plan.verdict,
        mode=plan.mode,
        shapes=tuple(_shapes(plan)),
        conflict=refusal.conflict if refusal else (),
        nearest=tuple(relief.text for relief in refusal.nearest) if refusal else (),
    )


def _shapes(plan: Plan) -> Iterable[str]:
    replicas = len(plan.placement.replicas) if plan.placement else 0
    for group in plan.groups:
        cuts = f"TP{group.tp}" + (f" CP{group.cp}" if group.cp > 1 else "") + f" DP{group.width // group.tp}"
        experts = f" EP{group.width // group.expert_tp}" if plan.placement and plan.placement.experts else ""
        yield f"decode, {group.role}: {replicas} of {group.stages} x {group.width} {group.pool}, {cuts}{experts}"
    for pool in plan.phases.prefill if plan.phases else ():
        cuts = f"TP{pool.tp} DP{pool.width // pool.tp}"
        yield f"prefill: {pool.groups} of {pool.stages} x {pool.width} {pool.pool}, {cuts}"


def compare_binding(a: Plan, b: Plan) -> BindingComparison:
    """Return which limits bind in which plan."""
    return BindingComparison(
        both=tuple(limit for limit in a.binding if limit in b.binding),
        only_a=tuple(limit for limit in a.binding if limit not in b.binding),
        only_b=tuple(limit for limit in b.binding if limit not in a.binding),
    )
