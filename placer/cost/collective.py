"""Time of collectives inside a pool and of hops between groups (physics A6, A8, B2)."""

from __future__ import annotations

from dataclasses import dataclass

from placer.catalog.link import Link, StartUp
from placer.cost.op_time import Floats


@dataclass(frozen=True)
class Beyond:
    """What lies outside a scale-up domain: its size in devices, and the link between domains."""

    domain: int
    link: Link


def all_reduce_s(link: Link, num_devices: int, message_bytes: Floats, beyond: Beyond | None = None) -> Floats:
    """Return the time of an all-reduce: ``alpha(n) + 2 (n-1)/n V / beta``.

    Over several domains it is hierarchical: reduce-scatter and all-gather inside, and between them an all-reduce of
    every device's share with its peers in the other domains.

    Parameters
    ----------
    link
        Gives alpha by size and the bandwidth beta.
    num_devices
        Devices that take part; one is free.
    message_bytes
        Bytes each of them contributes [B].
    beyond
        Domain and link outside it; None where all devices share one domain.
    """
    if num_devices == 1:
        return 0.0 * message_bytes
    if beyond is not None and num_devices > beyond.domain:
        inside = all_reduce_s(link, beyond.domain, message_bytes)
        domains = -(-num_devices // beyond.domain)
        outside: Floats = all_reduce_s(beyond.link, domains, message_bytes / beyond.domain)
        return inside + outside
    wire = 2.0 * (num_devices - 1) / num_devices * message_bytes
    return _wire_s(link, link.start_up(link.all_reduce, num_devices), wire)


def all_gather_s(link: Link, num_devices: int, gathered_bytes: Floats) -> Floats:
    """Return the time of an all-gather: ``alpha(n) + (n-1)/n V / beta``, ``V`` being the gathered bytes."""
    if num_devices == 1:
        return 0.0 * gathered_bytes
    wire = (num_devices - 1) / num_devices * gathered_bytes
    return _wire_s(link, link.start_up(link.all_reduce, num_devices), wire)


def _wire_s(link: Link, start: StartUp, wire_bytes: Floats) -> Floats:
    """Return start-up and transfer of some bytes on the wire."""
    return start.latency + _transfer_s(link, start, wire_bytes)


def _transfer_s(link: Link, start: StartUp, wire_bytes: Floats) -> Floats:
    """Return how long bytes are on the wire, the ramp to the full rate included."""
    ramp = start.ramp * (wire_bytes / (wire_bytes + start.ramp_bytes)) if start.ramp else 0.0
    transfer: Floats = wire_bytes / (link.bandwidth * (start.efficiency or link.efficiency))
    return ramp + transfer


def all_to_all_s(scale_up: Link, scale_out: Link | None, shape: tuple[int, int], sent_bytes: Floats) -> Floats:
    """Return the time of an all-to-all, inside a domain or over several of them.

    What stays in the domain and what leaves it flow at once over their own links; the start-up is that of the
    farthest link used.

    Parameters
    ----------
    scale_up, scale_out
        Links inside and between domains; without ``scale_out`` everything is inside.
    shape
        Devices that take part, and devices of one domain.
    sent_bytes
        Bytes each device sends, those to itself included [B].
    """
    num_devices, domain = shape
    if num_devices == 1:
        return 0.0 * sent_bytes
    inside = min(num_devices, domain)
    inside_bytes = sent_bytes * ((inside - 1) / num_devices)
    near = scale_up.start_up(scale_up.all_to_all, inside)
    if num_devices <= domain or scale_out is None:
        return _wire_s(scale_up, scale_up.start_up(scale_up.all_to_all, num_devices), inside_bytes)
    far = scale_out.start_up(scale_out.all_to_all, num_devices)
    inside_s = _transfer_s(scale_up, near, inside_bytes)
    outside_s = _transfer_s(scale_out, far, sent_bytes * ((num_devices - inside) / num_devices))
    slower: Floats = (inside_s + outside_s + abs(inside_s - outside_s)) / 2.0
    return far.latency + slower


def hop_s(latency_s: float, bytes_per_s: float, message_bytes: Floats) -> Floats:
    """Return the time of a hop between groups: first-bit latency plus bytes over bandwidth (physics A8).

    Parameters
    ----------
    latency_s
        One way, small message [s].
    bytes_per_s
        Bandwidth of the narrower side, all its devices together [B/s].
    message_bytes
        All bytes of the hop [B].
    """
    return latency_s + message_bytes / bytes_per_s
