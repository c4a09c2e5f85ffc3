"""Cutting a sequence into stages so that the fullest is as light as possible."""

from __future__ import annotations

from operator import add

#: Times of an item; a stage is as full as the largest of their sums.
Load = tuple[int, ...]


def _fill(loads: list[Load], volumes: list[int], limit: int, capacity: int) -> list[int]:
    """Return the stage of every item when each stage is filled up to its limits, in order."""
    stages, stage, volume = [], 0, 0
    load: Load = (0,) * len(loads[0])
    for item, item_volume in zip(loads, volumes, strict=True):
        together = tuple(map(add, load, item))
        is_full = max(together) > limit or volume + item_volume > capacity
        if is_full and (any(load) or volume):
            stage, volume, together = stage + 1, 0, item
        load, volume = together, volume + item_volume
        stages.append(stage)
    return stages


def balance(loads: list[Load], volumes: list[int], num_stages: int, capacity: int) -> list[int] | None:
    """Cut items into at most ``num_stages`` consecutive stages with the lightest possible fullest stage.

    Parameters
    ----------
    loads, volumes
        Times and bytes of every item, in order.
    num_stages, capacity
        Stages, and bytes each has room for.

    Returns
    -------
    list of int or None
        Stage of every item; None if the bytes do not fit.

    Examples
    --------
    >>> balance([(3, 0), (1, 0), (1, 0), (3, 0)], [0, 0, 0, 0], 2, 0)
    [0, 0, 1, 1]
    >>> balance([(3, 5), (1, 0), (1, 0), (3, 8)], [0, 0, 0, 0], 2, 0)
    [0, 0, 0, 1]
    """
    if max(volumes, default=0) > capacity:
        return None
    low = max((max(load) for load in loads), default=0)
    high = max(map(sum, zip(*loads, strict=True)))
    best = _fill(loads, volumes, high, capacity)
    if best[-1] >= num_stages:
        return None
    while low < high:
        middle = (low + high) // 2
        stages = _fill(loads, volumes, middle, capacity)
        if stages[-1] < num_stages:
            best, high = stages, middle
        else:
            low = middle + 1
    return best
