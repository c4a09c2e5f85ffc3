"""Master problem, packing and bound against brute force."""

import importlib.util
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from placer.catalog.fleet import Pool
from placer.portfolio.solve import choose
from placer.search.params import SolveParams
from placer.search.portfolio.packing import pack
from placer.search.portfolio.problem import (
    Block,
    Chain,
    ChainCall,
    Column,
    PoolRent,
    PrefillColumn,
    Problem,
    SlotColumn,
    Turn,
)
from placer.search.portfolio.relaxation import Level, ServiceBound, Spending, Way, solve_relaxation

_SPEC = importlib.util.spec_from_file_location("brute", Path(__file__).with_name("brute.py"))
brute = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(brute)


@st.composite
def pools(draw, name):
    domain, units_or_parts = draw(
        st.sampled_from([(1, 1), (2, 1), (4, 1), (4, 2), (4, 4), (2, 4), (6, 6), (6, 2), (1, 4)])
    )
    unit = units_or_parts
    count = max(domain, unit) * draw(st.integers(1, 2))
    pool = Pool(name=name, device="d", count=count, unit=unit, domain=domain, scale_up="l", scale_out="l")
    return PoolRent(pool, unit * draw(st.sampled_from([1.0, 2.0, 3.5])))


@st.composite
def blocks(draw, rents):
    pool = draw(st.sampled_from(sorted(rents))) if rents else None
    rent = rents[pool]
    sizes = [size for size in range(1, rent.pool.domain + 1) if size <= rent.pool.count]
    if rent.pool.count >= 2 * rent.pool.domain:
        sizes.append(2 * rent.pool.domain)
    size = draw(st.sampled_from(sizes))
    return Block(pool, size, draw(st.integers(1, 2)) if size <= rent.pool.domain else 1)


@st.composite
def problems(draw):
    rents = {name: draw(pools(name)) for name in ("a", "b")[: draw(st.integers(1, 2))]}
    num_models = draw(st.integers(1, 2))
    columns = tuple(
        Column(
            model=draw(st.integers(0, num_models - 1)),
            rate=draw(st.integers(1, 5)),
            most=draw(st.integers(1, 3)),
            blocks=(draw(blocks(rents)),),
            tpot_quanta=draw(st.integers(1, 4)),
            base_quanta=draw(st.integers(0, 3)),
            needs_prefill=draw(st.booleans()),
        )
        for _ in range(draw(st.integers(1, 4)))
    )
    decoding = [index for index, column in enumerate(columns) if column.needs_prefill]
    prefills = tuple(
        PrefillColumn(
            draw(st.sampled_from(decoding)), draw(st.integers(1, 9)), (draw(blocks(rents)),), draw(st.integers(0, 3))
        )
        for _ in range(draw(st.integers(0, 3)) if decoding else 0)
    )
    slots = ()
    if num_models == 2 and draw(st.booleans()):
        block = draw(blocks(rents).filter(lambda block: block.size <= rents[block.pool].pool.domain))
        turns = tuple(Turn(model, draw(st.integers(1, 4)), draw(st.integers(0, 9))) for model in range(2))
        slots = (SlotColumn(turns, Block(block.pool, block.size, 1)),)
    calls = []
    for index in range(draw(st.integers(0, 3))):
        after = tuple(before for before in range(index) if draw(st.booleans()))
        calls.append(ChainCall(draw(st.integers(0, num_models - 1)), draw(st.integers(1, 3)), after))
    chains = (Chain(tuple(calls), draw(st.integers(1, 30))),) if calls else ()
    demands = tuple(draw(st.integers(1, 8)) for _ in range(num_models))
    return Problem(rents, demands, columns, slots, chains, prefills)


@given(problems())
@settings(max_examples=120)
def test_the_choice_is_the_cheapest_that_serves_fits_and_is_in_time(problem):
    least = brute.cheapest(problem)
    chosen = choose(problem, SolveParams())
    assert chosen.is_proven
    assert (chosen.choice is None) == (least is None)
    if chosen.choice is not None:
        rent = sum(problem.pools[name].usd_per_unit_hour * units for name, units in chosen.choice.units.items())
        assert abs(rent - least) < 1e-9
        check_starts(problem, chosen)


