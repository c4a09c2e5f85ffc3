"""Figures of the devices of a pool: price, memory, peaks, kernels, power."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from placer.catalog.device import Device
from placer.catalog.kernel import KernelModel
from placer.catalog.price import Ownership
from placer.catalog.source import is_estimate
from placer.scenario.routing import RoutingKind
from placer.scenario.scenario import Scenario
from placer.whatif.knob import Effect, Knob, Unit
from placer.whatif.parts import with_device

#: Largest figures of each kind, as `placer.units` reads them.
MOST = {
    Unit.USD_PER_HOUR: 1e9,
    Unit.USD: 1e12,
    Unit.BYTES: 1e18,
    Unit.BYTES_PER_SECOND: 1e19,
    Unit.FLOP_PER_SECOND: 1e21,
    Unit.SECONDS: 1e5,
    Unit.WATTS: 1e9,
}
#: Least figures where more than zero is asked: as far below anything real.
LEAST = 1e-12


def device_knobs(scenario: Scenario) -> Iterator[Knob]:
    """Yield the figures of every pool's devices."""
    for pool in scenario.fleet.pools:
        yield price_knob(scenario, pool.name)
        yield bandwidth_knob(scenario, pool.name)
        for knob in (_capacity, _peak, _floors, _mbu, _mfu, _power):
            yield from knob(scenario, pool.name)


def price_knob(scenario: Scenario, pool: str) -> Knob:
    """Return the price of a pool's devices: the rent of one, or what one costs to buy."""
    fleet = scenario.fleet
    basis, price = fleet.price_basis, fleet.device_of(pool).price[fleet.price_basis]
    is_owned = isinstance(price, Ownership)

    def change(device: Device, value: float) -> Device:
        other = price.model_copy(update={"capex": value}) if isinstance(price, Ownership) else value
        return device.model_copy(update={"price": {**device.price, basis: other}})

    return _knob(
        scenario,
        pool,
        (f"price:{pool}", f"price of {pool}", Unit.USD if is_owned else Unit.USD_PER_HOUR),
        price.capex if isinstance(price, Ownership) else price,
        (f"price.{basis}",),
        change,
        effect=Effect.RISES,
        is_linear=True,
    )


def bandwidth_knob(scenario: Scenario, pool: str) -> Knob:
    """Return the bandwidth of the memory that a pool's devices compute from."""
    tier = scenario.fleet.device_of(pool).compute_tier

    def change(device: Device, value: float) -> Device:
        return _with_tier(device, bandwidth=value)

    return _knob(
        scenario,
        pool,
        (f"bandwidth:{pool}", f"{tier.tier} bandwidth of {pool}", Unit.BYTES_PER_SECOND),
        tier.bandwidth,
        (f"memory.{tier.tier}",),
        change,
        effect=Effect.FALLS,
    )


def _capacity(scenario: Scenario, pool: str) -> Iterator[Knob]:
    tier = scenario.fleet.device_of(pool).compute_tier

    def change(device: Device, value: float) -> Device:
        return _with_tier(device, capacity=value)

    # Room also decides who waits where in a pause, and how many copies hot experts have: nothing is declared then.
    is_plain = scenario.workload.sessions is None and scenario.workload.routing.kind is RoutingKind.UNIFORM
    effect = Effect.FALLS if is_plain else Effect.OPEN
    about = (f"capacity:{pool}", f"{tier.tier} capacity of {pool}", Unit.BYTES)
    yield _knob(scenario, pool, about, tier.capacity, (f"memory.{tier.tier}",), change, effect=effect)


def _peak(scenario: Scenario, pool: str) -> Iterator[Knob]:
    device = scenario.fleet.device_of(pool)
    fastest = max(device.peak, key=lambda precision: device.peak[precision])
    value = device.peak[fastest]

    def change(device: Device, rate: float) -> Device:
        peak = {precision: peak * (rate / value) for precision, peak in device.peak.items()}
        return device.model_copy(update={"peak": {**peak, fastest: rate}})

    figures = tuple(f"peak.{precision}" for precision in device.peak)
    about = (f"peak:{pool}", f"peak FLOP/s of {pool}, as {fastest}", Unit.FLOP_PER_SECOND)
    yield _knob(scenario, pool, about, value, figures, change, effect=Effect.FALLS)


