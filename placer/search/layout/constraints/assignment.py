"""Every layer lies in one way and, on either group, in one stage."""

from __future__ import annotations

from ortools.sat.python import cp_model

from placer.search.layout.variables import LayoutVariables


def add(model: cp_model.CpModel, variables: LayoutVariables) -> None:
    """Add one way and one stage per layer; stages do not fall from layer to layer (pipeline order).

    Twin in ``verify``: residency, order.
    """
    for ways in variables.way:
        model.add_exactly_one(ways)
    for group in variables.groups:
        for layer, literals in enumerate(variables.at[group]):
            model.add_exactly_one(literals)
            if layer and len(literals) > 1:
                model.add(variables.stage_index(group, layer) >= variables.stage_index(group, layer - 1))
