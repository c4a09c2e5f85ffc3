"""The master problem: replicas of every kind, slots of cold models and whole units, for the least rent (CP-SAT)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ortools.sat.python import cp_model

from placer.search.adapter import Answer, SolveStatus, solve
from placer.search.params import SolveParams
from placer.search.portfolio import latency
from placer.search.portfolio.problem import Block, Choice, Problem

#: Work limit of one solve [deterministic s].
WORK_LIMIT_S = 30.0
#: Rent in whole numbers: so many quanta for the dearest inventory.
MONEY_QUANTA = 10**11


@dataclass(frozen=True)
class MasterAnswer:
    """The cheapest choice, or None; whether either is proven."""

    choice: Choice | None
    is_proven: bool


@dataclass(frozen=True)
class Variables:
    """Variables of the master problem; ``blocks`` are what pools must hold, as (block, how many)."""

    replicas: tuple[cp_model.IntVar, ...]
    slots: tuple[cp_model.IntVar, ...]
    units: dict[str, cp_model.IntVar]
    prefills: tuple[cp_model.IntVar, ...]

    def blocks(self, problem: Problem) -> list[tuple[Block, cp_model.IntVar]]:
        """Return every block with the variable that says how often it is chosen."""
        pairs = zip(problem.columns, self.replicas, strict=True)
        chosen = [(block, variable) for column, variable in pairs for block in column.blocks]
        chosen += [
            (block, flag)
            for prefill, flag in zip(problem.prefills, self.prefills, strict=True)
            for block in prefill.blocks
        ]
        return chosen + [(slot.block, flag) for slot, flag in zip(problem.slots, self.slots, strict=True)]


def solve_master(problem: Problem, params: SolveParams, cuts: Sequence[Choice] = ()) -> MasterAnswer:
    """Return the choice that rents for least; among equals, the one whose devices in use cost least.

    Parameters
    ----------
    problem
        Demands, columns, slots, agents.
    params
        Gives the seed.
    cuts
        Choices whose blocks do not fit into the domains of their units.
    """
    rents = _quantized_rents(problem)
    model, variables = build(problem, cuts)
    rent = sum(rents[name] * units for name, units in variables.units.items())
    model.minimize(rent)
    first = solve(model, params, WORK_LIMIT_S)
    if not first.has_solution:
        return MasterAnswer(None, first.status is SolveStatus.INFEASIBLE)
    model, again = build(problem, cuts)
    model.add(sum(rents[name] * units for name, units in again.units.items()) <= first.objective)
    weights = {name: rents[name] // problem.pools[name].pool.unit for name in rents}
    model.minimize(
        sum(weights[block.pool] * block.size * block.count * chosen for block, chosen in again.blocks(problem))
    )
    second = solve(model, params, WORK_LIMIT_S)
    best, found = (second, again) if second.has_solution else (first, variables)
    return MasterAnswer(_choice(best, found), first.status is SolveStatus.OPTIMAL)


def build(problem: Problem, cuts: Sequence[Choice]) -> tuple[cp_model.CpModel, Variables]:
    """Return the model without an objective, and its variables."""
    model = cp_model.CpModel()
    variables = Variables(
        tuple(model.new_int_var(0, column.most, f"n[{i}]") for i, column in enumerate(problem.columns)),
        tuple(model.new_bool_var(f"slot[{i}]") for i in range(len(problem.slots))),
        {name: model.new_int_var(0, rent.num_units, f"units[{name}]") for name, rent in problem.pools.items()},
        tuple(model.new_bool_var(f"prefill[{i}]") for i in range(len(problem.prefills))),
    )
    _add_demands(model, variables, problem)
    _add_room(model, variables, problem)
    _add_latency(model, variables, problem)
    for number, cut in enumerate(cuts):
        _add_cut(model, variables, (problem, cut, number))
    return model, variables


def _quantized_rents(problem: Problem) -> dict[str, int]:
    most = sum(rent.num_units * rent.usd_per_unit_hour for rent in problem.pools.values())
    return {name: max(1, round(rent.usd_per_unit_hour / most * MONEY_QUANTA)) for name, rent in problem.pools.items()}


def _add_demands(model: cp_model.CpModel, variables: Variables, problem: Problem) -> None:
    """Serve every model by replicas of its own, or in exactly one slot."""
    for index, demand in enumerate(problem.demands):
        resident = model.new_bool_var(f"resident[{index}]")
        turns = [
            flag
            for slot, flag in zip(problem.slots, variables.slots, strict=True)
            if any(turn.model == index for turn in slot.turns)
        ]
        model.add_exactly_one([resident, *turns])
        served: list[cp_model.LinearExprT] = []
        for number, column in enumerate(problem.columns):
            if column.model == index:
                replicas = variables.replicas[number]
                model.add(replicas <= column.most * resident)
                made = column.rate * replicas
                served.append(_prefilled(model, variables, problem, number) if column.needs_prefill else made)
        model.add(sum(served) >= demand * resident)


def _prefilled(model: cp_model.CpModel, variables: Variables, problem: Problem, index: int) -> cp_model.IntVar:
    """Return what replicas of a column serve: what they decode, and what one choice of groups prefills for them."""
    column, replicas = problem.columns[index], variables.replicas[index]
    own = [
        (prefill, flag)
        for prefill, flag in zip(problem.prefills, variables.prefills, strict=True)
        if prefill.column == index
    ]
    served = model.new_int_var(0, column.rate * column.most, f"served[{index}]")
    model.add(served <= column.rate * replicas)
    model.add(served <= sum(prefill.rate * flag for prefill, flag in own))
    model.add_at_most_one(flag for _, flag in own)
    # Groups without replicas, and replicas without groups, are of no use.
    model.add(sum(flag for _, flag in own) <= replicas)
    model.add(replicas <= column.most * sum(flag for _, flag in own))
    return served


def _add_room(model: cp_model.CpModel, variables: Variables, problem: Problem) -> None:
    """Fit devices into units, and of blocks of some size or larger as many as a domain has room for."""
    chosen = variables.blocks(problem)
    for name, rent in problem.pools.items():
        here = [(block, number) for block, number in chosen if block.pool == name]
        units, pool = variables.units[name], rent.pool
        model.add(sum(block.size * block.count * number for block, number in here) <= units * pool.unit)
        for size in sorted({block.size for block, _ in here if block.size <= pool.domain}):
            large = sum(
                max(1, block.size // pool.domain)
                * (pool.domain // size if block.size > pool.domain else 1)
                * block.count
                * number
                for block, number in here
                if block.size >= size
            )
            if pool.unit >= pool.domain:
                model.add(large <= units * (pool.unit // pool.domain) * (pool.domain // size))
            else:
                model.add(large <= rent.domains(rent.num_units) * (pool.domain // size))


def _add_latency(model: cp_model.CpModel, variables: Variables, problem: Problem) -> None:
    """Let every model be as slow as the slowest replica or turn in use, and agents in time all the same."""
    if not problem.chains:
        return
    times = [(column.tpot_quanta, column.base_quanta) for column in problem.columns]
    times += [(turn.tpot_quanta, turn.base_quanta) for slot in problem.slots for turn in slot.turns]
    times += [(0, prefill.base_quanta) for prefill in problem.prefills]
    most_tpot, most_base = (max((pair[side] for pair in times), default=0) for side in (0, 1))
    num_models = len(problem.demands)
    tpot = [model.new_int_var(0, most_tpot, f"tpot[{i}]") for i in range(num_models)]
    base = [model.new_int_var(0, most_base, f"base[{i}]") for i in range(num_models)]
    for index, (column, number) in enumerate(zip(problem.columns, variables.replicas, strict=True)):
        used = model.new_bool_var(f"used[{index}]")
        model.add(number <= column.most * used)
        model.add(tpot[column.model] >= column.tpot_quanta * used)
        model.add(base[column.model] >= column.base_quanta * used)
    for prefill, flag in zip(problem.prefills, variables.prefills, strict=True):
        model.add(base[problem.columns[prefill.column].model] >= prefill.base_quanta * flag)
    for slot, flag in zip(problem.slots, variables.slots, strict=True):
        for turn in slot.turns:
            model.add(tpot[turn.model] >= turn.tpot_quanta * flag)
            model.add(base[turn.model] >= turn.base_quanta * flag)
    latency.add(model, tpot, base, problem.chains)


def _add_cut(model: cp_model.CpModel, variables: Variables, given: tuple[Problem, Choice, int]) -> None:
    """Forbid a choice that does not fit, and every one with as many blocks of it or more on no more units."""
    problem, cut, number = given
    differs: list[cp_model.LiteralT] = []
    for index, replicas in enumerate(cut.replicas):
        if replicas:
            fewer = model.new_bool_var(f"fewer[{number},{index}]")
            model.add(variables.replicas[index] <= replicas - 1).only_enforce_if(fewer)
            differs.append(fewer)
    differs += [variables.slots[index].negated() for index in cut.slots]
    differs += [variables.prefills[index].negated() for index in cut.prefills]
    for name, units in cut.units.items():
        if units < problem.pools[name].num_units:
            more = model.new_bool_var(f"more[{number},{name}]")
            model.add(variables.units[name] >= units + 1).only_enforce_if(more)
            differs.append(more)
    model.add_bool_or(differs)


def _choice(answer: Answer, variables: Variables) -> Choice:
    value = answer.solver.value
    return Choice(
        tuple(value(number) for number in variables.replicas),
        tuple(index for index, flag in enumerate(variables.slots) if value(flag)),
        {name: value(units) for name, units in variables.units.items()},
        tuple(index for index, flag in enumerate(variables.prefills) if value(flag)),
    )
