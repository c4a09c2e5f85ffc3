"""Times of single ops on one device of a group (``docs/method.md``, section 3)."""

from __future__ import annotations

from placer.catalog.device import Device
from placer.catalog.kernel import KernelFamily
from placer.cost.op_time import Work, kernel_time_s
from placer.graph.op import Op
from placer.model.precision import ComputePrecision, WeightFormat
from placer.verify.recompute.context_parallel import cuts_of, own_tokens
from placer.verify.recompute.group import Group
from placer.verify.recompute.load import Microbatch, PartLoad
from placer.verify.recompute.weights import handled, held, reductions, shard_bytes, shard_flops


def gemm_s(op: Op, group: Group) -> float:
    """Return the time of projections, output, router, dense or shared FFN, or the LM head's matrix."""
    stored, compute = held(op, group.device)
    return float(
        kernel_time_s(
            group.device.kernel(KernelFamily.GEMM, stored),
            Work(
                shard_bytes(op, group.device, group.shape.tp),
                group.rank_tokens * shard_flops(op, group.shape.tp),
                launches=op.kernels,
                depth=reductions(op, group.shape.tp),
                handled_bytes=2.0 * group.rank_tokens * handled(op, group.shape.tp),
            ),
            bandwidth_bytes_per_s=group.device.compute_tier.bandwidth,
            peak_flops_per_s=group.device.peak[compute],
        )
    )


def core_s(op: Op, family: KernelFamily, group: Group, batch: Microbatch) -> float:
    """Return the time of a mixer's core.

    ``r (S + 1) kv / min(t, parts)`` bytes of every cache, indices whole, the state once there and once back;
    ``r S flops / t``. Of a sequence cut in ``c``, ``ceil(S / c)`` tokens, for the heads of ``c`` ranks. Where ``w``
    tokens of a sequence pass together: what is kept is read once for all of them (of entries picked by an index, each
    its own), ``w`` entries and states are written, and every token computes.
    """
    context, cuts = own_tokens(op, group, batch.time_context), cuts_of(op, group)
    parts = min(group.shape.tp, op.kv_max_shards)
    together = group.width
    moved, flops = (1.0 + together) * op.state_bytes / parts, float(op.flops_per_token)
    for cache in op.caches:
        entries, kept = cache.read(context), cache.kept(context)
        read = entries if cache.most_read is None else min(kept, together * cache.most_read)
        volume = (read + together / cache.stride) * cache.entry_bytes
        moved += volume if cache.is_index else volume / parts
        flops += cuts * entries * cache.flops_per_entry
    return float(
        kernel_time_s(
            group.device.kernel(family, WeightFormat(op.cache_format.value)),
            Work(group.rank_sequences * moved, group.rank_tokens * flops / group.shape.tp, launches=op.kernels),
            bandwidth_bytes_per_s=group.device.cache_tier.bandwidth,
            peak_flops_per_s=attention_peak(group.device),
        )
    )


def attention_peak(device: Device) -> float:
    """Return the peak attention is computed at: BF16, or the best there is where a device has none."""
    return device.peak.get(ComputePrecision.BF16) or max(device.peak.values())


def experts_s(expert: Op, group: Group, load: PartLoad) -> float:
    """Return the time of the routed experts of one part, all in one kernel on the busiest rank."""
    stored, compute = held(expert, group.device)
    cuts = group.shape.expert_tp
    return float(
        kernel_time_s(
            group.device.kernel(KernelFamily.MOE, stored),
            Work(
                load.touched * shard_bytes(expert, group.device, cuts),
                load.tokens * shard_flops(expert, cuts),
                depth=reductions(expert, cuts),
                handled_bytes=2.0 * load.tokens * handled(expert, cuts),
                tile_flops=load.touched * shard_flops(expert, cuts),
                experts=group.slots(load.num_experts),
            ),
            bandwidth_bytes_per_s=group.device.compute_tier.bandwidth,
            peak_flops_per_s=group.device.peak[compute],
        )
    )


def embedding_read_s(op: Op, group: Group, batch: Microbatch) -> float:
    """Return the time to read the rows of a rank's tokens: ``2 H r`` bytes."""
    stored, compute = held(op, group.device)
    return float(
        kernel_time_s(
            group.device.kernel(KernelFamily.GEMM, stored),
            Work(float(batch.hidden_bytes * group.rank_tokens), 0.0, launches=op.kernels),
            bandwidth_bytes_per_s=group.device.compute_tier.bandwidth,
            peak_flops_per_s=group.device.peak[compute],
        )
    )
