"""What is measured: models on fleets at speeds."""

from __future__ import annotations

from dataclasses import dataclass

SPEEDS = (20.0, 50.0, 100.0, 200.0, 400.0)


@dataclass(frozen=True)
class Subject:
    """One question, asked in a process of its own."""

    model: str
    fleet: str
    tps_user: float
    isl: int = 8192
    osl: int = 1024
    budget_s: float = 60.0

    @property
    def name(self) -> str:
        """Short name for tables and ``--subject``."""
        return f"{self.fleet}@{self.tps_user:g}"


#: DeepSeek-V3 at 8k on 288 Rubin + 1,024 LPX chips, and on GPU fleets.
REAL_SIZE = tuple(
    Subject("deepseek-ai/DeepSeek-V3", fleet, speed)
    for fleet in ("vera-rubin-nvl72-lpx", "h200-8x", "b200-8x", "gb200-nvl72")
    for speed in SPEEDS
)
#: Quick ones, for every commit.
SMOKE = (
    Subject("meta-llama/Llama-3.1-8B", "h200-8x", 50.0),
    Subject("deepseek-ai/DeepSeek-V3", "h200-8x", 50.0),
)
#: Where naive placements are compared.
COMPARED = tuple(Subject("deepseek-ai/DeepSeek-V3", "vera-rubin-nvl72-lpx", speed) for speed in (50.0, 100.0, 200.0))
SMOKE_COMPARED = (Subject("meta-llama/Llama-3.1-8B", "vera-rubin-nvl72-lpx", 300.0, budget_s=20.0),)
