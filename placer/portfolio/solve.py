"""From plans to the cheapest choice among them, one that fits into domains, and the bound on every other."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from placer.catalog.fleet import Fleet
from placer.catalog.price import Ownership
from placer.errors import ScenarioError
from placer.plan.placement import GroupPlan
from placer.portfolio.chains import ordered
from placer.portfolio.clock import Clock, clock_of, rate_quanta
from placer.portfolio.cold import ColdSlot
from placer.portfolio.columns import Kind, Library, SpeedBounds
from placer.portfolio.demand import Demand
from placer.portfolio.prefill import PrefillSet, Prompts
from placer.portfolio.times import ttft_s
from placer.scenario.portfolio import Phase, PortfolioScenario, Residency
from placer.search.params import SolveParams
from placer.search.portfolio.master import solve_master
from placer.search.portfolio.packing import pack
from placer.search.portfolio.problem import (
    Block,
    Chain,
    ChainCall,
    Choice,
    Column,
    PoolRent,
    PrefillColumn,
    Problem,
    SlotColumn,
    Turn,
)
from placer.search.portfolio.relaxation import (
    ROUNDING,
    Level,
    RelaxedAnswer,
    ServiceBound,
    Spending,
    Way,
    solve_relaxation,
)

#: Choices that may turn out not to fit before the search gives up.
MOST_CUTS = 200


@dataclass(frozen=True)
class Chosen:
    """The cheapest choice, where its blocks start by pool and size, whether it is proven, and how many did not fit."""

    choice: Choice | None
    starts: dict[str, dict[int, list[int]]]
    is_proven: bool
    cuts: int


def pool_rents(fleet: Fleet) -> dict[str, PoolRent]:
    """Return every pool with the rent of a unit.

    Raises
    ------
    ScenarioError
        If a pool has no price on the fleet's basis, or owned devices are beside rented ones.
    """
    rents = {}
    owned = {isinstance(fleet.device_of(pool.name).price.get(fleet.price_basis), Ownership) for pool in fleet.pools}
    if len(owned) > 1:
        raise ScenarioError("owned devices beside rented ones; bases are never mixed", where="fleet")
    for pool in fleet.pools:
        price = fleet.usd_per_hour(pool.name)
        if price is None:
            raise ScenarioError(f'no price on the basis "{fleet.price_basis}"', where=f"fleet.pools[{pool.name}]")
        rents[pool.name] = PoolRent(pool, pool.unit * price)
    return rents


def blocks_of(fleet: Fleet, groups: tuple[GroupPlan, ...]) -> tuple[Block, ...]:
    """Return the devices of one replica that must lie together: a group, or its stages where it exceeds a domain."""
    blocks = []
    for group in groups:
        if group.num_devices <= fleet.pool(group.pool).domain:
            blocks.append(Block(group.pool, group.num_devices, 1))
        else:
            blocks.append(Block(group.pool, group.width, group.stages))
    return tuple(blocks)


def prefill_blocks(fleet: Fleet, groups: PrefillSet) -> tuple[Block]:
    """Return the devices of groups that prefill, by what must lie together."""
    shape = groups.kind.shape
    if shape.num_devices <= fleet.pool(shape.pool).domain:
        return (Block(shape.pool, shape.num_devices, groups.groups),)
    return (Block(shape.pool, shape.width, shape.stages * groups.groups),)


def build_problem(
    scenario: PortfolioScenario, demands: tuple[Demand, ...], library: Library, slots: tuple[ColdSlot, ...]
) -> Problem:
    """Return the master problem; times and demands are rounded up, rates down."""
    clock, quanta, kinds = clock_of(scenario), rate_quanta(demands), library.kinds
    return Problem(
        pools=pool_rents(scenario.fleet),
        demands=tuple(math.ceil(demand.planned_tokens_per_s * quanta) for demand in demands),
        columns=tuple(_column(scenario, demands, kind, clock) for kind in kinds),
        slots=tuple(_slot_column(slot, clock) for slot in slots),
        chains=chains_of(scenario, clock),
        prefills=tuple(_prefill_column(scenario, demands, each, clock) for each in prefill_choices(library)),
    )


@dataclass(frozen=True)
class PrefillChoice:
    """Groups that prefill for the replicas of a kind, by its index among all kinds."""

    index: int
    kind: Kind
    groups: PrefillSet


def prefill_choices(library: Library) -> tuple[PrefillChoice, ...]:
    """Return all groups that prefill, in the order of the master problem's prefill columns."""
    sets: dict[tuple[int, tuple[str, ...]], tuple[PrefillSet, ...]] = {}
    choices = []
    for index, kind in enumerate(library.kinds):
        prompts = library.prompts[kind.service]
        if prompts is None or kind.plan.phases is not None:
            continue
        key = (kind.service, kind.pools)
        if key not in sets:
            sets[key] = prompts.sets(kind.pools)
        choices += [PrefillChoice(index, kind, each) for each in sets[key]]
    return tuple(choices)


def _prefill_column(
    scenario: PortfolioScenario, demands: tuple[Demand, ...], choice: PrefillChoice, clock: Clock
) -> PrefillColumn:
    tokens_per_s = choice.groups.prompts_per_s * demands[choice.kind.service].output_tokens
    return PrefillColumn(
        column=choice.index,
        rate=int(tokens_per_s * rate_quanta(demands)),
        blocks=prefill_blocks(scenario.fleet, choice.groups),
        base_quanta=clock.up(choice.groups.ttft_s),
    )


