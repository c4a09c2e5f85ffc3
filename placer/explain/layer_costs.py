"""Cost of every layer of a plan, once per kind."""

from __future__ import annotations

from placer.explain.layer import cost_of_layer
from placer.verify.context import Context
from placer.verify.recompute.layer import LayerCost


def layer_costs(context: Context) -> list[LayerCost]:
    """Return the cost of every layer, in order; layers of one kind, layout and routing are derived once."""
    known: dict[tuple[object, ...], LayerCost] = {}
    costs = []
    for placed in context.placement.layers:
        names = tuple(part.experts for part in placed.ffn)
        chances = context.selections.get(placed.layer)
        routing = b"" if chances is None else chances.tobytes()
        key = (id(context.model.layer_ops[placed.layer]), placed.way, names, routing)
        if key not in known:
            known[key] = cost_of_layer(context, placed)
        costs.append(known[key])
    return costs
