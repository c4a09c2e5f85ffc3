"""All figures of a scenario that can be turned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase

from placer.errors import InputError, nearest_hint
from placer.scenario.scenario import Scenario
from placer.whatif.asked import asked_knobs
from placer.whatif.devices import device_knobs
from placer.whatif.knob import Knob
from placer.whatif.links import link_knobs

#: Where figures come from; one more place is one more entry.
ROOMS: tuple[Callable[[Scenario], Iterator[Knob]], ...] = (device_knobs, link_knobs, asked_knobs)


def knobs_of(scenario: Scenario, only: Sequence[str] = ()) -> tuple[Knob, ...]:
    """Return the figures of a scenario, estimates first, then those of the catalog, then those of the question.

    Parameters
    ----------
    scenario
        Whose figures.
    only
        Names, or patterns such as ``price:*``; all where there is none.

    Raises
    ------
    InputError
        If a name or pattern fits no figure.
    """
    knobs = [knob for room in ROOMS for knob in room(scenario)]
    keys = [knob.key for knob in knobs]
    for pattern in only:
        if not any(fnmatchcase(key, pattern) for key in keys):
            raise InputError(f"no such figure: {pattern!r}{nearest_hint(pattern, keys)}", where="only")
    wanted = [knob for knob in knobs if not only or any(fnmatchcase(knob.key, pattern) for pattern in only)]
    return tuple(sorted(wanted, key=lambda knob: (not knob.is_estimate, not knob.figures)))
