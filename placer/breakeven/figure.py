"""What a break-even can be asked of."""

from __future__ import annotations

from enum import StrEnum


class Figure(StrEnum):
    """A figure along which a pool may start or stop to pay."""

    PRICE = "price"
    SPEED = "speed"
    BANDWIDTH = "bandwidth"
    LATENCY = "latency"
