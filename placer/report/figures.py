"""Every figure of a device or link, with its source."""

from __future__ import annotations

from collections.abc import Iterator

from placer.catalog.device import Device
from placer.catalog.fleet import CrossLink
from placer.catalog.kernel import KernelModel
from placer.catalog.link import Link, StartUp
from placer.catalog.price import Ownership
from placer.catalog.source import Source, source_of
from placer.report.catalog_json import UNCITED, Figure
from placer.units import format_bytes, format_count, format_seconds, format_watts


def device_figures(device: Device) -> tuple[Figure, ...]:
    """Return the figures of a device in the order of its file."""
    return tuple(sourced(name, value, device.sources) for name, value in _device_values(device))


def link_figures(link: Link) -> tuple[Figure, ...]:
    """Return the figures of a link."""
    values = [
        ("bandwidth", f"{format_bytes(link.bandwidth)}/s per device and direction, {link.duplex} duplex"),
        ("latency", format_seconds(link.latency)),
        ("efficiency", f"{link.efficiency:g}"),
    ]
    values += [("all_reduce", _start_ups(link.all_reduce))] if link.all_reduce else []
    values += [("all_to_all", _start_ups(link.all_to_all))] if link.all_to_all else []
    return tuple(sourced(name, value, link.sources) for name, value in values)


def cross_link_figures(cross: CrossLink) -> tuple[Figure, ...]:
    """Return the figures that stand on a fleet's link rather than on the kind of link."""
    if not cross.bandwidth:
        return ()
    value = ", ".join(f"{pool} {format_bytes(rate)}/s" for pool, rate in cross.bandwidth.items())
    return (sourced("bandwidth", value, cross.sources),)


def _device_values(device: Device) -> Iterator[tuple[str, str]]:
    for tier in device.memory:
        size = f"{format_bytes(tier.capacity)} at {format_bytes(tier.bandwidth)}/s ({tier.role})"
        yield f"memory.{tier.tier}", size
    for precision, peak in device.peak.items():
        yield f"peak.{precision}", f"{format_count(peak)}FLOP/s"
    for kernel in device.kernels:
        yield f"kernels.{kernel.family}", _kernel(kernel)
    yield "dequantises", "yes" if device.dequantises else "no"
    if device.layer_overhead is not None:
        yield "layer_overhead", format_seconds(device.layer_overhead)
    if device.kv_page_tokens > 1:
        yield "kv_page_tokens", f"{device.kv_page_tokens}"
    yield "reserve", f"{device.reserve:.1%} of the compute tier"
    yield "power", format_watts(device.power)
    for basis, price in device.price.items():
        yield f"price.{basis}", _owned(price) if isinstance(price, Ownership) else f"{price:g} USD/h"


def _owned(price: Ownership) -> str:
    return f"{price.capex:,.0f} USD over {price.lifetime:g} years, {price.opex:g} USD/h and electricity on top"


def _kernel(kernel: KernelModel) -> str:
    weights = f"{kernel.weights}: " if kernel.weights else ""
    terms = [f"floor {format_seconds(kernel.floor)}", f"MBU {kernel.mbu:g}", f"MFU {kernel.mfu:g}"]
    terms += [f"depth {format_seconds(kernel.depth)}"] if kernel.depth else []
    terms += [f"ramp {format_seconds(kernel.ramp)} at {format_bytes(kernel.ramp_bytes)}"] if kernel.ramp else []
    terms += [f"{format_seconds(kernel.per_expert)} per expert"] if kernel.per_expert else []
    if kernel.error:
        terms.append(f"off by {kernel.error.median:.1%} (90 % within {kernel.error.p90:.1%}) on rows held out")
    return weights + ", ".join(terms)


def _start_ups(table: tuple[StartUp, ...]) -> str:
    return ", ".join(f"{format_seconds(entry.latency)} up to {entry.devices}" for entry in table)


def sourced(name: str, value: str, sources: tuple[Source, ...]) -> Figure:
    """Return a figure with the citation that covers it."""
    source = source_of(name, sources)
    if source is None:
        return Figure(name=name, value=value, kind=UNCITED, cite="no source: counts as an estimate")
    note = f" ({source.note})" if source.note else ""
    return Figure(name=name, value=value, kind=source.kind, cite=source.cite + note)
