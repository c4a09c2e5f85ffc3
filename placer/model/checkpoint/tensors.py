"""The tensors of a checkpoint: names, types, shapes, bytes; no data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TensorInfo:
    """One stored tensor."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    num_bytes: int


@dataclass(frozen=True)
class TensorList:
    """What a checkpoint says of its tensors.

    Attributes
    ----------
    tensors
        All whose headers were found.
    missing
        Files an index names that are not there.
    """

    tensors: tuple[TensorInfo, ...]
    missing: tuple[str, ...] = ()
