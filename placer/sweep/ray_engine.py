"""Sweeps beyond one machine: the same calls, run by Ray.

Ray starts a call again when the worker that ran it is lost, so a sweep survives machines that come and go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

from placer.errors import InputError

T = TypeVar("T")

#: How often a call is started again after its worker was lost.
RETRIES = 5


class RayEngine:
    """Runs functions on a Ray cluster, one core each."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray

    def submit(self, function: Callable[..., T], /, *args: Any) -> Future[T]:
        """Begin a call and return its future."""
        remote = self._ray.remote(num_cpus=1, max_retries=RETRIES)(function)
        future: Future[T] = remote.remote(*args).future()
        return future


@contextmanager
def ray_engine(address: str, workers: int | None) -> Iterator[RayEngine]:
    """Give an engine on a cluster; one of this machine is started where none is named.

    Parameters
    ----------
    address
        ``ray`` for a cluster of this machine, ``ray://HOST:PORT`` for one that runs.
    workers
        Cores of a cluster of this machine; all where None.

    Raises
    ------
    InputError
        If Ray is not installed, or the cluster cannot be reached.
    """
    try:
        import ray  # noqa: PLC0415 an extra
    except ImportError as error:
        raise InputError("needs Ray; expected pip install 'placer[ray]'", where=f"--engine {address}") from error
    is_ours = not ray.is_initialized()
    if is_ours:
        _connect(ray, address, workers)
    try:
        yield RayEngine(ray)
    finally:
        if is_ours:
            ray.shutdown()


def _connect(ray: Any, address: str, workers: int | None) -> None:
    try:
        if "://" in address:
            ray.init(address=address, log_to_driver=False)
        else:
            ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(f"the cluster cannot be reached: {error}", where=f"--engine {address}") from error
