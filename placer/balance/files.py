"""Reading counts and co-activation counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placer.errors import InputError
from placer.files import parse_mapping, read_text
from placer.scenario.routing_file import read_routing_counts

Array = NDArray[np.float64]


def read_counts(reference: str) -> Array:
    """Return routed tokens, shape (layers, experts), from a file or one entry of a collection.

    Parameters
    ----------
    reference
        A path, or a path, ``#`` and the name of an entry; see `placer.scenario.routing_file`.

    Raises
    ------
    InputError
        Naming file and field.
    """
    return np.array(read_routing_counts(reference).counts, dtype=np.float64)


def read_affinity(path: Path) -> Array:
    """Return co-activation counts, shape (layers - 1, experts, experts), from nested lists in a JSON or YAML file.

    The lists are the whole file, or its field ``affinity``.

    Raises
    ------
    InputError
        If it is no file of numbers in that shape.
    """
    where, text = str(path), read_text(path)
    raw = parse_mapping(f'{{"affinity": {text}}}' if text.lstrip().startswith("[") else text, where)
    if set(raw) != {"affinity"}:
        raise InputError("expected lists [layer][expert][expert], alone or as the field affinity", where=where)
    try:
        table = np.array(raw["affinity"], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            "expected numbers, [layer][expert][expert], as many in each list", where=f"{where}: affinity"
        ) from error
    if table.ndim != 3:
        raise InputError(
            f"expected lists [layer][expert][expert], got {table.ndim} level(s)", where=f"{where}: affinity"
        )
    return table
