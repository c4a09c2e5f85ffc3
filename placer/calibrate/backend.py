"""PyTorch on this machine: found when asked for, and timed."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from placer.errors import InputError, nearest_hint

try:
    import resource
except ImportError:  # a system without POSIX's accounting
    resource = None  # type: ignore[assignment]

DEVICES = ("cpu", "cuda")
_MAX_THREADS = 4096


def load_module(name: str) -> Any:
    """Return a module of the extra ``calibrate``.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(f"needs {name}, which is not installed; pip install 'placer[calibrate]'") from error


@dataclass(frozen=True)
class Timing:
    """One call: its time, and how often a thread of this process had to make way for another program meanwhile."""

    seconds: float
    interruptions: int


def interruptions() -> int:
    """Return how often threads of this process lost their core so far; 0 where the system does not count."""
    return 0 if resource is None else int(resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw)


@dataclass(frozen=True)
class Backend:
    """PyTorch and the device its tensors live on."""

    torch: Any
    device: str
    threads: int

    @property
    def dtype(self) -> Any:
        """The format of weights, activations and KV cache."""
        return self.torch.bfloat16

    def synchronize(self) -> None:
        """Wait until the device has done all it was given."""
        if self.device == "cuda":
            self.torch.cuda.synchronize()

    def time(self, call: Callable[[], object]) -> Timing:
        """Return the time of one call, the device's work included."""
        self.synchronize()
        before = interruptions()
        start = self._clock()
        call()
        self.synchronize()
        seconds = self._clock() - start
        return Timing(seconds, interruptions() - before)

    def _clock(self) -> float:
        """Return a time [s]; of one thread it is what that thread ran, so that waiting for a core does not count."""
        return time.thread_time() if self.device == "cpu" and self.threads == 1 else time.perf_counter()


def load_backend(device: str | None = None, threads: int | None = None) -> Backend:
    """Return PyTorch ready to measure.

    Parameters
    ----------
    device
        ``cpu`` or ``cuda``; a CUDA device where PyTorch sees one if None.
    threads
        Of the CPU; as many as PyTorch takes if None.

    Raises
    ------
    InputError
        If PyTorch is not installed, there is no such device, or the number of threads is none.
    """
    if device is not None and device not in DEVICES:
        hint = nearest_hint(device, DEVICES)
        raise InputError(f'unknown device "{device}", expected one of {list(DEVICES)}{hint}', where="--device")
    if threads is not None and not 1 <= threads <= _MAX_THREADS:
        raise InputError(f"expected 1 to {_MAX_THREADS} threads, got {threads}", where="--threads")
    torch = load_module("torch")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("PyTorch sees no CUDA device here; --device cpu measures the CPU", where="--device")
    if threads is not None:
        torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    found = device or ("cuda" if torch.cuda.is_available() else "cpu")
    return Backend(torch, found, torch.get_num_threads())
