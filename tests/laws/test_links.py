"""A better link never makes tokens dearer.

All-reduce, all-gather, all-to-all and hops fall with latency and bandwidth, ports with bandwidth. Which link the stages
of a group talk over is decided by where they lie, not by which is faster, so that no plan changes links.
"""

import pytest
from hypothesis import strategies as st

from placer.catalog.link import Duplex
from tests.laws.cramped import across, cramped, has_several_pools, inside
from tests.laws.hold import hold, never_dearer
from tests.laws.variants import (
    climb,
    in_any_order,
    with_devices,
    with_fleet,
    with_links,
    with_tier,
)

SLOW = {"latency": 1e-5, "efficiency": 0.5, "bandwidth": 1e6}


@st.composite
def improved(draw, name, drawn):
    scenario = with_links(draw(drawn), lambda _: SLOW, name)
    factor = draw(st.sampled_from([1.5, 20.0]))
    changes = {
        "bandwidth": lambda link: {"bandwidth": link.bandwidth * factor},
        "latency": lambda link: {"latency": link.latency / factor},
        "efficiency": lambda link: {"efficiency": min(1.0, link.efficiency * factor)},
    }
    steps = {what: lambda before, change=change: with_links(before, change, name) for what, change in changes.items()}
    return climb(scenario, draw(in_any_order(steps)))


@pytest.mark.parametrize(
    ("name", "drawn"),
    [("inner", inside(2)), ("outer", inside(1)), ("cross", across())],
    ids=["inner", "outer", "cross"],
)
def test_a_better_link_is_never_dearer(name, drawn):
    hold(improved(name, drawn), never_dearer)


@st.composite
def both_ways(draw):
    """Draw a host that lacks room for some layers only, and a sidecar that lacks it for the vocabulary.

    Tokens must then go there and come back. Elsewhere they would end on the sidecar and load one direction only.
    """
    scenario = draw(across())
    size = 2_000
    vocabulary = 2 * size * scenario.model.hidden_size * 2.0  # embedding and LM head in BF16
    scenario = scenario.model_copy(update={"model": scenario.model.model_copy(update={"vocab_size": size})})
    roomy = with_devices(
        scenario, lambda device: with_tier(device, capacity=device.compute_tier.capacity + vocabulary), "hbm"
    )
    slow = with_links(roomy, lambda _: {"bandwidth": 1e6, "duplex": Duplex.HALF}, "cross")
    return climb(slow, {"full duplex": lambda half: with_links(half, lambda _: {"duplex": Duplex.FULL}, "cross")})


def test_a_link_that_carries_both_directions_at_once_is_never_dearer():
    hold(both_ways(), never_dearer)


@st.composite
def joined(draw):
    scenario = draw(cramped(0.6).filter(has_several_pools))
    return climb(with_fleet(scenario, links=()), {"link": lambda _: scenario})


def test_joining_pools_by_a_link_is_never_dearer():
    hold(joined(), never_dearer)
