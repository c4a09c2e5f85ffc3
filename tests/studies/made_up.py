"""Answers nobody solved for, to see what claims make of them."""

import math

from benchmarks.studies.record import Record

#: Watts that a dollar an hour pays for.
WATTS_PER_USD_PER_HOUR = 700.0


def planned(price: float, bound: float | None = None, *, is_service: bool = False, **more: object) -> Record:
    """A plan of some price, proven to the bound; optimal where none is given."""
    least = price if bound is None else bound
    fields: dict[str, object] = {
        "inputs": "made up",
        "status": "planned",
        "usd_per_million_output": price,
        "bound": least,
        "gap": 1.0 - least / price,
        "usd_per_hour": 100.0,
        "power_w": 100.0 * WATTS_PER_USD_PER_HOUR,
        "tokens_per_s": 1e5,
        "tokens_per_s_per_mw": 1e6,
        "tokens_per_s_per_user": 100.0,
        "users": 1000,
        "devices": {"pool": 8},
        "time_s": {"attention": 1.0, "ffn": 2.0, "floors": 1.0, "path": 4.0},
        "watts_per_usd_per_hour": {"pool": WATTS_PER_USD_PER_HOUR},
    }
    fields |= {"usd_per_request": price, "ttft_s": 1.0} if is_service else {}
    return Record.model_validate(fields | more)


def refused() -> Record:
    """A proof that there is no plan."""
    return Record(inputs="made up", status="infeasible", reason="too much is asked")


def undecided(bound: float = 0.0) -> Record:
    """No plan, and no proof that there is none."""
    return Record(inputs="made up", status="undecided", bound=bound)


def is_proven(record: Record) -> bool:
    """Whether nothing is left open."""
    return record.optimum.low == record.optimum.high or math.isinf(record.optimum.low)
