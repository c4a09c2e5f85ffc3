"""Scenarios with break-even points known by hand, and how they are asked."""

from __future__ import annotations

from pathlib import Path

from placer.catalog.loader import parse_fleet
from placer.files import read_mapping
from placer.model.spec import ModelSpec
from placer.scenario.scenario import Scenario
from placer.scenario.speculation import Speculation
from placer.scenario.workload import Target, Workload
from placer.sweep.engine import Here
from placer.sweep.how import How, Means

FOLDER = Path(__file__).parents[2] / "fleets" / "known_optimal"
#: To proof, so that brackets are as narrow as asked.
EXACT = How(relative_gap=0.0, budget_s=60.0)
HERE = Means(Here())


def known(name, **fleet_changes):
    """Return a scenario of the catalog of known optima, parts of its fleet changed."""
    raw = read_mapping(FOLDER / f"{name}.yaml")["scenario"]
    return Scenario(
        model=ModelSpec.model_validate(raw["model"]),
        fleet=parse_fleet(raw["fleet"] | fleet_changes, name),
        workload=Workload.model_validate(raw["workload"]),
        target=Target.model_validate(raw["target"]),
        speculation=Speculation.model_validate(raw["speculation"]) if "speculation" in raw else None,
    )


def at_speed(scenario, tokens_per_s_per_user):
    target = scenario.target.model_copy(update={"tokens_per_s_per_user": tokens_per_s_per_user})
    return scenario.model_copy(update={"target": target})


def chip(capacity, bandwidth, price):
    """A device without floors that streams at its full bandwidth."""
    kernels = [{"family": family, "floor": "0 s", "mbu": 1.0, "mfu": 1.0} for family in ("gemm", "attention", "moe")]
    return {
        "memory": [{"tier": "hbm", "capacity": f"{capacity} B", "bandwidth": f"{bandwidth} B/s"}],
        "peak": {"bf16": "1 TFLOP/s"},
        "kernels": kernels,
        "power": "100 W",
        "price": {"tco": f"{price} USD/h"},
    }


def three_chips(speed=4.5):
    """Slow, medium and fast chips that no link joins, each with room for ten sequences.

    A step of b sequences reads 360 + 152 b bytes (`sram-wins`): 1880 B/s, 18,800 B/s and 188,000 B/s at 3.6, 43.2 and
    468 USD/h. With ten sequences a token costs 0.1 c, 0.12 c and 0.13 c.

    Faster than 1 token/s/user the slow chip has room for fewer: five until 1880 / 1120 = 1.67857 tokens/s, at
    1120 / 1880 / 5 c = 0.11915 c, four beyond at 0.12872 c: the medium chip pays from there. It has seven sequences
    until 18,800 / 1424 = 13.2022 tokens/s, at 12 x 1424 / 18,800 / 7 c = 0.12985 c, and six beyond at 0.13532 c, more
    than the fast chip's 0.13 c.
    """
    raw = read_mapping(FOLDER / "sram-wins.yaml")["scenario"]
    names = ("slow", "medium", "fast")
    fleet = {
        "name": "three-chips",
        "price_basis": "tco",
        "pools": [{"name": name, "device": name, "count": 1, "unit": 1, "domain": 1} for name in names],
        "devices": {
            "slow": chip(1960, 1880, 3.6),
            "medium": chip(1960, 18800, 43.2),
            "fast": chip(1960, 188000, 468),
        },
    }
    return at_speed(
        Scenario(
            model=ModelSpec.model_validate(raw["model"]),
            fleet=parse_fleet(fleet, "three-chips"),
            workload=Workload.model_validate(raw["workload"]),
            target=Target.model_validate(raw["target"]),
        ),
        speed,
    )