def check_starts(problem, chosen):
    for name, starts in chosen.starts.items():
        pool = problem.pools[name].pool
        assert {size: len(at) for size, at in starts.items()} == chosen.choice.blocks(problem, name)
        used = [device for size, at in starts.items() for first in at for device in range(first, first + size)]
        assert len(used) == len(set(used))
        assert max(used, default=0) < pool.count
        assert len({device // pool.unit for device in used}) <= chosen.choice.units[name]
        for size, at in starts.items():
            for first in at:
                assert first // pool.domain == (first + size - 1) // pool.domain or first % pool.domain == 0


def spending(problem, blocks, times):
    """Return what some blocks, taken so many times, cost device by device."""
    (block,) = blocks
    rent = problem.pools[block.pool]
    return Spending((block.pool,), block.size * block.count * rent.usd_per_unit_hour / rent.pool.unit * times)


@given(problems())
@settings(max_examples=120)
def test_the_bound_holds_for_the_cheapest_choice(problem):
    # Prices of the columns themselves: of a model's tokens, no cheaper way exists than its cheapest column or turn.
    services = []
    for model, demand in enumerate(problem.demands):
        ways = []
        for index, column in enumerate(problem.columns):
            if column.model == model:
                own = [each for each in problem.prefills if each.column == index]
                paid = spending(problem, column.blocks, demand / column.rate)
                ways += [
                    Way((paid, spending(problem, each.blocks, demand / each.rate)), each.base_quanta) for each in own
                ]
                ways += [] if column.needs_prefill else [Way((paid,), column.base_quanta)]
        for slot in problem.slots:
            bases = [turn.base_quanta for turn in slot.turns if turn.model == model]
            ways += [Way((Spending((slot.block.pool,), 0.0),), base) for base in bases]
        times = [c.tpot_quanta for c in problem.columns if c.model == model]
        times += [t.tpot_quanta for slot in problem.slots for t in slot.turns if t.model == model]
        services.append(ServiceBound((Level(min(times, default=1), tuple(ways), 0.0),)))
    relaxed = solve_relaxation(problem.pools, services, problem.chains, SolveParams())
    least = brute.cheapest(problem)
    if least is not None:
        assert not relaxed.is_infeasible
        assert relaxed.usd_per_hour <= least * (1 + 1e-9)


def test_seven_blocks_of_three_do_not_fit_six_domains_of_four():
    # 21 of 24 devices, but a domain has room for one block only.
    pool = Pool(name="p", device="d", count=24, unit=4, domain=4, scale_up="l", scale_out="l")
    assert pack(PoolRent(pool, 1.0), {3: 6}, 6)[0] == {3: [0, 4, 8, 12, 16, 20]}
    assert pack(PoolRent(pool, 1.0), {3: 7}, 6) == (None, True)


def test_first_fit_is_not_the_last_word():
    # First fit puts 4 + 4 and 3 + 3 + 3 into domains of ten and has a 3 left; 4 + 3 + 3 fills each.
    pool = Pool(name="p", device="d", count=20, unit=10, domain=10, scale_up="l", scale_out="l")
    starts, _ = pack(PoolRent(pool, 1.0), {4: 2, 3: 4}, 2)
    assert sorted(starts[4] + starts[3]) == [0, 4, 7, 10, 14, 17]


def test_a_rack_of_several_domains_is_rented_whole():
    pool = Pool(name="p", device="d", count=16, unit=8, domain=2, scale_up="l", scale_out="l")
    assert pack(PoolRent(pool, 1.0), {2: 4}, 1)[0] == {2: [0, 2, 4, 6]}
    assert pack(PoolRent(pool, 1.0), {2: 5}, 1) == (None, True)
    assert pack(PoolRent(pool, 1.0), {4: 1, 1: 4}, 1)[0] == {4: [0], 1: [4, 5, 6, 7]}
