"""How many tokens of KV cache fit on the devices of a group, and how many a plan puts there (physics D3)."""

from __future__ import annotations

from collections.abc import Sequence

from placer.catalog.device import Device
from placer.kv.shards import StageKv
from placer.plan.kv import KvUse
from placer.plan.placement import GroupPlan


def capacity_tokens(room_bytes: int, sequence_bytes: int, sequence_tokens: int, page_tokens: int) -> int:
    """Return the tokens of KV cache that fit, in whole pages.

    A page of a sequence weighs its share of the sequence, so that windows and states, which do not grow with every
    token, count as they do in a sequence of that length.

    Parameters
    ----------
    room_bytes
        Bytes free beside weights and buffers on a device [B].
    sequence_bytes, sequence_tokens
        Bytes a device keeps of a sequence, and the tokens of its pages.
    page_tokens
        Tokens of a page; divides ``sequence_tokens``.

    >>> capacity_tokens(1000, 160, 16, 4)
    100
    >>> capacity_tokens(999, 160, 16, 4)
    96
    """
    pages = max(0, room_bytes) * (sequence_tokens // page_tokens) // sequence_bytes
    return pages * page_tokens


def kv_use(
    group: GroupPlan, device: Device, stages: dict[int, StageKv], rooms: Sequence[int], sequence: tuple[int, int]
) -> KvUse:
    """Return the KV budget of a group.

    Parameters
    ----------
    group, device
        Shape, and what it is made of.
    stages
        What a device keeps of a sequence, by stage; not empty.
    rooms
        Bytes free beside weights and buffers on a device of every stage [B].
    sequence
        Tokens of the pages of a sequence at the capacity context, and microbatches in flight.
    """
    sequence_tokens, in_flight = sequence
    page = device.kv_page_tokens * group.cp
    fits = {
        stage: capacity_tokens(rooms[stage], kept.device_bytes, sequence_tokens, page) for stage, kept in stages.items()
    }
    stage = min(fits, key=lambda each: (fits[each], each))
    kept = stages[stage]
    return KvUse(
        role=group.role,
        tier=device.cache_tier.tier,
        stage=stage,
        layers=kept.layers,
        page_tokens=page,
        sequence_tokens=sequence_tokens,
        bytes_per_token_per_device=kept.device_bytes / sequence_tokens,
        copies=group.tp * kept.device_bytes / kept.whole_bytes,
        capacity_tokens=fits[stage],
        used_tokens=tuple(in_flight * dealt * sequence_tokens for dealt in group.sequences_per_rank),
    )
