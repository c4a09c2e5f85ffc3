"""Options that describe the traffic: lengths from a trace, routing from a law, a preset or counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from placer.errors import InputError, nearest_hint

if TYPE_CHECKING:
    from placer.scenario.objective import Objective
    from placer.scenario.robust import Robust

#: Lengths planned for where neither options nor a trace say: a long prompt, a short answer.
INPUT_TOKENS, OUTPUT_TOKENS = "8192", "1024"


def lengths(isl: str | None, osl: str | None, traffic: Path | None) -> dict[str, object]:
    """Return input and output tokens: as given, else of the request that plans like a trace, else the defaults.

    Raises
    ------
    InputError
        If the trace cannot be read, or a number is none.
    """
    from placer.units import parse_count

    default_isl, default_osl = INPUT_TOKENS, OUTPUT_TOKENS
    if traffic is not None:
        from placer.traffic.measure import measure
        from placer.traffic.readers.registry import read_traffic

        equivalent = measure(read_traffic(traffic)).equivalent
        default_isl, default_osl = str(equivalent.input_tokens), str(equivalent.output_tokens)
    return {
        "input_tokens": parse_count(isl or default_isl, "--isl"),
        "output_tokens": parse_count(osl or default_osl, "--osl"),
    }


def routing(text: str) -> dict[str, object]:
    """Return the routing profile that ``--routing`` names: a law, a preset, or a file with counts per layer.

    Of counts every layer gets its own, or those of the nearest layer that was measured.

    Raises
    ------
    InputError
        If it is none of them.
    """
    from placer.scenario.routing_file import read_routing_counts
    from placer.scenario.routing_presets import PRESETS

    kind, _, exponent = text.partition(":")
    presets = {preset.name: preset for preset in PRESETS}
    if text in presets:
        return presets[text].profile.model_dump()
    if kind == "zipf":
        try:
            return {"kind": "zipf", "exponent": float(exponent)}
        except ValueError:
            raise InputError(f"expected zipf:EXPONENT such as zipf:0.8, got {text!r}", where="--routing") from None
    if text.partition("#")[0].endswith(".json"):
        return read_routing_counts(text).profile.model_dump()
    hint = nearest_hint(text, [*presets, "zipf:0.8"])
    names = ", ".join(presets)
    raise InputError(f"expected {names}, zipf:EXPONENT or FILE.json[#NAME], got {text!r}{hint}", where="--routing")


def robust(texts: Sequence[str], objective: Objective | None) -> Robust | None:
    """Return the routings that ``--routing`` names, where there are several, and what of their prices counts.

    Raises
    ------
    InputError
        If one is none, or two are the same, or an objective is given for a single one.
    """
    from placer.scenario.objective import Objective
    from placer.scenario.robust import Robust
    from placer.validate import validated

    if len(texts) < 2:
        if objective is not None:
            raise InputError("expected several --routing options; with one there is nothing to weigh", where="--robust")
        return None
    profiles = [{"name": text, "routing": routing(text)} for text in texts]
    return validated(Robust, {"objective": objective or Objective.WORST, "profiles": profiles}, "--routing")
