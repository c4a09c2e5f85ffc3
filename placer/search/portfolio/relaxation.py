"""A bound on every portfolio: dollars each model must spend on each pool, in whole units of rent (CP-SAT).

Whatever mix of replicas and turns serves a model, a token of it costs at least what the bound of a plan at the slowest
allowed speed says, device by device: replicas hold their devices, and a slot gives a model the time it uses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ortools.sat.python import cp_model

from placer.search.adapter import SolveStatus, solve
from placer.search.params import SolveParams
from placer.search.portfolio import latency
from placer.search.portfolio.problem import Chain, PoolRent

#: Work limit [deterministic s].
WORK_LIMIT_S = 30.0
#: Whole numbers: shares of a demand, and quanta of the dearest inventory's rent.
SHARES, MONEY_QUANTA = 10**4, 10**11
#: What costs more than so many quanta cannot be paid anyway.
MOST_QUANTA = 100 * MONEY_QUANTA
#: Bounds of plans may carry this much rounding.
ROUNDING = 3e-6


@dataclass(frozen=True)
class Spending:
    """What the whole demand of a model costs on some pools at least [US dollars per hour]."""

    pools: tuple[str, ...]
    usd_per_hour: float


@dataclass(frozen=True)
class Way:
    """A way to serve a model.

    Attributes
    ----------
    spending
        What is spent where, all of it; such as decode on some pools and prefill on another.
    base_quanta
        The least time before the first token [quanta of time].
    """

    spending: tuple[Spending, ...]
    base_quanta: int


@dataclass(frozen=True)
class Level:
    """Speeds of a model from one of the grid up to the next.

    Attributes
    ----------
    least_tpot_quanta
        No plan of these speeds has a shorter time per token [quanta of time].
    ways
        Ways to serve the model; its demand is shared among them.
    least_usd_per_hour
        What the model costs at least, however little it is asked.
    """

    least_tpot_quanta: int
    ways: tuple[Way, ...]
    least_usd_per_hour: float


@dataclass(frozen=True)
class ServiceBound:
    """Levels of a model."""

    levels: tuple[Level, ...]


@dataclass(frozen=True)
class RelaxedAnswer:
    """The bound [US dollars per hour], or that there is no portfolio at all."""

    usd_per_hour: float
    is_infeasible: bool


@dataclass(frozen=True)
class _Money:
    """Rent in whole numbers, rounded for the portfolio."""

    usd_per_quantum: float

    def down(self, usd_per_hour: float) -> int:
        return int(usd_per_hour * (1.0 - ROUNDING) / self.usd_per_quantum)

    def up(self, usd_per_hour: float) -> int:
        return int(usd_per_hour * (1.0 + ROUNDING) / self.usd_per_quantum) + 1


def solve_relaxation(
    pools: dict[str, PoolRent], services: Sequence[ServiceBound], chains: Sequence[Chain], params: SolveParams
) -> RelaxedAnswer:
    """Return the bound.

    Parameters
    ----------
    pools
        What can be rented.
    services, chains
        Models and agents.
    params
        Gives the seed.
    """
    most = sum(rent.num_units * rent.usd_per_unit_hour for rent in pools.values())
    money = _Money(most / MONEY_QUANTA)
    model = cp_model.CpModel()
    units = {name: model.new_int_var(0, rent.num_units, f"units[{name}]") for name, rent in pools.items()}
    spent: dict[str, list[cp_model.IntVar]] = {name: [] for name in pools}
    tpots: list[latency.Time] = []
    bases: list[latency.Time] = []
    for index, service in enumerate(services):
        flags = [model.new_bool_var(f"level[{index},{k}]") for k in range(len(service.levels))]
        model.add_exactly_one(flags)
        tpots.append(sum(level.least_tpot_quanta * flag for level, flag in zip(service.levels, flags, strict=True)))
        base = model.new_int_var(0, _longest_base(service), f"base[{index}]")
        bases.append(base)
        for level, flag in zip(service.levels, flags, strict=True):
            for used, base_quanta in _add_level(model, (level, flag), spent, money):
                model.add(base >= base_quanta * used)
    for name, rent in pools.items():
        model.add(sum(spent[name]) <= money.up(rent.usd_per_unit_hour) * units[name])
    latency.add(model, tpots, bases, chains)
    # Rents are exact: what rounding down to quanta takes away is all a bound can lose here.
    model.minimize(
        sum(int(rent.usd_per_unit_hour / money.usd_per_quantum) * units[name] for name, rent in pools.items())
    )
    answer = solve(model, params, WORK_LIMIT_S)
    if answer.status is SolveStatus.INFEASIBLE:
        return RelaxedAnswer(0.0, is_infeasible=True)
    return RelaxedAnswer(max(0.0, answer.bound * money.usd_per_quantum), is_infeasible=False)


def _longest_base(service: ServiceBound) -> int:
    return max((way.base_quanta for level in service.levels for way in level.ways), default=0)


def _add_level(
    model: cp_model.CpModel,
    chosen: tuple[Level, cp_model.IntVar],
    spent: dict[str, list[cp_model.IntVar]],
    money: _Money,
) -> list[tuple[cp_model.IntVar, int]]:
    """Spend enough, at one level of a model: for its tokens in each way, and in all.

    Returns
    -------
    list of tuple
        Whether each way is used, and the least time before its first token [quanta of time].
    """
    level, flag = chosen
    shares, everything, bases = [], [], []
    for way in level.ways:
        share = model.new_int_var(0, SHARES, "share")
        used = model.new_bool_var("used")
        model.add(share <= SHARES * used)
        model.add_implication(used, flag)
        bases.append((used, way.base_quanta))
        for part in way.spending:
            paid = [model.new_int_var(0, MONEY_QUANTA, f"spent[{pool}]") for pool in part.pools]
            for pool, amount in zip(part.pools, paid, strict=True):
                spent[pool].append(amount)
            # A share, and every amount, may be a fraction of one larger than its whole number.
            model.add(SHARES * (sum(paid) + len(paid)) >= min(money.down(part.usd_per_hour), MOST_QUANTA) * share)
            everything += paid
        shares.append(share)
    model.add(sum(shares) + len(shares) >= SHARES * flag)
    model.add(sum(everything) + len(everything) >= min(money.down(level.least_usd_per_hour), MOST_QUANTA) * flag)
    if not shares:
        model.add(flag == 0)
    return bases
