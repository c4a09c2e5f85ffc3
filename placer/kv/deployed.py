"""A plan that keeps sessions: its groups with their hardware, its model, and its draft model where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from placer.cost.group import Group, build_group
from placer.cost.shape import GroupShape
from placer.graph.lower import lower
from placer.graph.model_graph import ModelGraph
from placer.plan.metrics import Metrics
from placer.plan.placement import GroupPlan, Placement, Role
from placer.plan.plan import Plan
from placer.scenario.retention import Retention
from placer.scenario.sessions import Sessions


@dataclass(frozen=True)
class Deployed:
    """A planned plan whose workload has sessions.

    Attributes
    ----------
    plan, placement, metrics, sessions
        The plan, and its parts that are there.
    model, draft
        Lowered; the draft model lies on the stage of the LM head.
    shapes, groups
        What the plan says of its groups, and the same with devices and links.
    """

    plan: Plan
    placement: Placement
    metrics: Metrics
    sessions: Sessions
    model: ModelGraph
    draft: ModelGraph | None
    shapes: Mapping[Role, GroupPlan]
    groups: Mapping[Role, Group]

    @cached_property
    def selections(self) -> dict[int, NDArray[np.float64]]:
        """Chance that a token selects each expert, by layer with experts."""
        return self.plan.scenario.workload.routing.by_layer(self.model.expert_layers)

    @property
    def context(self) -> int:
        """Tokens of a session at its pause."""
        return self.plan.scenario.workload.capacity_context

    @property
    def retention(self) -> Retention:
        """Tiers given, and how many sessions wait."""
        return self.plan.scenario.retention

    @property
    def num_replicas(self) -> int:
        """Replicas of the plan."""
        return len(self.placement.replicas)


def deployed(plan: Plan) -> Deployed | None:
    """Return what keeps sessions; None for a refusal, an undecided plan, and a workload without sessions."""
    sessions, draft = plan.scenario.workload.sessions, plan.scenario.retention.draft
    if plan.placement is None or plan.metrics is None or sessions is None:
        return None
    shapes = {shape.role: shape for shape in plan.groups}
    return Deployed(
        plan=plan,
        placement=plan.placement,
        metrics=plan.metrics,
        sessions=sessions,
        model=lower(plan.scenario.model),
        draft=lower(draft) if draft is not None else None,
        shapes=shapes,
        groups={
            role: build_group(
                plan.scenario.fleet, GroupShape(each.pool, each.stages, each.width, each.tp, each.expert_tp)
            )
            for role, each in shapes.items()
        },
    )
