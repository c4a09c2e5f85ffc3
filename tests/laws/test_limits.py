"""A limit that is loosened never makes tokens dearer.

A looser limit only adds plans. Left out: a lower ``tokens_per_s`` of the fleet. What is sold is the target itself, and
whole replicas and units are rented for it, so that half of it may well cost more per token; only dropping it adds plans
and takes none. Left out too: more even routing. Uneven experts load one rank more, but touch fewer weights.
"""

import pytest
from hypothesis import strategies as st

from tests.laws.hold import Rung, hold, never_dearer
from tests.laws.variants import climb, with_target, with_workload
from tests.oracle.instances import scenarios

SPEEDS = (20_000.0, 5_000.0, 2_000.0, 500.0, 1.0)


@st.composite
def slower(draw):
    scenario = draw(scenarios())
    return [Rung("slower", with_target(scenario, tokens_per_s_per_user=speed)) for speed in SPEEDS]


def test_a_slower_target_is_never_dearer():
    hold(slower(), never_dearer)


@st.composite
def loosened(draw, field, values):
    scenario = draw(scenarios())
    return [Rung("looser", with_target(scenario, **{field: value})) for value in values]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("power_cap", [3.0, 6.0, None]),
        ("cost_cap", [0.6, 1.5, None]),
        ("tokens_per_s", [2_000.0, None]),
        ("required_pools", [("big",), ()]),
    ],
)
def test_a_looser_limit_is_never_dearer(field, values):
    hold(loosened(field, values), never_dearer)


@st.composite
def shorter(draw):
    fields = draw(st.permutations(["input_tokens", "output_tokens"]))
    return climb(
        draw(scenarios()),
        {field: lambda before, field=field: with_workload(before, **{field: 4}) for field in fields},
    )


def test_a_shorter_context_is_never_dearer():
    hold(shorter(), never_dearer)
