"""Kernel times of every measured point, computed once; engines are applied to them afterwards."""

from __future__ import annotations

from functools import cache

from benchmarks.accuracy.points import Point
from placer.catalog.engine import ServingEngine
from placer.cost.group import Group
from placer.graph.lower import lower
from placer.graph.model_graph import ModelGraph
from placer.model.catalog import load_model
from placer.model.served import with_served_width
from placer.predict.configuration import Configuration
from placer.predict.hardware import group_of
from placer.predict.memory import MemoryModel
from placer.predict.predict import Steps, kernel_steps
from placer.scenario.routing import RoutingProfile


@cache
def _graph(model: str, width: str) -> ModelGraph:
    spec = load_model(model)
    return lower(spec.model_copy(update={"precision": with_served_width(spec.precision, width)}))


def steps_of(point: Point, engine: ServingEngine) -> tuple[Steps, Steps]:
    """Return the steps of the devices that decode and of those that prefill (the same where they are shared)."""
    decode = _steps(point, point.decode, engine)
    return decode, decode if point.is_shared else _steps(point, point.prefill, engine)


def _steps(point: Point, configuration: Configuration, engine: ServingEngine) -> Steps:
    model = _graph(point.model, point.width)
    group: Group = group_of(configuration)
    most = MemoryModel(model, group, configuration, engine).most_running()
    running = min(configuration.batch, most) or configuration.batch
    return kernel_steps(model, group, configuration, running, RoutingProfile())
