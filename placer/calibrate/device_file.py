"""A device of our catalog's schema from what was measured, and its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from placer.calibrate.result import Calibration, FamilyResult, Machine
from placer.catalog.device import Device
from placer.catalog.source import SourceKind
from placer.errors import InputError
from placer.files import write_atomic
from placer.validate import validated

#: What renting a CPU thread costs, to an order of magnitude: on-demand list prices of general-purpose servers.
USD_PER_THREAD_HOUR = 0.04
#: What a server draws per thread, to an order of magnitude.
WATTS_PER_THREAD = 5.0
#: The same for an accelerator.
USD_PER_ACCELERATOR_HOUR, WATTS_PER_ACCELERATOR = 2.0, 700.0
_SUFFIXES = (".yaml", ".yml")
_MOST = 1e6


@dataclass(frozen=True)
class Money:
    """What nobody can measure here; None means a guess, marked as one.

    Attributes
    ----------
    usd_per_hour, watts
        Rent and power of the device.
    basis
        What the rent is called, as fleets name it.
    """

    usd_per_hour: float | None = None
    watts: float | None = None
    basis: str = "on_demand"


def check_request(path: Path, money: Money) -> None:
    """Refuse what would fail only after minutes of measuring.

    Raises
    ------
    InputError
        If the file's name or folder will not do, or rent, its basis or power is none.
    """
    if path.suffix not in _SUFFIXES:
        raise InputError(f"expected a name that ends in one of {list(_SUFFIXES)}", where=f"--output {path}")
    if not path.parent.is_dir():
        raise InputError(f"no such folder: {path.parent}", where=f"--output {path}")
    for option, value in (("--usd-per-hour", money.usd_per_hour), ("--watts", money.watts)):
        if value is not None and not 0 < value < _MOST:
            raise InputError(f"expected a number above 0 and below {_MOST:g}, got {value:g}", where=option)
    if not money.basis.strip():
        raise InputError("expected a name such as on_demand", where="--price-basis")


def build_device(name: str, calibration: Calibration, money: Money) -> Device:
    """Return the device a calibration describes, checked against the schema.

    Parameters
    ----------
    name
        What pools will call it.
    calibration
        What was measured.
    money
        Rent and power.
    """
    return validated(Device, _fields(name, calibration, money), name)


def write_device(path: Path, device: Device, calibration: Calibration) -> None:
    """Write a device file, whole or not at all.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    machine = calibration.machine
    head = f"# {machine.title}: measured by `placer calibrate` on {machine.date} with {machine.software}\n"
    fields = device.model_dump(mode="json", exclude_defaults=True)
    text = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
    write_atomic(path, head + text)


def _fields(name: str, calibration: Calibration, money: Money) -> dict[str, Any]:
    machine = calibration.machine
    usd, watts = _default_usd(machine), _default_watts(machine)
    usd = usd if money.usd_per_hour is None else money.usd_per_hour
    watts = watts if money.watts is None else money.watts
    return {
        "name": name,
        "title": machine.title,
        "memory": [
            {
                "tier": "hbm" if machine.kind == "cuda" else "ddr",
                "capacity": f"{machine.memory_bytes} B",
                "bandwidth": f"{_rounded(calibration.bandwidth_bytes_per_s / 1e9)} GB/s",
            }
        ],
        "peak": {"bf16": f"{_rounded(calibration.peak_flop_per_s / 1e9)} GFLOP/s"},
        "dequantises": False,
        "kernels": [_kernel(family, calibration) for family in calibration.families],
        "reserve": machine.reserve,
        "power": f"{watts:g} W",
        "price": {money.basis: f"{usd:g} USD/h"},
        "sources": _sources(calibration, money),
        "notes": _notes(calibration),
    }


def _default_usd(machine: Machine) -> float:
    return USD_PER_ACCELERATOR_HOUR if machine.kind == "cuda" else USD_PER_THREAD_HOUR * machine.threads


def _default_watts(machine: Machine) -> float:
    return WATTS_PER_ACCELERATOR if machine.kind == "cuda" else WATTS_PER_THREAD * machine.threads


def _rounded(value: float) -> str:
    return f"{value:.4g}" if value < 1000 else f"{value:.0f}"


def _kernel(family: FamilyResult, calibration: Calibration) -> dict[str, Any]:
    median, p90 = (float(f"{value:.3g}") for value in (family.median_error, family.p90_error))
    error = {"median": median, "p90": p90, "rows": family.num_held_out}
    return {
        "family": str(family.family),
        "floor": f"{_rounded(family.floor_s * 1e6)} us",
        "mbu": _share(family.bytes_per_s / calibration.bandwidth_bytes_per_s),
        "mfu": _share(family.flop_per_s / calibration.peak_flop_per_s),
        "sharpness": family.sharpness,
        "error": error,
    }


def _share(value: float) -> float:
    """Return an efficiency; what caches or rounding lift above the peak counts as the peak."""
    return min(1.0, max(1e-4, float(f"{value:.3g}")))


def _sources(calibration: Calibration, money: Money) -> list[dict[str, Any]]:
    machine = calibration.machine
    where = f"`placer calibrate` on {machine.title}, {machine.date}, {machine.software}"
    spread = "; ".join(f"{rate.name} {100 * rate.spread:.0f} %" for rate in calibration.rates)
    families = "; ".join(
        f"{one.family}: median {100 * one.median_error:.0f} %, p90 {100 * one.p90_error:.0f} % on {one.num_held_out} "
        f"held-out rows ({one.num_fitted} fitted), IQR {100 * one.spread:.0f} %"
        for one in calibration.families
    )
    return [
        {
            "covers": ["memory", "peak"],
            "kind": str(SourceKind.MEASURED),
            "cite": where,
            "note": f"medians of undisturbed timings; their interquartile ranges: {spread}",
        },
        {
            "covers": [*(f"kernels.{one.family}" for one in calibration.families)],
            "kind": str(SourceKind.MEASURED),
            "cite": where,
            "note": f"relative errors: {families}",
        },
        {
            "covers": ["reserve"],
            "kind": str(SourceKind.MEASURED),
            "cite": where,
            "note": "share of the memory in use when the measurement began",
        },
        {"covers": ["dequantises"], "kind": str(SourceKind.DERIVED), "cite": "only BF16 was measured"},
        _money_source("power", "--watts", is_given=money.watts is not None),
        _money_source(f"price.{money.basis}", "--usd-per-hour", is_given=money.usd_per_hour is not None),
    ]


def _money_source(figure: str, option: str, *, is_given: bool) -> dict[str, Any]:
    if is_given:
        return {"covers": [figure], "kind": str(SourceKind.SECONDARY), "cite": f"given by the user: {option}"}
    cite = f"an order of magnitude per CPU thread or accelerator; {option} replaces it"
    return {"covers": [figure], "kind": str(SourceKind.ESTIMATE), "cite": cite}


def _notes(calibration: Calibration) -> list[str]:
    rates = ", ".join(
        f"{rate.name} {rate.per_s / 1e9:.1f} {'GFLOP/s' if rate.name == 'gemm' else 'GB/s'}"
        for rate in calibration.rates
    )
    return [
        f"peaks are the best rates measured: {rates}",
        "floors are of whole blocks as eager PyTorch runs them (norms, rotary embedding, cache update, residual), "
        "shared out over the launches the lowering counts",
    ]
