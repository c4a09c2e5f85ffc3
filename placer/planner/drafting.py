"""The ways to draft of a scenario: how many tokens, and on which devices."""

from __future__ import annotations

from placer.cost.shape import GroupShape, group_shapes
from placer.graph.lower import lower
from placer.scenario.scenario import Scenario

#: Tokens drafted, and the devices of another pool that draft; None where those of the LM head do.
Choice = tuple[int, GroupShape | None]
PLAIN_DECODE: Choice = (0, None)


def draft_choices(scenario: Scenario) -> tuple[Choice, ...]:
    """Return every way to draft, drafting nothing first."""
    speculation = scenario.speculation
    if speculation is None:
        return (PLAIN_DECODE,)
    shapes: tuple[GroupShape | None, ...] = (None,) if speculation.pool is None else drafter_shapes(scenario)
    return (PLAIN_DECODE, *((depth, shape) for depth in speculation.depths if depth for shape in shapes))


def drafter_shapes(scenario: Scenario) -> tuple[GroupShape, ...]:
    """Return the groups that may draft for a replica on a pool of their own, the narrowest first.

    One stage, tensor parallel over all its devices, experts spread as far as they can be.
    """
    speculation = scenario.speculation
    assert speculation is not None
    assert speculation.draft is not None
    assert speculation.pool is not None
    space = scenario.space.model_copy(update={"max_stages": 1, "context_parallel": False})
    found: dict[int, GroupShape] = {}
    for shape in group_shapes(lower(speculation.draft), scenario.fleet.pool(speculation.pool), space):
        if shape.tp == shape.width:
            found.setdefault(shape.width, shape)
    return tuple(found[width] for width in sorted(found))
