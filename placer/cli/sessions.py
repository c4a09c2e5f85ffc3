"""Options of ``placer plan`` about sessions that pause: think time, turns, tiers, draft model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from placer.errors import InputError

#: Turns of a session where nobody says.
TURNS = 8

ThinkTimeOption = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Pause between two turns of a session, such as 60s; none = no sessions."),
]
TurnsOption = Annotated[str | None, typer.Option(metavar="NUMBER", help="Turns of a session; 8 by default.")]
HitRateOption = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Share of the turns that go on from what was kept; by default the prefix hits of --traffic, else 1.",
    ),
]
CompressionOption = Annotated[
    float | None, typer.Option(metavar="FACTOR", help="How much smaller a KV cache is in tiers below HBM.")
]
PausedOption = Annotated[
    str | None,
    typer.Option(metavar="NUMBER", help="Sessions paused at once, all replicas; those a full plan leaves by default."),
]
TierOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TIER",
        help="A tier for paused sessions: a name of `placer tiers`, or per device ddr:256GB@55GB/s; repeatable.",
    ),
]
DraftOption = Annotated[
    str | None, typer.Option(metavar="MODEL", help="Draft model whose KV cache sessions keep as well.")
]


def sessions(given: Mapping[str, object], traffic: Path | None) -> dict[str, object] | None:
    """Return the fields of `placer.scenario.sessions.Sessions`, None where nothing pauses.

    Parameters
    ----------
    given
        What ``think_time``, ``turns``, ``prefix_hit_rate``, ``compression`` were given as; None = absent.
    traffic
        A trace whose prefix hits count where none are given.

    Raises
    ------
    InputError
        If an option makes no sense without ``--think-time``, or a number is none.
    """
    from placer.units import parse_count

    if given["think_time"] is None:
        return None
    fields = {name: value for name, value in given.items() if value is not None}
    fields["turns"] = parse_count(str(given["turns"]), "--turns") if given["turns"] is not None else TURNS
    hits = _hits(traffic) if given["prefix_hit_rate"] is None else None
    return fields if hits is None else fields | {"prefix_hit_rate": hits}


def assert_sessions_asked(think_time: str | None, given: Mapping[str, object]) -> None:
    """Raise if options about sessions are given and no think time.

    Raises
    ------
    InputError
        Naming the first of them.
    """
    names = [name for name, value in given.items() if value not in (None, [])]
    if think_time is None and names:
        raise InputError("expected --think-time beside it, such as 60s: without it nothing pauses", where=names[0])


def retention(tiers: list[str] | None, paused: str | None, draft: str | None, kv: str | None) -> dict[str, object]:
    """Return the fields of `placer.scenario.retention.Retention` that are given.

    Raises
    ------
    InputError
        If a tier does not read so, a number is none, or the draft model is unknown.
    """
    from placer.kv.tier import parse_tier
    from placer.units import exact_text, parse_count

    fields: dict[str, object] = {}
    if tiers:
        fields["tiers"] = tuple(
            {
                "name": tier.name,
                "capacity": exact_text(tier.capacity_bytes, "B"),
                "bandwidth": exact_text(tier.bytes_per_s, "B/s"),
                "latency": exact_text(tier.latency_s, "s"),
                "estimates": tier.estimates,
            }
            for tier in map(parse_tier, tiers)
        )
    if paused is not None:
        fields["paused"] = parse_count(paused, "--paused")
    if draft is not None:
        from placer.cli.precision import with_formats
        from placer.model.catalog import load_model

        fields["draft"] = with_formats(load_model(draft), kv=kv)
    return fields


def _hits(traffic: Path | None) -> float | None:
    if traffic is None:
        return None
    from placer.traffic.measure import measure
    from placer.traffic.readers.registry import read_traffic

    return measure(read_traffic(traffic)).prefix_hit_rate
