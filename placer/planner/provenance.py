"""Versions, hashes and estimates behind a plan."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version

from pydantic import BaseModel

from placer.catalog.device import Device
from placer.kv.tier import storage_tier, tiers_of
from placer.plan.provenance import Provenance
from placer.scenario.scenario import Scenario
from placer.search.params import SolveParams


def input_hashes(scenario: Scenario) -> dict[str, str]:
    """Return the SHA-256 of every input, as its canonical JSON."""
    parts: dict[str, BaseModel] = {
        "model": scenario.model,
        "fleet": scenario.fleet,
        "workload": scenario.workload,
        "target": scenario.target,
    }
    if not scenario.retention.is_default:
        parts["retention"] = scenario.retention
    if scenario.robust is not None:
        parts["robust"] = scenario.robust
    if scenario.service is not None:
        parts["service"] = scenario.service
    if scenario.speculation is not None:
        parts["speculation"] = scenario.speculation
    texts = {name: part.model_dump_json() for name, part in parts.items()} | {"space": scenario.space.hashed_json()}
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}


def estimates_in(scenario: Scenario, pools: tuple[str, ...]) -> tuple[str, ...]:
    """Return the guessed figures of devices and links that a plan on some pools rests on."""
    fleet, names = scenario.fleet, list[str]()
    for name in pools:
        device = fleet.device_of(name)
        names += [f"{device.name}.{figure}" for figure in device.estimates(fleet.price_basis)]
        names += [f"{device.name}.{figure}" for figure in _guessed_tiers(scenario, device)]
        for link in fleet.inner_links(name):
            names += [f"{link.name}.{figure}" for figure in link.estimates()] if link else []
    for cross in fleet.links:
        if set(cross.between) <= set(pools):
            link = fleet.link_types[cross.link]
            names += [f"{link.name}.{figure}" for figure in link.estimates()]
    names += [f"{tier.name}.{figure}" for tier in scenario.retention.tiers for figure in tier.estimates]
    return tuple(dict.fromkeys(names))


def _guessed_tiers(scenario: Scenario, device: Device) -> list[str]:
    """Return the guessed tiers that paused sessions may wait in; those given in their stead are no guesses."""
    given = map(storage_tier, scenario.retention.tiers)
    tiers = tiers_of(device, given) if scenario.workload.sessions is not None else ()
    return [f"memory.{tier.name}" for tier in tiers if tier.is_estimate]


def build_provenance(scenario: Scenario, params: SolveParams, pools: tuple[str, ...]) -> Provenance:
    """Return how a plan came about; ``pools`` are those it uses."""
    return Provenance(
        placer_version=version_of("placer"),
        ortools_version=version_of("ortools"),
        python_version=platform.python_version(),
        seed=params.seed,
        relative_gap_asked=params.relative_gap,
        budget_s=params.budget_s,
        input_sha256=input_hashes(scenario),
        estimates=estimates_in(scenario, pools),
    )


def version_of(package: str) -> str:
    """Return the version of an installed package, ``unknown`` where it is run from its files alone."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