def _column(scenario: PortfolioScenario, demands: tuple[Demand, ...], kind: Kind, clock: Clock) -> Column:
    service, demand = scenario.models[kind.service], demands[kind.service]
    blocks = blocks_of(scenario.fleet, kind.plan.groups)
    needs_prefill = scenario.phase is Phase.SERVICE and kind.plan.phases is None
    base_s = 0.0 if needs_prefill else ttft_s(kind.plan, service, min(demand.requests_per_s, kind.requests_per_s))
    held = {block.pool: block.size * block.count for block in blocks}
    room = min(scenario.fleet.pool(pool).count // devices for pool, devices in held.items())
    return Column(
        model=kind.service,
        rate=int(kind.rate * rate_quanta(demands)),
        most=min(room, math.ceil(demand.planned_tokens_per_s / kind.rate) + 1),
        blocks=blocks,
        tpot_quanta=clock.up(kind.tpot_s),
        base_quanta=clock.up(base_s),
        needs_prefill=needs_prefill,
    )


def _slot_column(slot: ColdSlot, clock: Clock) -> SlotColumn:
    turns = tuple(
        Turn(
            turn.kind.service,
            clock.up(turn.kind.tpot_s),
            clock.up(slot.period_s + turn.switch_s + turn.ttft_s),
        )
        for turn in slot.turns
    )
    return SlotColumn(turns, Block(slot.tier.pool, slot.devices, 1))


def chains_of(scenario: PortfolioScenario, clock: Clock) -> tuple[Chain, ...]:
    """Return the agents in numbers."""
    numbers = {service.name: index for index, service in enumerate(scenario.models)}
    chains = []
    for agent in scenario.agents:
        calls = ordered(agent)
        place = {call.id: index for index, call in enumerate(calls)}
        chains.append(
            Chain(
                tuple(
                    ChainCall(numbers[call.model], call.osl, tuple(place[name] for name in call.after))
                    for call in calls
                ),
                clock.down(agent.end_to_end),
            )
        )
    return tuple(chains)


def choose(problem: Problem, params: SolveParams) -> Chosen:
    """Return the cheapest choice that fits into the domains of its units."""
    cuts: list[Choice] = []
    is_proven = True
    while len(cuts) < MOST_CUTS:
        answer = solve_master(problem, params, cuts)
        is_proven &= answer.is_proven
        if answer.choice is None:
            return Chosen(None, {}, is_proven, len(cuts))
        starts, misfit_proven = _packed(problem, answer.choice)
        if starts is not None:
            return Chosen(answer.choice, starts, is_proven, len(cuts))
        is_proven &= misfit_proven
        cuts.append(answer.choice)
    return Chosen(None, {}, is_proven=False, cuts=len(cuts))


def _packed(problem: Problem, choice: Choice) -> tuple[dict[str, dict[int, list[int]]] | None, bool]:
    starts = {}
    for name, rent in problem.pools.items():
        found, is_proven = pack(rent, choice.blocks(problem, name), choice.units[name])
        if found is None:
            return None, is_proven
        starts[name] = found
    return starts, True


def relax(
    scenario: PortfolioScenario, demands: tuple[Demand, ...], library: Library, params: SolveParams
) -> RelaxedAnswer:
    """Return what no portfolio of the declared space can beat [US dollars per hour]."""
    services, clock = [], clock_of(scenario)
    for index, (service, demand, bounds) in enumerate(zip(scenario.models, demands, library.bounds, strict=True)):
        may_be_cold = service.residency is not Residency.RESIDENT
        given = (demand, library.prompts[index], service.ttft or 0.0)
        levels = [_level(at, given, clock, may_be_cold=may_be_cold) for at in bounds]
        # Speeds from one of the grid up to the next; beyond the last one what is not proven impossible.
        impossible = library.too_fast[index]
        ends = [*(at.speed for at in bounds[1:]), *([impossible] if impossible else [])]
        nexts = [clock.down(1.0 / speed) for speed in ends]
        closed = [replace(level, least_tpot_quanta=tpot) for level, tpot in zip(levels, nexts, strict=False)]
        services.append(ServiceBound((*closed, *levels[len(closed) :])))
    return solve_relaxation(pool_rents(scenario.fleet), services, chains_of(scenario, clock), params)


def _level(at: SpeedBounds, given: tuple[Demand, Prompts | None, float], clock: Clock, *, may_be_cold: bool) -> Level:
    """Return what is proven at a speed; ``given`` are demand, prefill, and the TTFT where none is planned [s]."""
    demand, prompts, stated_s = given
    hourly = demand.planned_tokens_per_s * 3600 / 1e6
    ways: list[Way] = []
    for pools in at.usd_per_million:
        decode = Spending(pools, at.decode[pools] * hourly)
        if prompts is None:
            ways.append(Way((decode,), clock.down(stated_s)))
            continue
        first = {pool: clock.down(ttft_s * (1.0 - ROUNDING)) for pool, ttft_s in prompts.least_ttft_s.items()}
        if math.isfinite(at.colocated[pools]):
            ways.append(Way((Spending(pools, at.colocated[pools] * hourly),), first.get(pools[0], 0)))
        if math.isfinite(at.decode[pools]):
            each = prompts.usd_per_prompt(pools)
            ways += [
                Way((decode, Spending((pool,), usd * demand.requests_per_s * 3600)), first[pool])
                for pool, usd in each.items()
            ]
    return Level(0, tuple(ways), 0.0 if may_be_cold else min(at.usd_per_hour.values()))