def _floors(scenario: Scenario, pool: str) -> Iterator[Knob]:
    yield from _kernels(scenario, pool, "floor", f"launch floors of {pool}, the longest", Effect.RISES)


def _mbu(scenario: Scenario, pool: str) -> Iterator[Knob]:
    yield from _kernels(scenario, pool, "mbu", f"share of peak bandwidth kernels reach on {pool}", Effect.FALLS)


def _mfu(scenario: Scenario, pool: str) -> Iterator[Knob]:
    yield from _kernels(scenario, pool, "mfu", f"share of peak FLOP/s kernels reach on {pool}", Effect.FALLS)


def _kernels(scenario: Scenario, pool: str, field: str, title: str, effect: Effect) -> Iterator[Knob]:
    """Yield one figure of all kernels of a pool's devices, turned by the same factor; its value is the largest."""
    device = scenario.fleet.device_of(pool)
    value = max(float(getattr(kernel, field)) for kernel in device.kernels)
    if value == 0.0:
        return

    def scaled(kernel: KernelModel, to: float) -> KernelModel:
        before = float(getattr(kernel, field))
        # The largest becomes what was asked, to the last digit.
        return kernel.model_copy(update={field: to if before == value else before * (to / value)})

    def change(device: Device, to: float) -> Device:
        return device.model_copy(update={"kernels": tuple(scaled(kernel, to) for kernel in device.kernels)})

    unit = Unit.SECONDS if field == "floor" else Unit.NUMBER
    figures = tuple(dict.fromkeys(f"kernels.{kernel.family}" for kernel in device.kernels))
    about = (f"{field}:{pool}", title, unit)
    yield _knob(scenario, pool, about, value, figures, change, effect=effect)


def _power(scenario: Scenario, pool: str) -> Iterator[Knob]:
    """Yield the power of a pool's devices where it can change a plan: owned ones, or under a cap."""
    fleet = scenario.fleet
    is_owned = isinstance(fleet.device_of(pool).price[fleet.price_basis], Ownership)
    if not is_owned and scenario.target.power_cap is None:
        return

    def change(device: Device, value: float) -> Device:
        return device.model_copy(update={"power": value})

    value = fleet.device_of(pool).power
    about = (f"power:{pool}", f"power of {pool}", Unit.WATTS)
    yield _knob(scenario, pool, about, value, ("power",), change, effect=Effect.RISES)


def _with_tier(device: Device, **changes: float) -> Device:
    first = device.compute_tier
    tiers = tuple(tier.model_copy(update=changes) if tier is first else tier for tier in device.memory)
    return device.model_copy(update={"memory": tiers})


def _knob(  # noqa: PLR0913 what a knob of a device is made of
    scenario: Scenario,
    pool: str,
    about: tuple[str, str, Unit],
    value: float,
    figures: tuple[str, ...],
    change: Callable[[Device, float], Device],
    *,
    effect: Effect,
    is_linear: bool = False,
) -> Knob:
    device, (key, title, unit) = scenario.fleet.device_of(pool), about

    def write(value: float) -> Scenario:
        return with_device(scenario, pool, figures, lambda before: change(before, value))

    return Knob(
        key=key,
        title=title,
        unit=unit,
        value=value,
        base=scenario,
        write=write,
        lowest=LEAST,
        highest=MOST.get(unit, 1.0),
        effect=effect,
        pools=frozenset({pool}),
        figures=tuple(f"{device.name}.{figure}" for figure in figures),
        is_estimate=any(is_estimate(figure, device.sources) for figure in figures),
        is_linear=is_linear,
    )
