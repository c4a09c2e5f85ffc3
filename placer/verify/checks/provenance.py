"""Check `provenance`: the inputs are those that were hashed, and no estimate is hidden."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from pydantic import BaseModel

from placer.catalog.device import Device, TierRole
from placer.catalog.source import is_estimate
from placer.plan.plan import Plan
from placer.scenario.retention import Retention
from placer.scenario.scenario import Scenario
from placer.verify.context import Context
from placer.verify.finding import Finding

NAME = "provenance"
WHAT = "input hashes are those of the embedded inputs; every estimate behind the plan is named"


def check_provenance(context: Context) -> Iterator[Finding]:
    """Yield inputs that were changed after planning, and estimates that are hidden or made up."""
    yield from hash_findings(context.plan)
    expected = estimates_of(context.scenario, context.used_pools)
    found = sorted(context.plan.provenance.estimates)
    hidden, invented = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    if found != expected:
        yield Finding(
            check=NAME,
            where="provenance.estimates",
            message=f"not the estimates behind this plan; hidden {hidden}, made up {invented}",
            expected=str(len(expected)),
            found=str(len(found)),
        )


def hash_findings(plan: Plan) -> Iterator[Finding]:
    """Yield inputs whose hash is not the stated one."""
    expected = input_hashes(plan.scenario)
    stated = plan.provenance.input_sha256
    for name in sorted({*expected, *stated}):
        if expected.get(name) != stated.get(name):
            yield Finding(
                check=NAME,
                where=f"provenance.input_sha256[{name}]",
                message="not the hash of the embedded input",
                expected=expected.get(name),
                found=stated.get(name),
            )


def input_hashes(scenario: Scenario) -> dict[str, str]:
    """Return the SHA-256 of every input's JSON text."""
    inputs: dict[str, BaseModel] = {
        "model": scenario.model,
        "fleet": scenario.fleet,
        "workload": scenario.workload,
        "target": scenario.target,
    }
    if scenario.retention != Retention():
        inputs["retention"] = scenario.retention
    if scenario.robust is not None:
        inputs["robust"] = scenario.robust
    if scenario.service is not None:
        inputs["service"] = scenario.service
    if scenario.speculation is not None:
        inputs["speculation"] = scenario.speculation
    texts = {name: value.model_dump_json() for name, value in inputs.items()} | {"space": scenario.space.hashed_json()}
    return {name: hashlib.sha256(text.encode("utf-8")).hexdigest() for name, text in texts.items()}


def estimates_of(scenario: Scenario, used: set[str]) -> list[str]:
    """Return the estimates behind a plan: ``device.figure`` and ``link.figure`` of the pools it uses."""
    fleet, links = scenario.fleet, set()
    names: set[str] = set()
    for pool in fleet.pools:
        if pool.name in used:
            device = fleet.device_of(pool.name)
            names |= {f"{device.name}.{figure}" for figure in device.estimates(fleet.price_basis)}
            names |= {f"{device.name}.{figure}" for figure in _tier_guesses(scenario, device)}
            links |= {link for link in (pool.scale_up, pool.scale_out) if link}
    links |= {cross.link for cross in fleet.links if set(cross.between) <= used}
    for link in (fleet.link_types[name] for name in links):
        names |= {f"{link.name}.{figure}" for figure in link.estimates()}
    for tier in scenario.retention.tiers:
        names |= {f"{tier.name}.{figure}" for figure in tier.estimates}
    return sorted(names)


def _tier_guesses(scenario: Scenario, device: Device) -> set[str]:
    """Return the tiers below the compute tier that rest on guesses, where sessions may wait in them."""
    if scenario.workload.sessions is None:
        return set()
    below = {str(tier.tier) for tier in device.memory if tier.role is TierRole.OFFLOAD}
    below -= {tier.name for tier in scenario.retention.tiers}
    return {f"memory.{name}" for name in below if is_estimate(f"memory.{name}", device.sources)}
