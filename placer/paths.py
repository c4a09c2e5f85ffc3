"""Where the catalogs live: inside an installed package, or in the checkout."""

from __future__ import annotations

from pathlib import Path


def catalog_root() -> Path:
    """Return the folder that holds ``graphs/`` and ``fleets/``."""
    package = Path(__file__).resolve().parent
    installed = package / "_data"
    return installed if installed.is_dir() else package.parent
