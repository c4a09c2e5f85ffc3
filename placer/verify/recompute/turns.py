"""How long a layer takes a stage that serves several microbatches together (``docs/method.md``, section 3, "Turns").

The share goes through the layer in a fixed order, the same in every layer: all first visits of the devices, one
microbatch after the other, then all second visits. That is a graph of events; what comes round with every layer is no
shorter than any path in it from an event to the same event a layer later.
"""

from __future__ import annotations

from dataclasses import dataclass

#: What one microbatch does in a layer; in the next layer numbers go on.
_KINDS = FIRST, THERE, SECOND, BACK = range(4)
Event = tuple[int, int]
#: How long something takes a stage, followed in three ways [s].
Turns = tuple[float, float, float]


@dataclass(frozen=True)
class Exchange:
    """A layer whose devices are visited twice, with an exchange after each visit [s]."""

    first_s: float
    there_s: float
    second_s: float
    back_s: float

    def turn_s(self, share: int, *, of_last: bool) -> float:
        """Return the longest path from the first visit of the first microbatch to that of the next layer.

        With ``of_last`` from the second visit of the last microbatch.
        """
        start: Event = (SECOND, share - 1) if of_last else (FIRST, 0)
        lengths = {start: self._duration(start)}
        for event in self._order(start, share):
            before = [lengths[other] for other in _before(event, share) if other in lengths]
            if before:
                lengths[event] = max(before) + self._duration(event)
        return lengths[start[0] + len(_KINDS), start[1]] - self._duration(start)

    def _duration(self, event: Event) -> float:
        return (self.first_s, self.there_s, self.second_s, self.back_s)[event[0] % len(_KINDS)]

    def _order(self, start: Event, share: int) -> list[Event]:
        """Return the events of this layer and the next in an order in which none waits for a later one."""
        kinds = range(start[0], start[0] + len(_KINDS) + 1)
        return [(kind, number) for kind in kinds for number in range(share) if (kind, number) > start]


def _before(event: Event, share: int) -> list[Event]:
    """Return the events an event waits for: the last of its microbatch, the one before it on devices or fabric."""
    kind, number = event
    before = [(kind - 1, number)]
    if number and kind % len(_KINDS) != BACK:
        before.append((kind, number - 1))
    if not number and kind % 2 == 0:
        before.append((kind - 2, share - 1))
    return before
