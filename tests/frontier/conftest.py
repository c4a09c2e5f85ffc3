"""Questions about fleets whose optimum is known."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location("sweep_toys", Path(__file__).parents[1] / "sweep" / "toys.py")
_toys = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_toys)


@pytest.fixture(scope="session")
def toys():
    """The module of toys."""
    return _toys
