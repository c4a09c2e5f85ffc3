"""What pools, devices and links are called, and in which order they are listed, changes no optimum."""

from hypothesis import strategies as st

from tests.laws.cramped import has_several_pools
from tests.laws.hold import Rung, equal, hold
from tests.laws.variants import with_fleet, with_target
from tests.oracle.instances import scenarios

NAMES = ("zz", "Z", "a", "10", "2", "M-1")


def renamed(scenario, pools, devices, links):
    """Return a scenario with pools, devices and links called as three dictionaries say."""
    fleet = scenario.fleet
    moved = tuple(
        pool.model_copy(
            update={
                "name": pools[pool.name],
                "device": devices[pool.device],
                "scale_up": links[pool.scale_up],
                "scale_out": links[pool.scale_out],
            }
        )
        for pool in fleet.pools
    )
    joined = tuple(
        cross.model_copy(update={"between": tuple(pools[name] for name in cross.between), "link": links[cross.link]})
        for cross in fleet.links
    )
    required = tuple(pools[name] for name in scenario.target.required_pools)
    return with_target(
        with_fleet(
            scenario,
            pools=moved,
            links=joined,
            devices=_rekeyed(fleet.devices, devices),
            link_types=_rekeyed(fleet.link_types, links),
        ),
        required_pools=required,
    )


def _rekeyed(definitions, names):
    return {names[old]: one.model_copy(update={"name": names[old]}) for old, one in definitions.items()}


def reordered(scenario, draw):
    """Return a scenario with everything a fleet lists in another order."""
    fleet = scenario.fleet
    links = tuple(
        cross.model_copy(update={"between": draw(st.permutations(cross.between).map(tuple))})
        for cross in draw(st.permutations(fleet.links))
    )
    return with_fleet(
        scenario,
        pools=draw(st.permutations(fleet.pools).map(tuple)),
        links=links,
        devices=draw(st.permutations(list(fleet.devices.items())).map(dict)),
        link_types=draw(st.permutations(list(fleet.link_types.items())).map(dict)),
    )


@st.composite
def told_otherwise(draw):
    """Draw a scenario, other names or old names in other places, and another order."""
    scenario = draw(scenarios(most_pools=3).filter(has_several_pools))
    fleet = scenario.fleet
    kinds = [pool.name for pool in fleet.pools], list(fleet.devices), list(fleet.link_types)
    names = [
        dict(zip(old, draw(st.sampled_from([NAMES, old]).flatmap(st.permutations)), strict=False)) for old in kinds
    ]
    return [
        Rung("start", scenario),
        Rung("other names", renamed(scenario, *names)),
        Rung("another order", reordered(scenario, draw)),
    ]


def test_names_and_order_do_not_matter():
    hold(told_otherwise(), equal)
