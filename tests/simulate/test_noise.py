"""What is drawn: jitter of mean 1, experts with the chances of the profile, the same from the same seed."""

import numpy as np
import pytest

from placer.plan.plan import Plan
from placer.scenario.routing import RoutingProfile
from placer.simulate.deployment import deployment_of
from placer.simulate.noise import Noise
from placer.simulate.route import build_route


@pytest.fixture
def route(mixed):
    return build_route(deployment_of(mixed))


def test_nothing_is_drawn_without_jitter_and_experts(pipeline):
    route = build_route(deployment_of(pipeline))
    noise = Noise(route, jitter=0.0, seed=3)
    assert noise.durations(0, 0) == route.program.durations()


def test_jitter_has_mean_one_and_the_spread_asked_for(pipeline):
    route = build_route(deployment_of(pipeline))
    noise = Noise(route, jitter=0.2, seed=0)
    factors = np.concatenate([noise.seconds(0, step) / route.program.seconds for step in range(400)])
    assert factors.mean() == pytest.approx(1.0, abs=0.01)
    assert factors.std() == pytest.approx(0.2, rel=0.05)
    assert factors.min() > 0


def test_the_same_seed_draws_the_same_in_any_order(route):
    first, again = Noise(route, jitter=0.1, seed=5), Noise(route, jitter=0.1, seed=5)
    steps = [(0, 0), (1, 0), (0, 1)]
    drawn = {who: first.durations(*who) for who in steps}
    assert {who: again.durations(*who) for who in reversed(steps)} == drawn
    assert len({tuple(ticks) for ticks in drawn.values()}) == 3
    assert Noise(route, jitter=0.1, seed=6).durations(0, 0) != drawn[0, 0]


def test_both_ports_of_a_message_share_a_factor(route):
    seconds = Noise(route, jitter=0.5, seed=1).seconds(0, 0)
    factors = seconds / np.where(route.program.seconds, route.program.seconds, 1.0)
    messages = {}
    for op, factor in zip(route.program.ops, factors, strict=True):
        if op.label.endswith(("dispatch", "combine")) and op.seconds:
            messages.setdefault(op.instruction, set()).add(round(factor, 9))
    assert messages
    assert all(len(shared) == 1 for shared in messages.values())


def test_experts_are_touched_as_often_as_their_chances_say(mixed):
    # p = 1/2 for each of 4 experts, 2 tokens; two ranks of two: touched on the busiest rank 0, 1 or 2 of 2 experts.
    # Each expert is touched with chance 3/4: none of 4 is, or one rank has two, ...
    part = build_route(deployment_of(mixed)).parts[0]
    times = part.drawn_s(np.random.default_rng(0), 4000)
    # sidecar: 500 ns + 24 B (half of an expert's 48 B, ... whole experts: 48 B) at 2 GB/s
    one, two = (500e-9 + count * 48 / 2e9 for count in (1, 2))
    values, counts = np.unique(np.round(times, 12), return_counts=True)
    shares = dict(zip(values.tolist(), (counts / 4000).tolist(), strict=True))
    # both of one rank's experts touched: 9/16 a rank, so 1 - (7/16)^2 for either; none at all: (1/4)^4
    assert shares[round(two, 12)] == pytest.approx(1 - (7 / 16) ** 2, abs=0.03)
    assert shares[round(one, 12)] == pytest.approx((7 / 16) ** 2 - (1 / 4) ** 4, abs=0.03)


def test_an_uneven_profile_takes_longer_than_its_mean(mixed):
    raw = mixed.model_dump()
    raw["scenario"]["workload"]["routing"] = RoutingProfile(kind="zipf", exponent=1.0).model_dump()
    part = build_route(deployment_of(Plan.model_validate(raw))).parts[0]
    drawn = part.drawn_s(np.random.default_rng(0), 2000)
    assert len(set(drawn.tolist())) > 1
    assert drawn.max() > part.mean_s() > drawn.min()
