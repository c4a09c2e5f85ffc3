"""The toy problem and the toy scenario."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location("toys", Path(__file__).with_name("toys.py"))
_toys = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_toys)

#: Three layers with experts, 2 to 4: the third has no counts of its own.
LAYERS = {"kind": "layers", "layers": [[9, 3, 1, 1, 0, 0], [1, 1, 1, 1, 6, 2]], "numbers": [2, 3]}


@pytest.fixture(scope="session")
def toys():
    """The module of toys."""
    return _toys


@pytest.fixture(scope="session")
def searched():
    """Tiny scenarios and all that a search builds of them, by name."""
    zipf = {"kind": "zipf", "exponent": 1.0}
    alone = {"scale_up": "inner", "unit": 1, "domain": 1}
    return {
        "uniform": _toys.Searched(_toys.scenario()),
        "zipf": _toys.Searched(_toys.scenario(routing=zipf)),
        "layers": _toys.Searched(_toys.scenario(routing=LAYERS)),
        "fast": _toys.Searched(_toys.scenario(target={"tokens_per_s_per_user": 5_000.0})),
        "fleet": _toys.Searched(_toys.scenario(routing=zipf, target={"tokens_per_s": 3e4, "cost_cap": "9 USD/h"})),
        "chips": _toys.Searched(_toys.scenario(fast=alone, big={"count": 12, "unit": 12, "domain": 6})),
    }
