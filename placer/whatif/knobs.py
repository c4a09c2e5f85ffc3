"""All figures of a scenario that can be turned."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from placer.scenario.scenario import Scenario
from placer.whatif.asked import asked_knobs
from placer.whatif.devices import device_knobs
from placer.whatif.knob import Knob
from placer.whatif.links import link_knobs

#: Where figures come from; one more place is one more entry.
ROOMS: tuple[Callable[[Scenario], Iterator[Knob]], ...] = (device_knobs, link_knobs, asked_knobs)


def knobs_of(scenario: Scenario) -> tuple[Knob, ...]:
    """Return the figures of a scenario, estimates first, then those of the catalog, then those of the question."""
    knobs = [knob for room in ROOMS for knob in room(scenario)]
    return tuple(sorted(knobs, key=lambda knob: (not knob.is_estimate, not knob.figures)))
