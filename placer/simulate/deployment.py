"""What is simulated: groups, batch and placement of one replica, with the hardware they lie on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from placer.catalog.link import Duplex
from placer.cost.draft import pass_s, round_trip_s
from placer.cost.group import Array, Batch, Group, build_group, exact_batch
from placer.cost.shape import GroupShape
from placer.cost.step_load import PLAIN, StepLoad, step_load
from placer.errors import InputError
from placer.graph.lower import lower
from placer.graph.model_graph import ModelGraph
from placer.plan.placement import GroupPlan, Placement, Role
from placer.plan.plan import Plan
from placer.scenario.scenario import Scenario


@dataclass(frozen=True)
class Crossing:
    """The link between host and sidecar; ``stage_bytes_per_s`` is what the ports of a stage carry together."""

    latency_s: float
    stage_bytes_per_s: dict[Role, float]
    is_half_duplex: bool


@dataclass(frozen=True)
class Beside:
    """A drafter on a pool of its own: how long it works for a microbatch, and the way of token ids there and back."""

    passes_s: float
    round_trip_s: float


@dataclass(frozen=True)
class Deployment:
    """One replica of a plan; all replicas are alike.

    Attributes
    ----------
    scenario, model
        The question, and its model lowered.
    groups
        Groups of a replica, as planned.
    sequences, in_flight
        Sequences of a microbatch, and microbatches in flight.
    placement
        Where everything lies.
    step
        What a step does for a sequence.
    """

    scenario: Scenario
    model: ModelGraph
    groups: tuple[GroupPlan, ...]
    sequences: int
    in_flight: int
    placement: Placement
    step: StepLoad = PLAIN

    @cached_property
    def hardware(self) -> dict[Role, Group]:
        """Groups with device and links."""
        fleet = self.scenario.fleet
        return {plan.role: build_group(fleet, shape_of(plan)) for plan in self.groups}

    @cached_property
    def sequence_batches(self) -> dict[Role, Batch]:
        """A microbatch with one token of every sequence, as every group sees it."""
        return {plan.role: _dealt(plan, self.sequences) for plan in self.groups}

    @cached_property
    def batches(self) -> dict[Role, Batch]:
        """A microbatch with all tokens that pass together, as every group sees it."""
        return {role: batch.widened(self.step.width) for role, batch in self.sequence_batches.items()}

    @property
    def tokens(self) -> int:
        """Tokens of a microbatch that pass together."""
        return self.sequences * self.step.width

    @cached_property
    def crossing(self) -> Crossing | None:
        """How the groups are joined; None where there is one group."""
        fleet, pools = self.scenario.fleet, [plan.pool for plan in self.groups]
        cross = fleet.cross_link(pools[0], pools[1]) if len(pools) == 2 else None
        if cross is None:
            return None
        link = fleet.link_types[cross.link]
        rates = {plan.role: fleet.port_bytes_per_s(cross, plan.pool) * plan.width for plan in self.groups}
        return Crossing(link.latency, rates, link.duplex is Duplex.HALF)

    @cached_property
    def beside(self) -> Beside:
        """What a drafter on a pool of its own takes for a microbatch."""
        step, fleet = self.step, self.scenario.fleet
        if step.beside is None or step.drafter is None:
            return Beside(0.0, 0.0)
        batch = exact_batch(np.array([float(self.sequences)]), step.beside)
        context = self.scenario.workload.mean_context
        passes = pass_s(build_group(fleet, step.beside), step.drafter, batch, context)
        ids = np.array([float(self.sequences * step.ids)])
        trip = round_trip_s(fleet, [plan.pool for plan in self.groups], step.beside.pool, ids)
        return Beside(step.draft_tokens * float(passes[0]), float(trip[0]))

    @property
    def hidden_size(self) -> int:
        """Width of the residual stream."""
        return self.model.spec.hidden_size

    @cached_property
    def selections(self) -> dict[int, Array]:
        """The chance that a token selects each expert, by layer with experts."""
        return self.scenario.workload.routing.by_layer(self.model.expert_layers)


def shape_of(plan: GroupPlan) -> GroupShape:
    """Return the shape of a planned group."""
    return GroupShape(plan.pool, plan.stages, plan.width, plan.tp, plan.expert_tp, plan.cp, plan.spare_slots)


def _dealt(plan: GroupPlan, sequences: int) -> Batch:
    fullest = np.array([float(max(plan.sequences_per_rank))])
    return Batch(np.array([float(sequences)]), fullest, fullest / plan.tp)


def deployment_of(plan: Plan, model: ModelGraph | None = None) -> Deployment:
    """Return what a plan deploys; ``model`` is its model lowered, where that is known.

    Raises
    ------
    InputError
        If the plan is a refusal, or lacks its placement.
    """
    if plan.batch is None or plan.placement is None or not plan.groups:
        raise InputError(f"expected a plan with a placement, got one that is {plan.status}", where="status")
    return Deployment(
        scenario=plan.scenario,
        model=model or lower(plan.scenario.model),
        groups=plan.groups,
        sequences=plan.batch.sequences_per_microbatch,
        in_flight=plan.batch.microbatches_in_flight,
        placement=plan.placement,
        step=_step(plan),
    )


def _step(plan: Plan) -> StepLoad:
    drafted = plan.batch.draft_tokens if plan.batch else 0
    allowed = (0,) if plan.scenario.speculation is None else plan.scenario.speculation.depths
    if drafted not in allowed:
        raise InputError(f"expected one of {allowed}, got {drafted}", where="batch.draft_tokens")
    pool = plan.speculation.pool if plan.speculation else None
    beside = None if pool is None else GroupShape(pool.pool, 1, pool.width, pool.width, pool.expert_tp)
    return step_load(plan.scenario, drafted, beside)
