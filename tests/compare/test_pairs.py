"""What holds for any two plans: sums, factors, and what happens when a and b change places."""

import itertools
import math

import pytest

from placer.compare.compare import compare_plans
from placer.plan.comparison import PriceBasis
from placer.verify.context import context_of

PLANS = (
    *("dense", "cut", "mixed", "copied", "drifting", "pipeline", "drafted", "speculating", "drafting_beside"),
    *("disaggregated", "two_pools", "colocated"),
)
SWAPPED = {
    "same": "same",
    "other": "other",
    "none": "none",
    **{f"a-{word}": f"b-{word}" for word in ("wider", "looser")},
    **{f"b-{word}": f"a-{word}" for word in ("wider", "looser")},
    "a cheaper, proven": "b cheaper, proven",
    "b cheaper, proven": "a cheaper, proven",
}


@pytest.fixture(scope="module")
def plans(raw, written):
    """All hand-made plans."""
    return {name: written(raw(name)) for name in PLANS}


@pytest.fixture(scope="module")
def compared(plans):
    """Every pair of them, compared."""
    return {pair: compare_plans(*(plans[name] for name in pair)) for pair in itertools.product(PLANS, PLANS)}


def test_factors_multiply_to_the_ratio_and_dollars_add_up(compared):
    for pair, found in compared.items():
        for price in found.prices:
            ratio = math.prod(factor.ratio for factor in price.factors)
            assert ratio == pytest.approx(price.ratio, rel=1e-9), pair
            scale = sum(abs(factor.usd) for factor in price.factors) + price.a_usd
            assert sum(f.usd for f in price.factors) == pytest.approx(price.difference_usd, abs=1e-9 * scale), pair
            for factor in price.factors:
                if factor.parts:
                    assert math.prod(p.ratio for p in factor.parts) == pytest.approx(factor.ratio, rel=1e-9), pair
                    assert sum(p.usd for p in factor.parts) == pytest.approx(factor.usd, abs=1e-9 * scale), pair


def test_dollars_are_compared_unless_bases_differ(compared):
    assert all(
        bool(found.prices) is (found.question.prices is not PriceBasis.OTHER_BASIS) for found in compared.values()
    )


def test_the_other_way_round_everything_is_inverse(compared):
    for pair, found in compared.items():
        back = compared[pair[::-1]]
        assert back.question.relation == SWAPPED[found.question.relation]
        assert {(e.field, e.a, e.b, e.effect) for e in back.question.differences} == {
            (e.field, e.b, e.a, SWAPPED[e.effect]) for e in found.question.differences
        }
        assert back.proof.standing == SWAPPED.get(found.proof.standing, found.proof.standing)
        assert (back.proof.a_bound_usd, back.proof.b_bound_usd) == (found.proof.b_bound_usd, found.proof.a_bound_usd)
        for here, there in zip(found.prices, back.prices, strict=True):
            assert here.ratio * there.ratio == pytest.approx(1.0, rel=1e-12)
            assert here.difference_usd == -there.difference_usd
            assert {f.name: f.usd for f in here.factors} == {f.name: -f.usd for f in there.factors}
        assert {(p.name, p.a, p.b) for p in found.figures} == {(p.name, p.b, p.a) for p in back.figures}
        assert {(p.pool, p.use, p.a) for p in found.devices} == {(p.pool, p.use, p.b) for p in back.devices}
        assert {(p.pool, p.kind, p.a_bytes) for p in found.memory} == {(p.pool, p.kind, p.b_bytes) for p in back.memory}
        assert (found.binding.only_a, found.binding.only_b) == (back.binding.only_b, back.binding.only_a)
        assert found.moving.kept_devices == back.moving.kept_devices
        if found.question.prices is PriceBasis.SAME:
            assert found.moving.both_usd_per_hour == pytest.approx(back.moving.both_usd_per_hour)


def test_a_plan_is_the_same_as_itself(compared):
    for name in PLANS:
        found = compared[name, name]
        assert found.question.relation == "same"
        assert not found.question.differences
        assert found.proof.standing == ("not compared" if name == "drifting" else "one optimum")
        assert all(factor.ratio == 1.0 for price in found.prices for factor in price.factors)
        assert all(pair.a == pair.b for pair in found.figures)
        assert (found.moving.bytes, found.moving.seconds, found.moving.usd) == (0, 0.0, 0.0)
        assert found.moving.sessions.stay


def test_parts_of_a_step_and_devices_sum_to_what_the_plan_says(compared, plans):
    for (first, second), found in compared.items():
        if found.question.decode_only:
            continue
        assert sum(p.a_s or 0.0 for p in found.time) == pytest.approx(plans[first].metrics.step_time_s, rel=1e-12)
        for pool, rented in plans[second].devices.items():
            uses = {use.use: use.b for use in found.devices if use.pool == pool}
            assert uses.pop("rented", 0) == rented == sum(uses.values())


def test_what_is_kept_and_what_is_loaded_is_all_that_lies_on_devices(compared, plans):
    """Kept and loaded bytes are the weights of b, wherever it comes from; counted anew from its memory."""
    for name in ("dense", "cut", "mixed", "pipeline"):
        plan = plans[name]
        context = context_of(plan)
        held = sum(
            len(plan.placement.replicas)
            * context.groups[stage.place[0]].shape.width
            * (stage.weights + stage.hot_experts)
            for stage in context.memory
        )
        for first in PLANS:
            moving = compared[first, name].moving
            assert moving.kept_bytes + moving.bytes == pytest.approx(held, abs=1.0), (first, name)
            assert sum(transfer.bytes for transfer in moving.transfers) >= moving.bytes
