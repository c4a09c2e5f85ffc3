"""Power is a unit: a site that draws k times as much under k times the cap has the same optimum.

Factors are powers of two, so that the power of a plan meets a scaled cap exactly where it met the cap before.
"""

from hypothesis import strategies as st

from placer.catalog.price import Energy
from tests.laws.hold import Rung, equal, hold, never_dearer
from tests.laws.variants import climb, with_fleet, with_target
from tests.oracle.instances import scenarios


def capped(scenario, factor):
    cap = scenario.target.power_cap
    return with_target(scenario, power_cap=None if cap is None else cap * factor)


def sited(scenario, pue):
    return with_fleet(scenario, energy=Energy(pue=pue))


@st.composite
def scaled(draw):
    scenario, pue = draw(scenarios()), draw(st.sampled_from([2.0, 4.0, 8.0]))
    return [Rung("start", scenario), Rung("PUE and cap", sited(capped(scenario, pue), pue))]


def test_a_pue_under_as_much_more_power_changes_nothing():
    hold(scaled(), equal)


@st.composite
def better_sites(draw):
    scenario = sited(draw(scenarios()), 4.0)
    return climb(scenario, {f"PUE {pue:g}": lambda before, pue=pue: sited(before, pue) for pue in (2.0, 1.0)})


def test_a_better_site_is_never_dearer():
    hold(better_sites(), never_dearer)
