"""Money is a unit: prices in cents give the optimum in cents, and half the tokens sold cost twice as much.

Factors are powers of two, so that the rent of a plan meets a scaled cost cap exactly where it met the cap before.
"""

from hypothesis import strategies as st

from tests.laws.hold import Rung, equal, hold, never_dearer
from tests.laws.variants import climb, with_prices, with_target, with_workload
from tests.oracle.instances import scenarios


@st.composite
def scaled(draw):
    scenario, factor = draw(scenarios()), draw(st.sampled_from([2.0**-13, 0.5, 2.0**13]))
    cap = scenario.target.cost_cap
    capped = with_target(scenario, cost_cap=None if cap is None else cap * factor)
    return [
        Rung("start", scenario),
        Rung("other prices", with_prices(capped, factor), 1.0 / factor),
        Rung("half sold", with_workload(scenario, utilisation=0.5), 0.5),
    ]


def test_money_and_tokens_sold_scale():
    hold(scaled(), equal)


@st.composite
def discounted(draw):
    scenario, factor = draw(scenarios()), draw(st.sampled_from([0.9, 0.5, 0.01]))
    steps = {
        f"price of {name}": lambda before, name=name: with_prices(before, factor, name)
        for name in sorted(scenario.fleet.devices)
    }
    return climb(scenario, steps)


def test_a_cheaper_device_is_never_dearer():
    hold(discounted(), never_dearer)
