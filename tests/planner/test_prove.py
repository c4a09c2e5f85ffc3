"""A bound for a plan that was not searched for: below the best plan there is, and of use."""

import pytest

from placer.api import build_scenario
from placer.planner.planner import make_plan
from placer.planner.prove import prove
from placer.search.params import SolveParams

PARAMS = SolveParams(relative_gap=0.009, budget_s=20.0)
COUNTS = [(expert * 37 % 64 + 1) ** -0.5 for expert in range(64)]


@pytest.fixture(scope="module", params=["zipf", "layers"])
def scenario(request):
    routing = {"zipf": {"kind": "zipf", "exponent": 0.5}, "layers": {"kind": "layers", "layers": [COUNTS] * 2}}
    return build_scenario(
        "olmoe-1b-7b",
        "h200-8x",
        workload={"input_tokens": 1000, "output_tokens": 1000, "routing": routing[request.param]},
        target={"tokens_per_s_per_user": 60.0},
    )


def test_no_plan_is_cheaper(scenario):
    best = make_plan(scenario, PARAMS)
    price = best.metrics.usd_per_million_output_tokens
    for known in (price, 1.5 * price):
        proof = prove(scenario, known, PARAMS)
        assert 0.8 * price < proof.usd_per_million_output_tokens <= price * (1 + 1e-9)
        assert proof.search.nodes > 0


def test_a_price_that_cannot_be_beaten_is_its_own_bound(scenario):
    assert prove(scenario, 1e-9, PARAMS).usd_per_million_output_tokens == pytest.approx(1e-9, rel=0.02)
