"""The naive choices of hot experts fill what SRAM there is, and the fleets hold what they say."""

from types import SimpleNamespace

import pytest

from benchmarks.hot_experts.cases import CASES, HOST, SIDE, Case
from benchmarks.hot_experts.pins import hottest_first, uniform_share
from placer.graph.lower import lower
from placer.plan.placement import Role
from placer.verify.recompute.weights import shard_bytes


@pytest.fixture(scope="module")
def skewed():
    """What the choices look at, of DeepSeek-V3 with a routing in three thirds; and the bytes of one expert."""
    scenario = Case("DeepSeek-V3", 0.05, "olmoe-like").scenario()
    model, device = lower(scenario.model), scenario.fleet.device_of(SIDE)
    selections = scenario.workload.routing.by_layer(model.expert_layers)
    context = SimpleNamespace(groups={Role.SIDECAR: SimpleNamespace(device=device)}, model=model, selections=selections)
    return context, shard_bytes(model.layer_ops[10].moe.expert, device, 1)


def test_there_are_two_models_three_shares_and_four_routings():
    assert len(CASES) == len({case.name for case in CASES}) == 24


def test_the_sidecar_holds_its_share_and_not_much_more():
    scenario = Case("DeepSeek-V3", 0.2, "mixed").scenario()
    pool, device = scenario.fleet.pool(SIDE), scenario.fleet.device_of(SIDE)
    experts = 58 * 256 * shard_bytes(lower(scenario.model).layer_ops[10].moe.expert, device, 1)
    assert 0.2 <= pool.count * device.usable_bytes / experts < 0.215
    assert pool.unit == pool.count
    assert pool.count % pool.domain == 0
    assert scenario.target.required_pools == (HOST, SIDE)


@pytest.mark.parametrize("share", [0.01, 0.3, 2.0])
def test_a_uniform_share_is_the_same_everywhere_and_fits(skewed, share):
    context, size = skewed
    budget = share * 58 * 256 * size
    pins = uniform_share(context, budget)
    assert len(set(pins.values())) == 1
    assert len(pins) == 58
    assert max(pins.values()) < 256
    assert sum(pins.values()) * size <= budget


def test_by_hit_rate_no_cold_expert_is_hotter_than_a_hot_one(skewed):
    context, size = skewed
    pins = hottest_first(context, 0.3 * 58 * 256 * size)
    assert 0.299 < sum(pins.values()) / (58 * 256) <= 0.3
    ranked = {layer: sorted(chances.tolist(), reverse=True) for layer, chances in context.selections.items()}
    coldest_hot = min(ranked[layer][hot - 1] for layer, hot in pins.items() if hot)
    assert all(ranked[layer][hot] <= coldest_hot for layer, hot in pins.items())
    assert len(set(pins.values())) > 1
