"""Scenarios in which memory is short, so that replicas need several devices and what joins them."""

from hypothesis import strategies as st

from placer.graph.lower import lower
from placer.graph.totals import totals
from tests.laws.variants import with_devices, with_fleet, with_space, with_target, with_tier
from tests.oracle.instances import scenarios


def has_several_pools(scenario):
    return len(scenario.fleet.pools) > 1


@st.composite
def cramped(draw, share):
    """Draw a scenario in which memory is short, not speed or money.

    A device holds so large a share of what weights and a few sequences take; below one, replicas need several.
    """
    scenario = with_target(
        draw(scenarios()),
        tokens_per_s_per_user=draw(st.sampled_from([1.0, 100.0, 1_000.0])),
        tokens_per_s=None,
        power_cap=None,
        cost_cap=None,
        required_pools=(),
    )
    needed = totals(lower(scenario.model), scenario.workload.capacity_context)
    room = share * (needed.weight_bytes + draw(st.integers(1, 6)) * needed.kv_bytes_per_sequence)
    return with_devices(scenario, lambda device: with_tier(device, capacity=room))


@st.composite
def inside(draw, domain):
    """Draw pools of three or four small devices, so that replicas need several and the links between them."""
    scenario = with_space(draw(cramped(0.6)), max_groups=1)
    sizes = {"count": 4 if domain > 1 else 3, "unit": 1, "domain": domain}
    return with_fleet(scenario, pools=tuple(pool.model_copy(update=sizes) for pool in scenario.fleet.pools))


@st.composite
def across(draw):
    """Draw two pools of one small device each that every replica must use, and the link between them."""
    scenario = draw(cramped(0.7).filter(has_several_pools))
    pools = tuple(pool.model_copy(update={"count": 1, "unit": 1, "domain": 1}) for pool in scenario.fleet.pools)
    narrow = with_space(with_fleet(scenario, pools=pools), max_rank_batch=2)
    return with_target(narrow, required_pools=tuple(pool.name for pool in pools))
