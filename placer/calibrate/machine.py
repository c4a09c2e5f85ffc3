"""What machine this is."""

from __future__ import annotations

import datetime
import os
import platform
from pathlib import Path

from placer.calibrate.backend import Backend
from placer.calibrate.result import Machine

_CPU_INFO, _MEMORY_INFO = Path("/proc/cpuinfo"), Path("/proc/meminfo")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _cpu_title() -> str:
    names = (line.partition(":")[2].strip() for line in _lines(_CPU_INFO) if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def _cpu_memory() -> tuple[int, int]:
    """Return total and available bytes of memory; where the system does not say, all of it is available."""
    found = {}
    for line in _lines(_MEMORY_INFO):
        name, _, rest = line.partition(":")
        if name in {"MemTotal", "MemAvailable"}:
            found[name] = int(rest.split()[0]) * 1024
    total = found.get("MemTotal") or os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return total, min(total, found.get("MemAvailable", total))


def describe(backend: Backend) -> Machine:
    """Return what is about to be measured; called before anything is allocated."""
    torch = backend.torch
    if backend.device == "cuda":
        available, total = torch.cuda.mem_get_info()
        title = str(torch.cuda.get_device_name())
    else:
        total, available = _cpu_memory()
        title = f"{_cpu_title()}, {backend.threads} threads"
    return Machine(
        title=title,
        kind=backend.device,
        threads=backend.threads,
        memory_bytes=int(total),
        reserve=round(min(0.99, 1.0 - available / total), 3),
        software=f"PyTorch {torch.__version__} eager, Python {platform.python_version()}, {platform.system()}",
        date=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
    )
