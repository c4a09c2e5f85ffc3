"""Options of ``placer plan`` about the whole service: phases, modes, time to first token, prefix caches."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from placer.errors import InputError, nearest_hint

if TYPE_CHECKING:
    from placer.scenario.service import Service


class Phase(StrEnum):
    """What a plan covers."""

    SERVICE = "service"
    DECODE = "decode"


#: What precedes a mode that is forbidden.
NO = "no-"

PhaseOption = Annotated[
    Phase | None,
    typer.Option(
        help="Plan the whole service, prefill included (default), or decode only (default with several routings)."
    ),
]
ModeOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="no-MODE",
        help="Forbid a mode: no-colocated, no-disaggregated, no-afd, no-partial-residency, no-all-in-sram; repeatable. "
        "A plan is free to use all others.",
    ),
]
TtftOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="Most mean time to first token, such as '2 s'; any by default.")
]
TtftP99Option = Annotated[
    str | None, typer.Option(metavar="TIME", help="Most 99th percentile of the time to first token; any by default.")
]
PrefixHitsOption = Annotated[
    float | None,
    typer.Option(metavar="SHARE", help="Share of a prompt's tokens whose KV cache is found; 0 by default."),
]
PrefixBandwidthOption = Annotated[
    str | None,
    typer.Option(metavar="RATE", help="Rate at which a device loads KV cache found, such as '40 GB/s'; it is there."),
]
PrefillLoadOption = Annotated[
    float | None, typer.Option(metavar="SHARE", help="Most share of the time prefill may be busy; 0.8 by default.")
]


def service(
    phase: Phase | None, modes: list[str] | None, given: dict[str, object], *, has_several_routings: bool
) -> Service | None:
    """Return what the options say, None where decode alone is planned.

    Parameters
    ----------
    phase, modes
        As given.
    given
        Other fields of `placer.scenario.service.Service`; None where not given.
    has_several_routings
        Whether one plan must serve several: those are planned for decode only.

    Raises
    ------
    InputError
        Naming the option that is senseless or wrong.
    """
    from placer.scenario.service import Service
    from placer.validate import validated

    fields = {name: value for name, value in given.items() if value is not None}
    if modes:
        fields["forbidden_modes"] = _forbidden(modes)
    if phase is None:
        phase = Phase.DECODE if has_several_routings and not fields else Phase.SERVICE
    if phase is Phase.SERVICE:
        return validated(Service, fields, "service")
    if fields:
        options = {"ttft": "--ttft", "ttft_p99": "--ttft-p99", "prefix_hit_rate": "--prefix-hits"}
        options |= {"prefix_bandwidth": "--prefix-bandwidth", "max_prefill_load": "--prefill-load"}
        where = options.get(next(iter(fields)), "--mode")
        raise InputError("expected --phase service beside it: decode alone has no prompts", where=where)
    return None


def _forbidden(modes: list[str]) -> tuple[str, ...]:
    from placer.scenario.service import Mode

    known = [f"{NO}{mode}" for mode in Mode]
    for name in modes:
        if name not in known:
            hint = nearest_hint(name if name.startswith(NO) else f"{NO}{name}", known)
            raise InputError(f"expected one of {', '.join(known)}, got {name!r}{hint}", where="--mode")
    return tuple(dict.fromkeys(name.removeprefix(NO) for name in modes))
