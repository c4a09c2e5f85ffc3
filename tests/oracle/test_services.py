"""Whole services against brute force: one kind of device, a model limited by bytes, every number tried."""

import itertools
import math
import random

import pytest

from placer.api import plan_scenario
from placer.catalog.loader import parse_fleet
from placer.model.spec import ModelSpec
from placer.plan.plan import Status
from placer.scenario.scenario import Scenario
from placer.scenario.service import Service
from placer.scenario.space import Space
from placer.scenario.workload import Target, Workload
from placer.verify.verify import verify_plan

MODEL = {
    "name": "tiny-dense",
    "source": "by hand",
    "hidden_size": 4,
    "vocab_size": 10,
    "mixers": {"gqa": {"kind": "gqa", "num_heads": 1, "num_kv_heads": 1, "head_dim": 2}},
    "ffns": {"dense": {"kind": "dense", "intermediate_size": 8}},
    "layers": [{"repeat": 1, "pattern": [{"mixer": "gqa", "ffn": "dense"}]}],
}
#: Bytes (fleets/known_optimal/prefill-rate-match.yaml): weights read by a step and held, and a token of KV cache.
READ, HELD, KV = 360, 440, 8
#: Hidden state of a token, twice; what a prompt's token moves through the core; an embedding.
HIDDEN, CORE, LOOKUP = 16, 24, 8
LOAD, USD_PER_S = 0.8, 0.001
BUDGETS = (128, 512, 2048, 4096, 8192, 16384, 32768)


def fleet(count, memory, bandwidth):
    kernels = [{"family": name, "floor": "0 s", "mbu": 1.0, "mfu": 1.0} for name in ("gemm", "attention", "moe")]
    chip = {
        "memory": [{"tier": "hbm", "capacity": f"{memory} B", "bandwidth": f"{bandwidth} B/s"}],
        "peak": {"bf16": "1 TFLOP/s"},
        "kernels": kernels,
        "power": "100 W",
        "price": {"tco": "3.6 USD/h"},
    }
    pool = {"name": "chip", "device": "chip", "count": count, "unit": 1, "domain": 1}
    return {
        "name": "toy",
        "price_basis": "tco",
        "pools": [pool | {"scale_up": "wire", "scale_out": "wire"}],
        "devices": {"chip": chip},
        "link_types": {"wire": {"bandwidth": "1 TB/s", "latency": "0 s", "duplex": "full"}},
    }


class Case:
    """An instance, and all its plans by the formulas of docs/service.md written out for this model."""

    def __init__(self, seed):
        draw = random.Random(seed)
        self.count, self.bandwidth = draw.randint(1, 12), draw.choice((1000, 1880, 4000))
        self.input, self.output = draw.randint(4, 60), draw.randint(1, 40)
        self.hits = draw.choice((0.0, 0.0, 0.3, 0.8))
        self.memory = draw.randint(900, 6000)
        self.found = min(int(self.hits * self.input), self.input - 1)
        self.new = self.input - self.found
        self.longest_s = draw.choice((100.0, 2.0, 1.0))

    def scenario(self):
        return Scenario(
            model=ModelSpec.model_validate(MODEL),
            fleet=parse_fleet(fleet(self.count, self.memory, self.bandwidth), "toy"),
            workload=Workload(input_tokens=self.input, output_tokens=self.output),
            target=Target(tokens_per_s_per_user=1.0 / self.longest_s),
            space=Space(max_stages=1, max_groups=1, max_width=1),
            service=Service(prefix_hit_rate=self.hits),
        )

    def step_s(self, sequences):
        mean = self.input + math.ceil(self.output / 2)
        return (READ + sequences * (KV * (mean + 1) + LOOKUP)) / self.bandwidth

    @property
    def prompt_s(self):
        return (CORE * self.new + KV * self.found + LOOKUP * self.new) / self.bandwidth

    def colocated(self):
        for r in itertools.count(1):
            held = HELD + KV * (self.input + self.output) * (r + 1) + HIDDEN * (r + self.new)
            if held > self.memory:
                return
            alone = self.step_s(r)
            step = alone + r / self.output * self.prompt_s
            load = r / (self.output * step) * (alone + self.prompt_s)
            if step <= self.longest_s and load <= LOAD:
                yield USD_PER_S * step * self.output / r

    def prefill_rates(self):
        for side_by_side in {1, *(budget // self.new for budget in BUDGETS)}:
            held = HELD + 2 * side_by_side * KV * self.input + HIDDEN * side_by_side * self.new
            if held <= self.memory:
                yield LOAD * side_by_side / (READ / self.bandwidth + side_by_side * self.prompt_s)

    def decode_rates(self):
        for b in itertools.count(1):
            if HELD + b * (KV * (self.input + self.output) + HIDDEN) > self.memory:
                return
            if self.step_s(b) <= self.longest_s:
                yield b / (self.output * self.step_s(b))

    def disaggregated(self):
        decode, prefill = max(self.decode_rates(), default=0.0), max(self.prefill_rates(), default=0.0)
        for n in range(1, self.count):
            for groups in range(1, self.count - n + 1):
                served = min(n * decode, groups * prefill)
                if served:
                    yield USD_PER_S * (n + groups) / served

    def best(self):
        return min(itertools.chain(self.colocated(), self.disaggregated()), default=math.inf)


@pytest.mark.parametrize("seed", range(60))
def test_the_plan_is_the_cheapest_of_all(seed):
    case = Case(seed)
    plan = plan_scenario(case.scenario(), gap=0.0, budget_s=30.0)
    best = case.best()
    if plan.status is not Status.PLANNED:
        assert plan.status is Status.INFEASIBLE
        assert best == math.inf
        return
    assert plan.metrics.usd_per_request == pytest.approx(best, rel=1e-6)
    assert plan.bound.relative_gap == 0.0
    report = verify_plan(plan)
    assert report.status == "verified", report.findings


def test_both_ways_to_prefill_are_met():
    modes = {plan_scenario(Case(seed).scenario(), gap=0.0, budget_s=30.0).mode for seed in range(20)}
    assert {"colocated prefill", "P/D-disaggregated"} <= modes
