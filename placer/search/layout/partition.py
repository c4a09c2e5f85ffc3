"""Cutting a sequence into stages so that the fullest is as light as possible."""

from __future__ import annotations


def _fill(loads: list[int], volumes: list[int], limit: int, capacity: int) -> list[int]:
    """Return the stage of every item when each stage is filled up to its limits, in order."""
    stages, stage, load, volume = [], 0, 0, 0
    for item_load, item_volume in zip(loads, volumes, strict=True):
        is_full = load + item_load > limit or volume + item_volume > capacity
        if is_full and (load or volume):
            stage, load, volume = stage + 1, 0, 0
        load, volume = load + item_load, volume + item_volume
        stages.append(stage)
    return stages


def balance(loads: list[int], volumes: list[int], num_stages: int, capacity: int) -> list[int] | None:
    """Cut items into at most ``num_stages`` consecutive stages with the lightest possible fullest stage.

    Parameters
    ----------
    loads, volumes
        Time and bytes of every item, in order.
    num_stages, capacity
        Stages, and bytes each has room for.

    Returns
    -------
    list of int or None
        Stage of every item; None if the bytes do not fit.

    Examples
    --------
    >>> balance([3, 1, 1, 3], [0, 0, 0, 0], 2, 0)
    [0, 0, 1, 1]
    """
    if max(volumes, default=0) > capacity:
        return None
    low, high = max(loads, default=0), sum(loads)
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
