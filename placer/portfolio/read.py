"""Reading a scenario of several models from YAML or JSON: names become models and fleets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from placer.catalog.loader import load_fleet, parse_fleet
from placer.errors import InputError
from placer.files import read_mapping
from placer.model.catalog import load_model
from placer.model.served import stored_as
from placer.model.spec import ModelSpec
from placer.scenario.portfolio import PortfolioScenario
from placer.validate import validated

_FORMATS = ("weights", "experts", "kv")


def read_scenario(path: Path) -> PortfolioScenario:
    """Return the scenario of a file.

    Raises
    ------
    InputError
        Naming file and field of what is wrong, what was expected and the nearest name.
    """
    return parse_scenario(read_mapping(path), str(path))


def parse_scenario(raw: dict[str, Any], where: str) -> PortfolioScenario:
    """Return a scenario from its fields; ``fleet`` and every ``model`` may be names, paths or definitions.

    Raises
    ------
    InputError
        As `read_scenario`.
    """
    filled = dict(raw)
    if "fleet" in raw:
        filled["fleet"] = _fleet(raw["fleet"], f"{where}: fleet")
    if isinstance(raw.get("models"), list):
        filled["models"] = [_service(entry, f"{where}: models[{i}]") for i, entry in enumerate(raw["models"])]
    if isinstance(raw.get("tiers"), list) and isinstance(filled.get("fleet"), BaseModel):
        filled["tiers"] = [_tier(entry, filled["fleet"]) for entry in raw["tiers"]]
    return validated(PortfolioScenario, filled, where)


def _fleet(given: Any, where: str) -> Any:
    try:
        if isinstance(given, str):
            return load_fleet(given)
        return parse_fleet(given, "") if isinstance(given, dict) else given
    except InputError as error:
        raise error.located(where) from error


def _service(entry: Any, where: str) -> Any:
    """Return a service with its model loaded, stored in the formats asked for."""
    if not isinstance(entry, dict) or "model" not in entry:
        return entry
    given = entry["model"]
    try:
        if isinstance(given, str):
            spec = load_model(given)
        else:
            spec = validated(ModelSpec, given, "") if isinstance(given, dict) else given
        formats = {name: entry[name] for name in _FORMATS if isinstance(entry.get(name), str)}
        if isinstance(given, str) and formats:
            spec = stored_as(spec, **formats)
    except InputError as error:
        raise error.located(f"{where}.model") from error
    return {**entry, "model": spec}


def _tier(entry: Any, fleet: Any) -> Any:
    """Return a tier with the figures of the device's own one filled in where they are left out."""
    if not isinstance(entry, dict) or entry.get("pool") not in [pool.name for pool in fleet.pools]:
        return entry
    own = next((t for t in fleet.device_of(entry["pool"]).memory if str(t.tier) == entry.get("tier")), None)
    if own is None:
        return entry
    return {"capacity": f"{own.capacity!r} B", "bandwidth": f"{own.bandwidth!r} B/s"} | entry
