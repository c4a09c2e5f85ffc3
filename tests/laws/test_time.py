"""Seconds are a unit: everything that happens k times as fast makes a token cost a k-th.

Bandwidths, FLOP/s and targets times k, floors and latencies over k: every step takes a k-th of the time, every plan is
held to a k-th of the time, and rent stays as it is. Exact but for times in whole picoseconds.
"""

import pytest
from hypothesis import strategies as st

from tests.laws.cramped import across, inside
from tests.laws.hold import Rung, equal, hold
from tests.laws.variants import with_devices, with_kernels, with_links, with_target, with_tier
from tests.oracle.instances import scenarios


def hurried(scenario, factor):
    def device(slow):
        quick = with_kernels(slow, lambda kernel: {"floor": kernel.floor / factor})
        peaks = {precision: peak * factor for precision, peak in slow.peak.items()}
        return with_tier(quick, bandwidth=slow.compute_tier.bandwidth * factor).model_copy(update={"peak": peaks})

    quick = with_links(
        with_devices(scenario, device),
        lambda link: {"bandwidth": link.bandwidth * factor, "latency": link.latency / factor},
    )
    target = scenario.target
    return with_target(
        quick,
        tokens_per_s_per_user=target.tokens_per_s_per_user * factor,
        tokens_per_s=None if target.tokens_per_s is None else target.tokens_per_s * factor,
    )


@st.composite
def scaled(draw, drawn):
    scenario, factor = draw(drawn), draw(st.sampled_from([1.0 / 32.0, 0.3, 8.0]))
    return [Rung("start", scenario), Rung("another pace", hurried(scenario, factor), factor)]


@pytest.mark.parametrize(
    "drawn", [scenarios(), inside(2), inside(1), across()], ids=["any", "inside domains", "between domains", "pools"]
)
def test_everything_faster_is_cheaper_in_proportion(drawn):
    hold(scaled(drawn), equal)
