"""Leaves that hold no plan are closed for good: no finite bound is left of them."""

from __future__ import annotations

import math
import time

import pytest

from placer.catalog.loader import parse_fleet
from placer.errors import PlacerError
from placer.model.ffn import DenseFfn
from placer.model.mixer import GroupedQueryAttention
from placer.model.spec import LayerRun, ModelSpec
from placer.plan.plan import Status
from placer.planner import planner
from placer.planner.planner import make_plan
from placer.planner.solve import build_searcher, solve
from placer.progress import ignore
from placer.scenario.scenario import Scenario
from placer.scenario.space import Space
from placer.scenario.workload import Target, Workload
from placer.search.params import SolveParams

PROOF = SolveParams(relative_gap=0.0, budget_s=120.0)


def _device(capacity_kb, bandwidth_gb_per_s, usd_per_hour="1 USD/h"):
    return {
        "memory": [{"tier": "hbm", "capacity": f"{capacity_kb} kB", "bandwidth": f"{bandwidth_gb_per_s} GB/s"}],
        "peak": {"bf16": "1 TFLOP/s"},
        "kernels": [{"family": family, "floor": "0 s", "mbu": 1, "mfu": 1} for family in ("gemm", "attention", "moe")],
        "power": "1 W",
        "price": {"tco": usd_per_hour},
    }


def _pool(name, device):
    return {
        "name": name,
        "device": device,
        "count": 2,
        "unit": 1,
        "domain": 1,
        "scale_up": "inner",
        "scale_out": "outer",
    }


def _scenario(*, has_own=False, own_price="50 USD/h"):
    """Two pools whose every pair fits by bytes and misses the target by its hops; a third, dear one, meets it."""
    devices = {"slow": _device(121.2, 2), "quick": _device(143.6, 10)}
    pools = [_pool("big", "slow"), _pool("fast", "quick")]
    if has_own:
        devices["dear"] = _device(500, 10, own_price)
        pools.append(_pool("own", "dear"))
    link = {"bandwidth": "1 GB/s", "latency": "20 us"}
    raw = {
        "name": "f",
        "price_basis": "tco",
        "pools": pools,
        "links": [{"between": ["big", "fast"], "link": "cross"}],
        "devices": devices,
        "link_types": {"inner": link | {"latency": "0 s"}, "outer": link, "cross": link},
    }
    model = ModelSpec(
        name="m",
        source="m",
        hidden_size=64,
        vocab_size=400,
        mixers={"gqa": GroupedQueryAttention(num_heads=4, num_kv_heads=2, head_dim=16)},
        ffns={"dense": DenseFfn(intermediate_size=64)},
        layers=(LayerRun(repeat=1, pattern=({"mixer": "gqa", "ffn": "dense"},)),),
    )
    return Scenario(
        model=model,
        fleet=parse_fleet(raw, "f"),
        workload=Workload(input_tokens=1, output_tokens=1),
        target=Target(tokens_per_s_per_user=20_000.0),
        space=Space(max_microbatches=1, max_rank_batch=2, max_stages=2, split_parts=1),
    )


def test_nothing_fits_and_nothing_is_left_open():
    scenario = _scenario()
    solved = solve(build_searcher(scenario, PROOF), PROOF, time.monotonic(), ignore)
    assert solved.found is None
    assert solved.bound == math.inf
    assert make_plan(scenario, PROOF).status is Status.INFEASIBLE


def test_the_only_plan_is_proven_optimal():
    plan = make_plan(_scenario(has_own=True), PROOF)
    assert plan.bound.relative_gap == 0.0
    assert {group.pool for group in plan.groups} == {"own"}


def test_a_finite_bound_without_a_plan_is_no_refusal(monkeypatch):
    # As a search ends that could neither find nor rule out: the answer must not be "infeasible".
    def half_proven(*arguments):
        solved = solve(*arguments)
        return type(solved)(None, 0.01, solved.stop, solved.results)

    monkeypatch.setattr(planner, "solve", half_proven)
    plan = make_plan(_scenario(), PROOF)
    assert plan.status is Status.UNDECIDED
    assert plan.bound.usd_per_million_output_tokens == 0.01


def test_a_price_of_zero_is_refused_by_name():
    with pytest.raises(PlacerError, match=r"devices.dear.price.tco: .*greater than 0"):
        _scenario(has_own=True, own_price="0 USD/h")
