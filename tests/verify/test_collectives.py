import pytest

from placer.catalog.fleet import Fleet
from placer.plan.placement import GroupPlan
from placer.verify.recompute.collectives import exchange_s, gather_best_s, reduce_hidden_s
from placer.verify.recompute.crossing import stage_hop_s
from placer.verify.recompute.group import group_of
from placer.verify.recompute.load import Microbatch, PartLoad

BATCH = Microbatch(sequences=8, in_flight=1, hidden_size=100, dispatch_bytes=1, time_context=1, capacity_context=1)


@pytest.fixture
def make_group(plans):
    """A group in domains of four: 1 GB/s and 1 us inside, 0.5 GB/s and 5 us outside; no start-up tables."""
    raw = plans["dense"]()["scenario"]["fleet"]
    raw["pools"] = [{"name": "pool", "device": "chip", "count": 16, "domain": 4}]
    raw["pools"][0] |= {"scale_up": "inner", "scale_out": "outer"}
    raw["link_types"] = {
        "inner": {"name": "inner", "bandwidth": "1 GB/s", "latency": "1 us"},
        "outer": {"name": "outer", "bandwidth": "1 GB/s", "latency": "5 us", "efficiency": 0.5},
    }
    fleet = Fleet.model_validate(raw)

    def make(stages, width, tp):
        ranks = width // tp
        shape = GroupPlan(
            role="host",
            pool="pool",
            stages=stages,
            width=width,
            tp=tp,
            expert_tp=1,
            sequences_per_rank=(8 // ranks,) * ranks,
        )
        return group_of(shape, fleet)

    return make


def test_all_reduce_of_hidden_states(make_group):
    # r = 4: 2 * 100 * 4 = 800 B; 2 * 1/2 * 800
    assert reduce_hidden_s(make_group(1, 4, 2), BATCH) == pytest.approx(1e-6 + 800e-9)
    assert reduce_hidden_s(make_group(1, 4, 1), BATCH) == 0.0


def test_gather_of_the_best_tokens(make_group):
    # 8 * 2 * 4 = 64 B, half of them from elsewhere
    assert gather_best_s(make_group(1, 4, 2)) == pytest.approx(1e-6 + 32e-9)


def test_exchange_inside_a_domain(make_group):
    # all experts chosen: c = 4 copies; r/t = 4/2 = 2: 2 * 4 * 100 = 800 elements, 3/4 of them leave
    load = PartLoad(touched=1.0, tokens=1.0, num_experts=4, selected=4.0)
    there, back = 1e-6 + 600e-9, 1e-6 + 1200e-9
    assert exchange_s(make_group(1, 4, 2), load, BATCH, BATCH.hidden_size) == pytest.approx((there, back))


def test_exchange_across_domains(make_group):
    # d = 8, t = 2: c = 8, r/t = 2/2 = 1: 800 elements; inside 3/8 at 1 GB/s, outside 4/8 at 0.5 GB/s
    load = PartLoad(touched=1.0, tokens=1.0, num_experts=8, selected=8.0)
    there, back = 5e-6 + 800e-9, 5e-6 + 1600e-9
    assert exchange_s(make_group(1, 8, 2), load, BATCH, BATCH.hidden_size) == pytest.approx((there, back))


def test_a_single_device_exchanges_nothing(make_group):
    load = PartLoad(touched=1.0, tokens=1.0, num_experts=8, selected=8.0)
    assert exchange_s(make_group(1, 1, 1), load, BATCH, BATCH.hidden_size) == (0.0, 0.0)


def test_stages_of_a_group_inside_one_domain_use_its_link(make_group):
    assert stage_hop_s(make_group(2, 2, 1), 1000.0) == pytest.approx(1e-6 + 500e-9)
    assert stage_hop_s(make_group(4, 2, 1), 1000.0) == pytest.approx(5e-6 + 1000e-9)
