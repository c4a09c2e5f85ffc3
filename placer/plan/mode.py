"""How a service lies on a fleet, in the field's words."""

from __future__ import annotations

from collections.abc import Collection

from placer.catalog.device import TierKind
from placer.plan.placement import Placement, Way
from placer.scenario.service import Mode

#: What modes are called where people read.
TITLES = {
    Mode.COLOCATED: "colocated prefill",
    Mode.DISAGGREGATED: "P/D-disaggregated",
    Mode.AFD: "AFD",
    Mode.PARTIAL_RESIDENCY: "partial residency",
    Mode.ALL_IN_SRAM: "all-in-SRAM decode",
}


#: Ways of layers that make a mode of decode.
WAYS_OF_MODE = {
    Mode.AFD: frozenset({Way.DIRECT, Way.RELAY}),
    Mode.PARTIAL_RESIDENCY: frozenset({Way.SPLIT, Way.AWAY}),
}


def decode_modes(ways: Collection[Way], tiers: Collection[TierKind]) -> tuple[Mode, ...]:
    """Return the modes decode uses.

    Attention-FFN disaggregation where layers have attention on one group and the FFN on another; partial residency
    where some layers, or some experts of a layer, lie on the sidecar; all in SRAM where nothing lies elsewhere.

    Parameters
    ----------
    ways
        Ways of all layers.
    tiers
        Memory tiers that hold anything.
    """
    modes = [mode for mode, of_mode in WAYS_OF_MODE.items() if of_mode & set(ways)]
    if set(tiers) == {TierKind.SRAM}:
        modes.append(Mode.ALL_IN_SRAM)
    return tuple(modes)


def modes_of(placement: Placement, *, is_colocated: bool) -> tuple[Mode, ...]:
    """Return the modes of a plan, prefill first."""
    ways = {layer.way for layer in placement.layers}
    tiers = {layer.attention.tier for layer in placement.layers}
    tiers |= {part.at.tier for layer in placement.layers for part in layer.ffn}
    tiers |= {placement.embedding.tier, placement.lm_head.tier}
    first = Mode.COLOCATED if is_colocated else Mode.DISAGGREGATED
    return (first, *decode_modes(ways, tiers))


def title(modes: Collection[Mode]) -> str:
    """Return the name of a mode, or of several at once.

    >>> title((Mode.DISAGGREGATED, Mode.AFD))
    'P/D-disaggregated, AFD'
    """
    return ", ".join(TITLES[mode] for mode in modes)
