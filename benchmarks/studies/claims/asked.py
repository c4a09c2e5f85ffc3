"""Fleets and questions that several claims share."""

from __future__ import annotations

from benchmarks.studies.ask import Ask

_FILES = "benchmarks/studies/fleets"
RUBIN, RUBIN_LPX, GB200, H200 = "vera-rubin-nvl72", "vera-rubin-nvl72-lpx", "gb200-nvl72", "h200-8x"
CS3, TRN2_CS3, LPU_V1, H20_L40S = "cs3-x4", "trainium2-cs3", "groq-lpu-v1", "h20-l40s"
LPX, LPX_RACK, CS3_X3 = f"{_FILES}/lpx.yaml", f"{_FILES}/lpx-rack.yaml", f"{_FILES}/cs3-x3.yaml"
H20, LPU_X288, TRAY = f"{_FILES}/h20.yaml", f"{_FILES}/lpu-v1-x288.yaml", f"{_FILES}/one-and-eight.yaml"
HOP_1US, HOP_10US = f"{_FILES}/hop-1us.yaml", f"{_FILES}/hop-10us.yaml"

SMALL, LARGE, MOE = "llama-3.1-8b", "llama-3.1-70b", "deepseek-v3"

#: Modes that split decode over two pools.
SPLIT_MODES = ("afd", "partial-residency")


def fast_70b(fleet: str, tps: float | None = None) -> Ask:
    """Return the question of a 70B at 450 tokens/s per user, a short prompt, decode only."""
    return Ask(model=LARGE, fleet=fleet, tps_user=450, tps=tps, isl=1000, osl=100)


def slow_70b(fleet: str) -> Ask:
    """Return the question of a 70B at 50 tokens/s per user, decode only."""
    return Ask(model=LARGE, fleet=fleet, tps_user=50)


def moe_service(fleet: str, no: tuple[str, ...] = (), **more: float) -> Ask:
    """Return the question of DeepSeek-V3 at 100 tokens/s per user, prefill included."""
    return Ask(
        model=MOE, fleet=fleet, tps_user=more.get("tps_user", 100), is_service=True, no=no, gap=0.03, budget_s=60
    )
