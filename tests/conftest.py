"""Fixtures of all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=200)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """Folder that holds pyproject.toml."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of facts that are not part of the repository; skips where it is absent."""
    folder = Path(os.environ.get("PLACER_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here; PLACER_SHARED names another place")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _answers_of_tests_are_kept_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the answers of sweeps out of the user's cache folder, and those in it out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLACER_CACHE", str(tmp_path_factory.mktemp("cache") / "answers.sqlite"))
        yield
