"""Asking what the evidence lacks: side by side, resumable, kept answer by answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, as_completed

from benchmarks.studies.ask import Ask
from benchmarks.studies.evidence import present_hash
from benchmarks.studies.record import Record, record_of
from placer.errors import MissingFiguresError, ScenarioError
from placer.plan.plan import Plan
from placer.scenario.scenario import assert_consistent
from placer.sweep.engine import Engine
from placer.sweep.solve import answer
from placer.sweep.store import Store

#: Told of every answer as it comes.
Sink = Callable[[Ask, Record], None]


def solve(asks: Sequence[Ask], engine: Engine, store: Store | None, sink: Sink) -> list[str]:
    """Answer all asks; those in the store, where there is one, at once.

    Returns
    -------
    list of str
        What went wrong, with its command: answers that the verifier does not confirm. They are no evidence.
    """
    running: dict[Future[tuple[Plan, float]], Ask] = {}
    for ask in asks:
        refused = _refused(ask)
        if refused is not None:
            sink(ask, refused)
            continue
        known = store.get(ask.question()) if store is not None else None
        if known is not None:
            sink(ask, record_of(known, present_hash(ask), known.search.wall_s))
        else:
            running[engine.submit(answer, ask.question())] = ask
    broken = []
    for future in as_completed(running):
        ask = running[future]
        try:
            plan, wall_s = future.result()
        except Exception as error:
            broken.append(f"{ask.command}: {error}")
            continue
        if store is not None:
            store.put(ask.question(), plan, wall_s)
        sink(ask, record_of(plan, present_hash(ask), wall_s))
    return broken


def _refused(ask: Ask) -> Record | None:
    """Return why a question cannot be asked; None where it can.

    A template lacks figures that nobody has published; a device cannot multiply some weights.
    """
    try:
        assert_consistent(ask.scenario())
    except MissingFiguresError as error:
        reason = f"{len(error.figures)} figures are not public"
        return Record(inputs=present_hash(ask), status="unpublished", reason=reason)
    except ScenarioError as error:
        return Record(inputs=present_hash(ask), status="refused", reason=str(error))
    return None
