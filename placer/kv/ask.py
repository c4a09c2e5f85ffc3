"""The question ``placer kv-tiers`` answers, from names: `placer.api.kv_tiers`."""

from __future__ import annotations

from placer.catalog.fleet import Fleet
from placer.catalog.loader import load_fleet
from placer.graph.lower import lower
from placer.kv.answer import KvTiersAnswer
from placer.kv.context_parallel import context_parallel
from placer.kv.hardware import Degrees, build_rank, find_pool
from placer.kv.paused import Question, paused_sessions
from placer.kv.tier import parse_tier, tiers_of
from placer.model.catalog import load_model
from placer.model.spec import ModelSpec
from placer.scenario.sessions import Sessions
from placer.validate import validated


def kv_tiers(  # noqa: PLR0913 the question has this many parts, most with defaults
    model: ModelSpec | str,
    device: str,
    *,
    context: int,
    sessions: Sessions | dict[str, object],
    paused: int = 1,
    tiers: tuple[str, ...] = (),
    draft: ModelSpec | str | None = None,
    tp: int | None = None,
    dp: int = 1,
    cp: tuple[int, ...] = (),
    batch: int = 1,
    fleet: Fleet | str | None = None,
) -> KvTiersAnswer:
    """Say where the KV cache of paused sessions should wait: where ops run, in a tier below, or nowhere.

    Parameters
    ----------
    model
        A spec, a catalog id or alias, or a path.
    device
        Device of the catalog, or of ``fleet``.
    context
        Tokens of a session at its pause.
    sessions
        A `placer.scenario.sessions.Sessions` (that of a workload), or its fields; ``turns`` and ``think_time`` are
        needed.
    paused
        Sessions paused at once on a rank.
    tiers
        Tiers below the one ops run from, per device, such as ``"nvme:8TB@12GB/s+80us"``; the device's own count too.
    draft
        Draft model on the same devices.
    tp, dp
        Devices of a rank, as few as hold a session by default; ranks that share the experts.
    cp
        Ranks to weigh splitting sequences over.
    batch
        Sequences decoded at once where they are.
    fleet
        Where links and prices are from; the smallest fleet of the catalog that has the device by default.

    Returns
    -------
    KvTiersAnswer
        The contents of ``placer kv-tiers --json``.

    Raises
    ------
    InputError
        If a name is unknown, a figure absurd, or the weights and one session do not fit.
    """
    found, pool = find_pool(device, load_fleet(fleet) if isinstance(fleet, str) else fleet)
    models = tuple(
        lower(load_model(each) if isinstance(each, str) else each) for each in (model, draft) if each is not None
    )
    rank = build_rank(found, pool, models, Degrees(tp, dp), context)
    question = Question(
        rank=rank,
        tiers=tiers_of(rank.group.device, map(parse_tier, tiers)),
        sessions=sessions if isinstance(sessions, Sessions) else validated(Sessions, sessions, "sessions"),
        context=context,
        paused=paused,
        fleet=found,
    )
    return paused_sessions(
        question, tuple(context_parallel(models[0], rank.group, ranks, batch, context) for ranks in cp)
    )
