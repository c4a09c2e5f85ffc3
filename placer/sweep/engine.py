"""Where the questions of a sweep are solved: here, in processes of this machine, or on a cluster."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from placer.errors import InputError, nearest_hint

T = TypeVar("T")


class Engine(Protocol):
    """Runs functions elsewhere. Functions and arguments are pickled."""

    def submit(self, function: Callable[..., T], /, *args: Any) -> Future[T]:
        """Begin a call and return its future."""


class Here:
    """Runs functions at once, in this process."""

    def submit(self, function: Callable[..., T], /, *args: Any) -> Future[T]:
        """Call, and return the future that holds the answer."""
        future: Future[T] = Future()
        try:
            future.set_result(function(*args))
        except Exception as error:
            future.set_exception(error)
        return future


@contextmanager
def open_engine(name: str | None = None, workers: int | None = None) -> Iterator[Engine]:
    """Give an engine, and take its workers down at the end.

    Parameters
    ----------
    name
        ``processes`` (default), ``here``, ``ray``, or ``ray://ADDRESS`` for a cluster that runs.
    workers
        Processes; as many as this process may use cores where None.

    Raises
    ------
    InputError
        If there is no such engine, its package is not installed, or it cannot be reached.
    """
    kind = (name or "processes").split("://", 1)[0]
    if kind == "here":
        yield Here()
    elif kind == "processes":
        with _processes(workers or _cores()) as pool:
            yield pool
    elif kind == "ray":
        from placer.sweep.ray_engine import ray_engine  # noqa: PLC0415 an extra

        with ray_engine(name or "ray", workers) as engine:
            yield engine
    else:
        known = ("processes", "here", "ray")
        raise InputError(f"expected {', '.join(known)} or ray://ADDRESS{nearest_hint(kind, known)}", where="engine")


@contextmanager
def _processes(workers: int) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_follow_parent)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _follow_parent() -> None:
    """End this worker as soon as its parent is gone: nobody would take its answer."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
