"""What of the prices under several routings counts."""

from __future__ import annotations

from enum import StrEnum


class Objective(StrEnum):
    """Mean or worst price over the routings."""

    MEAN = "mean"
    WORST = "worst"
