"""Time of collectives inside a pool and of hops between groups (physics A6, A8, B2)."""

from __future__ import annotations

from placer.catalog.link import Link
from placer.cost.op_time import Floats


def all_reduce_s(link: Link, num_devices: int, message_bytes: Floats) -> Floats:
    """Return the time of an all-reduce: ``alpha(n) + 2 (n-1)/n V / beta``.

    Parameters
    ----------
    link
        Gives alpha by size and the bandwidth beta.
    num_devices
        Devices that take part; one is free.
    message_bytes
        Bytes each of them contributes [B].
    """
    if num_devices == 1:
        return 0.0 * message_bytes
    wire = 2.0 * (num_devices - 1) / num_devices * message_bytes
    return link.start_up_s(link.all_reduce, num_devices) + wire / link.effective_bytes_per_s


def all_gather_s(link: Link, num_devices: int, gathered_bytes: Floats) -> Floats:
    """Return the time of an all-gather: ``alpha(n) + (n-1)/n V / beta``, ``V`` being the gathered bytes."""
    if num_devices == 1:
        return 0.0 * gathered_bytes
    wire = (num_devices - 1) / num_devices * gathered_bytes
    return link.start_up_s(link.all_reduce, num_devices) + wire / link.effective_bytes_per_s


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
    inside_s = sent_bytes * ((inside - 1) / num_devices) / scale_up.all_to_all_bytes_per_s
    if num_devices <= domain or scale_out is None:
        return scale_up.start_up_s(scale_up.all_to_all, num_devices) + inside_s
    outside_s = sent_bytes * ((num_devices - inside) / num_devices) / scale_out.all_to_all_bytes_per_s
    slower = (inside_s + outside_s + abs(inside_s - outside_s)) / 2.0
    return scale_out.start_up_s(scale_out.all_to_all, num_devices) + slower


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
