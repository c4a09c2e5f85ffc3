"""Configurations from the Hugging Face Hub, where ``huggingface_hub`` is installed (extra ``hub``) and reachable."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

from placer.errors import ModelConfigError

_HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}$")


def is_hub_id(name: str) -> bool:
    """Return whether a name has the form of a Hub id: an organisation and a repository."""
    return _HUB_ID.match(name) is not None


def fetch_config(hub_id: str) -> Path:
    """Return the path of a repository's ``config.json``, fetched or cached.

    Raises
    ------
    ModelConfigError
        If ``huggingface_hub`` is not installed, the net is out of reach, or there is no such file for us.
    """
    try:
        hub: Any = importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise ModelConfigError(
            "is not in the catalog; to look on the Hub, pip install 'placer[hub]', or pass a config.json", where=hub_id
        ) from error
    try:
        return Path(hub.hf_hub_download(hub_id, "config.json"))
    except Exception as error:
        # Whatever the client and its transport raise: no net, no such repository, no permission.
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ModelConfigError(
            f"is not in the catalog, and not to be had from the Hub: {reason}", where=hub_id
        ) from error
