"""What a person reads of a plan: verdict, groups, memory, time, what binds, the price without each pool."""

from __future__ import annotations

from collections import Counter

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from placer.plan.metrics import Alternative, Metrics
from placer.plan.placement import GroupPlan, Placement, Role
from placer.plan.plan import Plan
from placer.plan.schedule import Schedule
from placer.report.energy import power_line, price_line
from placer.report.estimates import estimates_line
from placer.report.hot import hot_lines
from placer.report.kv_budget import kv_lines
from placer.report.paused import paused_lines
from placer.report.robust import robust_lines
from placer.report.service import service_lines
from placer.report.speculation import speculation_lines
from placer.report.table import new_table
from placer.units import format_bytes, format_seconds

#: What lies outside the layers, by whether tokens are drafted there.
_ENDS = {False: "embedding and LM head", True: "embedding, LM head, drafting"}


def render_plan(plan: Plan) -> Group:
    """Return the report of a plan, a refusal or an undecided search."""
    parts: list[RenderableType] = [Text(plan.verdict, style="bold")]
    if plan.metrics and plan.placement:
        step = Text(_step_title(plan.metrics, plan.schedule))
        parts += [
            "",
            _group_table(plan, plan.placement),
            "",
            _memory_table(plan),
            *kv_lines(plan.kv),
            *service_lines(plan),
            *hot_lines(plan),
            *paused_lines(plan),
            *robust_lines(plan),
            *speculation_lines(plan),
            "",
            step,
            _time_table(plan),
        ]
        parts += ["", Text(f"binding: {'; '.join(plan.binding) or 'nothing but what whole units allow'}")]
        parts += ["", *_alternative_lines(plan, plan.metrics)]
    if plan.refusal:
        parts += ["", *_refusal_lines(plan)]
    parts += ["", *_honesty_lines(plan)]
    return Group(*parts)


