"""From a choice to the answer: deployments, slots, what every model pays, when every call ends."""

from __future__ import annotations

from dataclasses import dataclass

from placer.plan.placement import ReplicaDevices
from placer.plan.plan import Plan
from placer.plan.portfolio import (
    AgentAnswer,
    CallAnswer,
    Deployment,
    ModelAnswer,
    ModelMode,
    Slot,
    SlotMember,
)
from placer.portfolio.arrivals import no_arrival, overflow
from placer.portfolio.chains import timed
from placer.portfolio.cold import ColdSlot, Turn
from placer.portfolio.columns import Kind, Library
from placer.portfolio.demand import Demand
from placer.portfolio.place import Places, groups_at, placed_plan, places_of, replicas_at
from placer.portfolio.prefill import PrefillSet
from placer.portfolio.question import reached
from placer.portfolio.solve import Chosen, pool_rents, prefill_choices
from placer.portfolio.times import ttft_s
from placer.portfolio.whole import Where, colocated_plan, disaggregated_plan
from placer.scenario.portfolio import Agent, Call, Phase, PortfolioScenario
from placer.search.portfolio.problem import Choice


@dataclass(frozen=True)
class Asked:
    """The question, what every service is asked, and all plans."""

    scenario: PortfolioScenario
    demands: tuple[Demand, ...]
    library: Library

    def index(self, model: str) -> int:
        """Return the index of a service."""
        return next(i for i, service in enumerate(self.scenario.models) if service.name == model)


@dataclass(frozen=True)
class Written:
    """The parts of an answer that follow from a choice."""

    usd_per_hour: float
    devices: dict[str, int]
    deployments: tuple[Deployment, ...]
    slots: tuple[Slot, ...]
    models: tuple[ModelAnswer, ...]
    agents: tuple[AgentAnswer, ...]


def write(asked: Asked, slots: tuple[ColdSlot, ...], chosen: Chosen) -> Written:
    """Return what is rented, who holds it, pays and waits."""
    assert chosen.choice is not None
    scenario, places = asked.scenario, places_of(chosen)
    devices = {pool: rented for pool in chosen.starts if (rented := _rented(scenario, chosen, pool))}
    deployments = _deployments(asked, chosen.choice, places)
    in_turns = tuple(_slot(asked, slots[index], places) for index in chosen.choice.slots)
    shares = rent_shares(scenario, devices, deployments, in_turns)
    models = tuple(
        _model(asked, service.name, (deployments, in_turns), shares[service.name]) for service in scenario.models
    )
    agents = tuple(_agent(agent, models) for agent in scenario.agents)
    return Written(sum(shares.values()), devices, deployments, in_turns, models, agents)


