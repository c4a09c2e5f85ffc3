"""What a move takes: bytes from where to where, time, devices, sessions."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.catalog.fleet import Fleet
from placer.compare.compare import compare_plans
from placer.compare.ledger import Ledger, Wiring, interval
from placer.compare.sites import dealt
from placer.plan.replanning import STORAGE_BYTES_PER_S

NS = 1e-9
CUTS = st.sampled_from([1, 2, 3, 4, 6, 8])


@pytest.fixture(scope="module")
def wiring(raw, written):
    """Eight devices in domains of two: 1 GB/s inside and outside."""
    return Wiring(written(raw("dense")).scenario.fleet)


def _device(number):
    return ("pool", number)


def _bytes(ledger):
    return {(transfer.source, transfer.target): transfer.bytes for transfer in ledger.transfers}


def test_a_half_comes_from_the_device_that_has_it(wiring):
    ledger = Ledger(wiring)
    ledger.take(100.0, {_device(0): [(0.0, 0.5)], _device(1): [(0.5, 1.0)]}, {_device(0): (0.0, 1.0)})
    assert _bytes(ledger) == {("pool[1]", "pool[0]"): 50}
    assert (ledger.kept_bytes, ledger.storage_bytes) == (50.0, 0.0)


def test_what_nobody_has_comes_from_storage(wiring):
    ledger = Ledger(wiring)
    ledger.take(100.0, {_device(1): [(0.5, 1.0)]}, {_device(0): (0.25, 1.0)})
    assert _bytes(ledger) == {("storage", "pool[0]"): 25, ("pool[1]", "pool[0]"): 50}


def test_a_device_of_the_domain_is_asked_first(wiring):
    ledger = Ledger(wiring)
    everybody = {_device(number): [(0.0, 1.0)] for number in (1, 2, 4, 6)}
    ledger.take(8.0, everybody, {_device(0): (0.0, 1.0), _device(7): (0.0, 1.0)})
    assert _bytes(ledger) == {("pool[1]", "pool[0]"): 8, ("pool[6]", "pool[7]"): 8}
    assert {route.link for route in ledger.routes()} == {"inner"}


@given(CUTS, CUTS, CUTS)
def test_every_byte_is_kept_or_comes_from_a_device_that_had_it(before, after, most):
    fleet = {
        "name": "toy",
        "price_basis": "tco",
        "pools": [{"name": "pool", "device": "chip", "count": 8, "domain": 8, "scale_up": "inner"}],
        "devices": {"chip": _chip()},
        "link_types": {"inner": {"name": "inner", "bandwidth": "1 GB/s", "latency": "1 us"}},
    }
    ledger = Ledger(Wiring(Fleet.model_validate(fleet)))
    held = {_device(rank): [interval(rank, before, most)] for rank in range(before)}
    wanted = {_device(rank): interval(rank, after, most) for rank in range(after)}
    ledger.take(840.0, held, wanted)
    total = sum(840.0 * (high - low) for low, high in wanted.values())
    assert ledger.kept_bytes + ledger.moved_bytes == pytest.approx(total)
    assert ledger.storage_bytes == 0.0
    # By 840ths: what a device wants and did not hold, counted one by one.
    missing = 0
    for device, (low, high) in wanted.items():
        own = held.get(device, [(0.0, 0.0)])[0]
        missing += sum(
            low * 840 - 0.5 <= unit < high * 840 - 0.5 and not own[0] * 840 - 0.5 <= unit < own[1] * 840 - 0.5
            for unit in range(840)
        )
    assert ledger.moved_bytes == pytest.approx(missing)


def _chip():
    kernel = {"floor": "1 us", "mbu": 1.0, "mfu": 1.0}
    return {
        "name": "chip",
        "memory": [{"tier": "hbm", "capacity": "1 GB", "bandwidth": "1 GB/s"}],
        "peak": {"bf16": "1 TFLOP/s"},
        "kernels": [{"family": family, **kernel} for family in ("gemm", "attention", "moe")],
        "power": "100 W",
        "price": {"tco": "1 USD/h"},
    }


def test_parts_of_all_ranks_cover_a_matrix_once_for_every_copy():
    for ranks, most in itertools.product(range(1, 9), range(1, 9)):
        if ranks % most == 0 or ranks <= most:
            copies = ranks // min(ranks, most)
            parts = [interval(rank, ranks, most) for rank in range(ranks)]
            assert sum(high - low for low, high in parts) == pytest.approx(copies)


def test_a_replica_on_other_devices_takes_its_weights_along(raw, written):
    """`dense` on devices 2 and 3, then on 0 and 1 of the other domain: 424 B each over a link of 1 GB/s."""
    before, after = raw("dense"), raw("dense")
    after["placement"]["replicas"] = [{"first_device": {"host": [0]}}]
    moving = compare_plans(written(before), written(after)).moving
    assert (moving.kept_devices, moving.kept_bytes, moving.bytes, moving.storage_bytes) == (0, 0.0, 848, 0)
    (route,) = moving.routes
    assert (route.source, route.target, route.link, route.devices, route.bytes) == ("pool", "pool", "outer", 2, 848)
    received = {}
    for transfer in moving.transfers:
        received[transfer.target] = received.get(transfer.target, 0) + transfer.bytes
    assert received == {"pool[0]": 424, "pool[1]": 424}
    # Matrices come from the device with the same half; of 40 B of vectors both have a copy.
    assert 423.9 * NS <= moving.seconds <= 464.1 * NS
    assert not moving.sessions.stay
    assert moving.sessions.drain_s == pytest.approx(2 * 64_608 * NS)
    (pool,) = moving.pools
    assert (pool.added_units, pool.returned_units, pool.usd_per_hour) == (0, 0, 0.0)
    # Both lie in the unit of devices 0 to 3: 2 USD/h.
    assert moving.both_usd_per_hour == 2.0
    assert moving.usd == pytest.approx(2.0 / 3600 * (moving.sessions.drain_s + moving.seconds))


def test_a_second_unit_is_rented_while_both_are_held(raw, written):
    before, after = raw("dense"), raw("dense")
    after["placement"]["replicas"] = [{"first_device": {"host": [4]}}]
    moving = compare_plans(written(before), written(after)).moving
    assert moving.both_usd_per_hour == 4.0
    assert [(pool.added_units, pool.returned_units) for pool in moving.pools] == [(0, 0)]


def test_prefill_takes_its_weights_from_devices_that_decode(raw, written):
    """`disaggregated` to `two_pools`: one device of another pool needs all 1480 B, over a link of 0.25 GB/s."""
    moving = compare_plans(written(raw("disaggregated")), written(raw("two_pools"))).moving
    assert (moving.bytes, moving.storage_bytes) == (1480, 0)
    (route,) = moving.routes
    assert (route.source, route.target, route.link) == ("line", "quick", "bridge")
    # It takes in 1 GB/s; its senders share the load, each at 0.25 GB/s.
    assert moving.seconds >= 1480 * NS
    assert moving.sessions.stay
    assert [(pool.pool, pool.added_units) for pool in moving.pools] == [("line", 0), ("quick", 1)]


def test_another_model_comes_from_storage(raw, written):
    before, after = raw("dense"), raw("dense")
    after["scenario"]["model"]["name"] = "tuned"
    found = compare_plans(written(before), written(after))
    assert not found.question.same_model
    assert found.question.relation == "other"
    assert (found.moving.bytes, found.moving.storage_bytes, found.moving.kept_bytes) == (848, 848, 0.0)
    assert found.moving.seconds == pytest.approx(424 / STORAGE_BYTES_PER_S)
    assert not found.moving.sessions.stay


def test_experts_are_dealt_from_the_hottest_forth_and_back():
    # Equals in order of their number: 0, 2, 3, 1, 4 go to ranks 0, 1, 1, 0, 0.
    assert dealt([0.3, 0.1, 0.3, 0.2, 0.1], 2) == ((0, 1, 4), (2, 3))
    assert dealt([5, 4, 3, 2, 1, 0], 3) == ((0, 5), (1, 4), (2, 3))