def _group_table(plan: Plan, placement: Placement) -> Table:
    batch, replicas = plan.batch, len(placement.replicas)
    assert batch is not None
    users = batch.sequences_per_microbatch * batch.microbatches_in_flight
    title = (
        f"{replicas} replica(s), each {batch.microbatches_in_flight} microbatch(es) of "
        f"{batch.sequences_per_microbatch:,} sequences in flight ({users:,} users)"
    )
    table = new_table(
        "group",
        "pool",
        ">devices",
        ">stages x width",
        ">TP",
        ">DP",
        ">EP",
        ">expert TP",
        "holds",
        title=title,
    )
    for group in plan.groups:
        table.add_row(
            str(group.role),
            group.pool,
            f"{replicas * group.num_devices} of {plan.devices[group.pool]} rented",
            f"{group.stages} x {group.width}",
            f"{group.tp}, CP {group.cp}" if group.cp > 1 else str(group.tp),
            str(group.width // group.tp),
            str(group.width // group.expert_tp),
            str(group.expert_tp),
            _holdings(placement, group),
        )
    return table


def _holdings(placement: Placement, group: GroupPlan) -> str:
    """Return which ops a group holds, counted in layers."""
    counts: Counter[str] = Counter()
    for layer in placement.layers:
        if layer.attention.role is group.role:
            counts["attention"] += 1
        for part in layer.ffn:
            if part.at.role is group.role:
                hot = len(layer.ffn) > 1 and group.role is Role.SIDECAR
                kind = "hot experts" if hot else "experts" if part.experts else "dense FFN"
                counts[kind] += 1
    words = [f"{count} {kind}" for kind, count in counts.items()]
    words += ["embedding"] if placement.embedding.role is group.role else []
    words += ["LM head"] if placement.lm_head.role is group.role else []
    return ", ".join(words) or "nothing"


def _memory_table(plan: Plan) -> Table:
    table = new_table(
        "memory of the fullest device",
        *(">capacity", ">reserved", ">weights", ">hot experts", ">KV cache", ">activations", ">free"),
    )
    for use in plan.memory:
        kept = (use.kv_bytes, use.activations_bytes)
        sizes = (
            *(use.capacity_bytes, use.reserved_bytes, use.weights_bytes, use.hot_experts_bytes),
            *((0, 0) if use.cache else kept),
            use.free_bytes,
        )
        table.add_row(f"{use.device} ({use.tier})", *(format_bytes(size) for size in sizes))
        if use.cache:
            sizes = (use.cache.capacity_bytes, use.cache.reserved_bytes, 0, 0, *kept, use.cache.free_bytes)
            table.add_row(f"{use.device} ({use.cache.tier})", *(format_bytes(size) for size in sizes))
    return table


def _time_table(plan: Plan) -> Table:
    assert plan.time is not None
    assert plan.metrics is not None
    step = plan.metrics.step_time_s
    table = new_table("where a step goes", ">time", ">of the step")
    shares = {
        "attention": plan.time.attention_s,
        "FFN and experts": plan.time.ffn_s,
        _ENDS[bool(plan.speculation and plan.speculation.draft_tokens)]: plan.time.embedding_and_head_s,
        "links between groups and stages": plan.time.links_s,
        "floors (launches, latencies)": plan.time.floors_s,
    }
    for name, seconds in shares.items():
        table.add_row(name, format_seconds(seconds), f"{seconds / step:.1%}")
    table.add_section()
    if plan.phases and plan.phases.colocated:
        chunks = step - plan.phases.colocated.decode_step_s
        table.add_row("chunks of prompts", format_seconds(chunks), f"{chunks / step:.1%}")
        table.add_section()
    for entry in plan.occupancy:
        table.add_row(_occupied(entry.resource), format_seconds(entry.busy_s), f"{entry.busy_s / step:.1%}")
    return table


def _occupied(resource: str) -> str:
    """Return what is said of a resource of the plan's occupancy."""
    if resource == "path":
        return "critical path of a microbatch"
    return f"taken in turns: {resource.removesuffix(' turns')}" if resource.endswith(" turns") else f"busy: {resource}"


def _step_title(metrics: Metrics, schedule: Schedule) -> str:
    excess = round(metrics.step_time_s / metrics.law_step_time_s - 1.0, 4)
    law = f", {excess:.1%} over the least possible {format_seconds(metrics.law_step_time_s)}" if excess > 0 else ""
    return f"simulated step time {format_seconds(metrics.step_time_s)}{law}; {schedule.label}"


def _alternative_lines(plan: Plan, metrics: Metrics) -> list[Text]:
    return [Text(_alternative_line(entry, metrics, plan)) for entry in plan.alternatives]


def _alternative_line(entry: Alternative, metrics: Metrics, plan: Plan) -> str:
    price = entry.usd_per_million_output_tokens
    head = f"without {entry.without_pool}: "
    if entry.without_pool not in plan.devices:
        return f"{head}the same plan; it is not worth its price here"
    if price is None:
        return f"{head}no plan ({entry.note or 'none found'})"
    if entry.usd_per_request is not None and metrics.usd_per_request:
        ratio = entry.usd_per_request / metrics.usd_per_request
        return f"{head}${entry.usd_per_request:.4g} a request, {ratio:.3g} times this plan's price"
    ratio = price / metrics.usd_per_million_output_tokens
    return f"{head}${price:.4g}/M output tokens, {ratio:.3g} times this plan's price"


def _refusal_lines(plan: Plan) -> list[Text]:
    assert plan.refusal is not None
    lines = [Text("these limits conflict; without any one of them there is a plan:")]
    lines += [Text(f"  - {limit}") for limit in plan.refusal.conflict]
    if plan.refusal.nearest:
        lines.append(Text("nearest that works, one at a time:"))
        lines += [Text(f"  - {relief.text}") for relief in plan.refusal.nearest]
    return lines


def _honesty_lines(plan: Plan) -> list[Text]:
    guesses, fleet = plan.provenance.estimates, plan.scenario.fleet
    lines = [Text(power_line(fleet, plan.metrics) if plan.metrics else price_line(fleet))]
    if guesses:
        lines.append(Text(estimates_line(guesses)))
    lines.append(
        Text(
            f"searched {plan.search.candidates:.3g} candidates in {plan.search.nodes:,} boxes, "
            f"{plan.search.leaves:,} solved; stopped: {plan.search.stopped}"
        )
    )
    return lines
