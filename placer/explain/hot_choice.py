"""A plan with other hot experts, or other ranks for its experts: the same groups, levels and batch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from placer.explain.hot import hot_experts
from placer.explain.hot_deal import dealt
from placer.plan.placement import ExpertLayout, FfnPart, LayerPlacement, Role, Way
from placer.scenario.routing import RoutingProfile
from placer.verify.context import Context

#: Chances of a layer's experts, shape (num_experts,), and those hot in the plan, to those that shall be hot.
Choice = Callable[[NDArray[np.float64], list[int]], list[int]]


def routed(context: Context, routing: RoutingProfile) -> Context:
    """Return a plan under another routing, as it is."""
    workload = context.scenario.workload.model_copy(update={"routing": routing})
    return context.changed(context.scenario.model_copy(update={"workload": workload}), context.placement)


def chosen(context: Context, choice: Choice) -> Context:
    """Return a plan with other hot experts in its split layers, and all experts dealt to ranks for its routing."""
    return _changed(context, choice)


def without_hot(context: Context) -> Context:
    """Return a plan whose split layers have all experts on the host, dealt to ranks for its routing."""
    return _changed(context, None)


def as_planned(_: NDArray[np.float64], hot: list[int]) -> list[int]:
    """Return the plan's own hot experts."""
    return hot


def hottest(selection: NDArray[np.float64], hot: list[int]) -> list[int]:
    """Return as many of the experts with the highest chance; of equal ones, the first."""
    return [int(expert) for expert in np.argsort(-selection, kind="stable")[: len(hot)]]


def at_random(seed: int) -> Choice:
    """Return a choice of experts drawn without a look at their chances."""
    generator = np.random.default_rng(seed)

    def draw(selection: NDArray[np.float64], hot: list[int]) -> list[int]:
        return [int(expert) for expert in generator.permutation(len(selection))[: len(hot)]]

    return draw


class _Layouts:
    """Layouts by name; layers of equal layout and routing share one."""

    def __init__(self, context: Context, choice: Choice | None) -> None:
        self._context, self._choice = context, choice
        self._known: dict[tuple[object, ...], tuple[FfnPart, ...]] = {}
        self.by_name: dict[str, ExpertLayout] = {}

    def parts(self, placed: LayerPlacement) -> tuple[FfnPart, ...]:
        """Return the parts of a layer with their layouts' new names."""
        if placed.layer not in self._context.selections:
            return placed.ffn
        selection = self._context.selections[placed.layer]
        key = (placed.ffn, selection.tobytes())
        if key not in self._known:
            self._known[key] = self._dealt(placed, selection)
        return self._known[key]

    def _dealt(self, placed: LayerPlacement, selection: NDArray[np.float64]) -> tuple[FfnPart, ...]:
        everything = np.arange(len(selection))
        sets = [everything]
        if placed.way is Way.SPLIT and self._choice is not None:
            hot = np.array(self._choice(selection, hot_experts(self._context, placed)))
            sets = [np.setdiff1d(everything, hot), hot]
        return tuple(
            part.model_copy(update={"experts": self._named(placed.layer, part.at.role, ids)})
            for part, ids in zip(placed.ffn, sets, strict=False)
        )

    def _named(self, layer: int, role: Role, ids: NDArray[np.int64]) -> str:
        ranks = dealt(self._context, layer, role, ids)
        name = f"{role}-{len(self.by_name)}"
        self.by_name[name] = ExpertLayout(role=role, experts_by_rank=ranks)
        return name


def _changed(context: Context, choice: Choice | None) -> Context:
    layouts = _Layouts(context, choice)
    layers = []
    for placed in context.placement.layers:
        way = Way.NEAR if placed.way is Way.SPLIT and choice is None else placed.way
        layers.append(placed.model_copy(update={"way": way, "ffn": layouts.parts(placed)}))
    placement = context.placement.model_copy(update={"layers": tuple(layers), "experts": layouts.by_name})
    return context.changed(context.scenario, placement)