def _rented(scenario: PortfolioScenario, chosen: Chosen, pool: str) -> int:
    """Return the devices of all units that are touched."""
    unit = scenario.fleet.pool(pool).unit
    blocks = [(start, size) for size, starts in chosen.starts[pool].items() for start in starts]
    return unit * len(
        {number for start, size in blocks for number in range(start // unit, (start + size - 1) // unit + 1)}
    )


def rent_shares(
    scenario: PortfolioScenario,
    devices: dict[str, int],
    deployments: tuple[Deployment, ...],
    slots: tuple[Slot, ...],
) -> dict[str, float]:
    """Return what every service pays [USD/h]: a pool's rent in proportion to the device time used of it."""
    shares, rents = {service.name: 0.0 for service in scenario.models}, pool_rents(scenario.fleet)
    for pool, rented in devices.items():
        used: list[tuple[str, float]] = [
            (each.model, float(each.devices[pool])) for each in deployments if pool in each.devices
        ]
        used += [
            (member.model, slot.devices * member.load) for slot in slots if slot.pool == pool for member in slot.members
        ]
        rent = rented // scenario.fleet.pool(pool).unit * rents[pool].usd_per_unit_hour
        total = sum(amount for _, amount in used)
        for model, amount in used:
            shares[model] += rent * amount / total
    return shares


def _deployments(asked: Asked, choice: Choice, places: Places) -> tuple[Deployment, ...]:
    """Return replicas that are alike, with the groups that prefill for them, and the requests each get."""
    scenario, sets = asked.scenario, dict[int, PrefillSet]()
    if choice.prefills:
        every = prefill_choices(asked.library)
        sets = {every[index].index: every[index].groups for index in choice.prefills}
    held = [
        (kind.service, _plan(asked, kind, replicas_at(scenario, kind, number, places), (sets.get(index), places)))
        for index, (kind, number) in enumerate(zip(asked.library.kinds, choice.replicas, strict=True))
        if number
    ]
    capacity = dict.fromkeys(range(len(scenario.models)), 0.0)
    for service, plan in held:
        capacity[service] += plan.metrics.capacity_tokens_per_s if plan.metrics else 0.0
    return tuple(_deployment(asked, service, plan, capacity[service]) for service, plan in held)


def _plan(
    asked: Asked, kind: Kind, replicas: tuple[ReplicaDevices, ...], given: tuple[PrefillSet | None, Places]
) -> Plan:
    scenario, prompts = asked.scenario, asked.library.prompts[kind.service]
    name, (groups, places) = scenario.models[kind.service].name, given
    if prompts is None:
        return placed_plan(kind, replicas, name)
    where = Where(kind, replicas, name, prompts, reached(scenario, asked.library.usable[kind.service], kind.pools))
    if groups is None:
        return colocated_plan(where)
    return disaggregated_plan(where, groups, groups_at(scenario.fleet, groups, places))


def _deployment(asked: Asked, service: int, plan: Plan, capacity_tokens_per_s: float) -> Deployment:
    """Return a deployment; requests go where there is capacity, in proportion to it."""
    assert plan.metrics is not None
    assert plan.placement is not None
    asks, demand = asked.scenario.models[service], asked.demands[service]
    requests_per_s = demand.requests_per_s * plan.metrics.capacity_tokens_per_s / capacity_tokens_per_s
    return Deployment(
        model=asks.name,
        replicas=len(plan.placement.replicas),
        devices=plan.devices,
        requests_per_s=requests_per_s,
        ttft_s=ttft_s(plan, asks, requests_per_s),
        plan=plan,
    )


def _slot(asked: Asked, slot: ColdSlot, places: Places) -> Slot:
    first = places.take(slot.tier.pool, slot.devices)
    members = tuple(_member(asked, slot, turn, first) for turn in slot.turns)
    return Slot(
        pool=slot.tier.pool,
        tier=slot.tier.tier,
        first_device=first,
        devices=slot.devices,
        period_s=slot.period_s,
        timetable_load=slot.taken_s / slot.period_s,
        load=sum(member.load for member in members),
        members=members,
    )


def _member(asked: Asked, slot: ColdSlot, turn: Turn, first: int) -> SlotMember:
    service, demand = asked.scenario.models[turn.kind.service], asked.demands[turn.kind.service]
    here = Places({slot.tier.pool: {turn.devices: [first]}})
    turns_per_s = (1.0 - no_arrival(demand.arrivals, slot.period_s)) / slot.period_s
    return SlotMember(
        model=service.name,
        weights_bytes=turn.weights_bytes,
        switch_s=turn.switch_s,
        serve_s=turn.serve_s,
        batch_requests=turn.users,
        requests_per_turn=demand.requests_per_s * slot.period_s,
        overflow=overflow(demand.arrivals, slot.period_s, turn.users),
        switches_per_hour=3600.0 * turns_per_s,
        load=turns_per_s * (turn.switch_s + turn.serve_s),
        ttft_s=turn.ttft_s,
        plan=_plan(asked, turn.kind, replicas_at(asked.scenario, turn.kind, 1, here), (None, here)),
    )


def _model(
    asked: Asked, name: str, given: tuple[tuple[Deployment, ...], tuple[Slot, ...]], usd_per_hour: float
) -> ModelAnswer:
    index = asked.index(name)
    demand = asked.demands[index]
    own = [each for each in given[0] if each.model == name]
    turns = [(slot, member) for slot in given[1] for member in slot.members if member.model == name]
    plans = [each.plan for each in own] + [member.plan for _, member in turns]
    speeds = [plan.metrics.tokens_per_s_per_user for plan in plans if plan.metrics]
    capacity = sum(each.plan.metrics.capacity_tokens_per_s for each in own if each.plan.metrics)
    proven = min(asked.library.bounds[index][0].usd_per_million.values())
    is_decode = asked.scenario.phase is Phase.DECODE
    return ModelAnswer(
        model=name,
        mode=ModelMode.COLD if turns else ModelMode.RESIDENT,
        demand_tokens_per_s=demand.tokens_per_s,
        requests_per_s=demand.requests_per_s,
        capacity_tokens_per_s=demand.tokens_per_s if turns else capacity,
        tokens_per_s_per_user=min(speeds),
        switch_wait_s=max((slot.period_s + member.switch_s for slot, member in turns), default=0.0),
        ttft_s=max([each.ttft_s for each in own] + [member.ttft_s for _, member in turns]),
        usd_per_hour=usd_per_hour,
        usd_per_million_output_tokens=usd_per_hour / (3600 * demand.tokens_per_s) * 1e6,
        usd_per_request=usd_per_hour / (3600 * demand.requests_per_s),
        bound_usd_per_million_output_tokens=proven * demand.planned_tokens_per_s / demand.tokens_per_s,
        bound_usd_per_request=None if is_decode else proven * demand.output_tokens / 1e6,
    )


def _agent(agent: Agent, models: tuple[ModelAnswer, ...]) -> AgentAnswer:
    of = {model.model: model for model in models}

    def parts(call: Call) -> tuple[float, float, float]:
        model = of[call.model]
        return model.switch_wait_s, model.ttft_s, call.osl / model.tokens_per_s_per_user

    path = timed(agent, lambda call: sum(parts(call)))
    tokens_usd = (call.count * call.osl * of[call.model].usd_per_million_output_tokens / 1e6 for call in agent.calls)
    return AgentAnswer(
        name=agent.name,
        latency_s=max(each.end_s for each in path),
        end_to_end_s=agent.end_to_end,
        usd_per_run=sum(tokens_usd),
        calls=tuple(
            CallAnswer(
                id=each.call.id,
                model=each.call.model,
                start_s=each.start_s,
                switch_wait_s=parts(each.call)[0],
                ttft_s=parts(each.call)[1],
                decode_s=parts(each.call)[2],
                end_s=each.end_s,
                is_critical=each.is_critical,
            )
            for each in path
        ),
    )
