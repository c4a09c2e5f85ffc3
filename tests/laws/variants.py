"""Scenarios that differ from a given one in a single thing."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.laws.hold import Rung


def climb(scenario, steps):
    """Return the ladder that starts at a scenario and takes one named step after the other."""
    ladder = [Rung("start", scenario)]
    for name, step in steps.items():
        ladder.append(Rung(name, step(ladder[-1].scenario)))
    return ladder


def in_any_order(steps):
    """Draw the order in which steps are taken."""
    return st.permutations(list(steps.items())).map(dict)


def with_fleet(scenario, **changes):
    return scenario.model_copy(update={"fleet": scenario.fleet.model_copy(update=changes)})


def with_target(scenario, **changes):
    return scenario.model_copy(update={"target": scenario.target.model_copy(update=changes)})


def with_workload(scenario, **changes):
    return scenario.model_copy(update={"workload": scenario.workload.model_copy(update=changes)})


def with_space(scenario, **changes):
    return scenario.model_copy(update={"space": scenario.space.model_copy(update=changes)})


def with_pool(scenario, name, **changes):
    pools = (pool.model_copy(update=changes) if pool.name == name else pool for pool in scenario.fleet.pools)
    return with_fleet(scenario, pools=tuple(pools))


def with_devices(scenario, change, name=None):
    """Replace a kind of device, every one unless named, by what ``change`` makes of it."""
    devices = scenario.fleet.devices
    changed = {kind: change(devices[kind]) for kind in devices if name in (None, kind)}
    return with_fleet(scenario, devices=devices | changed)


def with_links(scenario, change, name=None):
    """Replace a kind of link, every one unless named, by one with the fields that ``change`` returns."""
    links = scenario.fleet.link_types
    changed = {kind: links[kind].model_copy(update=change(links[kind])) for kind in links if name in (None, kind)}
    return with_fleet(scenario, link_types=links | changed)


def with_tier(device, **changes):
    """Change the one memory tier that drawn devices have."""
    return device.model_copy(update={"memory": (device.compute_tier.model_copy(update=changes),)})


def with_kernels(device, change):
    """Change every kernel; ``change`` returns the fields that differ."""
    return device.model_copy(update={"kernels": tuple(one.model_copy(update=change(one)) for one in device.kernels)})


def with_prices(scenario, factor, name=None):
    """Multiply the prices of a kind of device, or of all."""

    def repriced(device):
        return device.model_copy(update={"price": {basis: usd * factor for basis, usd in device.price.items()}})

    return with_devices(scenario, repriced, name)
