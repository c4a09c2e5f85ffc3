"""What devices cost and draw: rents, owned devices, PUE, and what is refused."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer import load_fleet, plan, verify
from placer.api import build_scenario
from placer.catalog.fleet import Fleet
from placer.catalog.loader import parse_fleet
from placer.catalog.price import Energy, Ownership, hourly_usd
from placer.errors import InputError, ScenarioError
from placer.planner.provenance import input_hashes
from placer.report.energy import price_line
from placer.scenario.scenario import assert_consistent

SITE = {"pue": 1.2, "electricity": "0.08 USD/kWh"}
OWNED = {"capex": "40000 USD", "lifetime": "4 years", "opex": "0.2 USD/h"}


def fleet_with(price, energy=None, second=None):
    """Return eight H200 at a price, and eight more at another where one is given."""
    devices = {}
    for name, form in (("first", price), ("second", second)):
        if form is not None:
            fields = load_fleet("h200-8x").devices["h200-sxm"].model_dump(mode="json")
            devices[name] = fields | {"name": name, "price": {"own": form}}
    pool = {"count": 8, "unit": 8, "domain": 8, "scale_up": "nvlink4"}
    pools = [{"name": name, "device": name, **pool} for name in devices]
    raw = {"name": "mine", "price_basis": "own", "pools": pools, "devices": devices}
    return parse_fleet(raw | ({"energy": energy} if energy else {}), "mine.yaml")


def question(fleet):
    return build_scenario("openai/gpt-oss-120b", fleet, target={"tokens_per_s_per_user": 50}, workload=LENGTHS)


LENGTHS = {"input_tokens": 1024, "output_tokens": 1024}


def test_an_owned_device_costs_what_g1_says():
    # 35,064 USD over 4 years of 8,766 h, 1 kW x 1.25 x 0.08 USD/kWh, 0.5 USD/h.
    owned = Ownership(capex="35064 USD", lifetime="4 years", opex="0.5 USD/h")
    site = Energy(pue=1.25, electricity="0.08 USD/kWh")
    assert hourly_usd(owned, 1000.0, site) == pytest.approx(1.0 + 0.1 + 0.5, rel=1e-12)


def test_a_rent_has_electricity_in_it():
    assert hourly_usd(2.5, 1000.0, Energy(pue=1.5, electricity="0.1 USD/kWh")) == 2.5


def test_an_owned_device_has_no_price_without_that_of_electricity():
    assert hourly_usd(Ownership(capex="1 USD", lifetime="1 year"), 1.0, Energy(pue=1.5)) is None


@given(
    pue=st.floats(1, 3),
    more=st.floats(0, 2),
    watts=st.floats(0, 1e5),
    usd_per_kwh=st.floats(0, 1),
)
def test_a_worse_pue_never_costs_less(pue, more, watts, usd_per_kwh):
    owned = Ownership.model_validate(OWNED)
    sites = [Energy(pue=value, electricity=f"{usd_per_kwh!r} USD/kWh") for value in (pue, pue + more)]
    good, bad = (hourly_usd(owned, watts, site) for site in sites)
    assert bad - good == pytest.approx(watts / 1000 * more * usd_per_kwh, rel=1e-6, abs=1e-9)


def test_an_owned_fleet_is_planned_and_verified():
    answer = plan("openai/gpt-oss-120b", fleet_with(OWNED, SITE), tps_user=50, isl=1024, osl=1024)
    power_w = 1730.0 * 1.2 * 8
    assert answer.metrics.power_w == pytest.approx(power_w, rel=1e-12)
    each = 40_000 / (4 * 8766) + 1.73 * 1.2 * 0.08 + 0.2
    assert answer.metrics.usd_per_hour == pytest.approx(8 * each, rel=1e-12)
    assert answer.metrics.tokens_per_s_per_mw == pytest.approx(answer.metrics.tokens_per_s / (power_w / 1e6), rel=1e-12)
    assert answer.metrics.joules_per_token == pytest.approx(power_w / answer.metrics.tokens_per_s, rel=1e-12)
    assert verify(answer).status == "verified"


def test_a_pue_raises_power_and_leaves_rents_alone():
    fleet = load_fleet("h200-8x")
    sited = fleet.model_copy(update={"energy": Energy(pue=1.5)})
    pool = fleet.pools[0].name
    assert sited.power_w(pool) == 1.5 * fleet.power_w(pool)
    assert sited.usd_per_hour(pool) == fleet.usd_per_hour(pool)


def test_a_fleet_that_says_nothing_of_energy_hashes_as_before_there_was_any():
    # The fleet as an earlier version wrote it into its plans.
    scenario = question(load_fleet("h200-8x"))
    fields = scenario.fleet.model_dump(mode="json")
    assert "energy" not in fields
    assert "energy" not in scenario.fleet.model_dump_json()
    assert input_hashes(scenario)["fleet"] == hashlib.sha256(scenario.fleet.model_dump_json().encode()).hexdigest()
    assert Fleet.model_validate(fields) == scenario.fleet


def test_a_fleet_with_energy_comes_back_from_its_file():
    fleet = fleet_with(OWNED, SITE)
    assert Fleet.model_validate_json(fleet.model_dump_json()) == fleet


def test_owned_and_rented_devices_are_not_mixed():
    with pytest.raises(ScenarioError, match=r"mixes owned devices \(first.*\) and rented ones \(second"):
        assert_consistent(question(fleet_with(OWNED, SITE, second="3 USD/h")))


def test_owned_devices_need_a_price_of_electricity():
    with pytest.raises(ScenarioError, match=r"pool first: owned.*energy\.electricity.*0\.08 USD/kWh"):
        assert_consistent(question(fleet_with(OWNED, {"pue": 1.2})))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"capex": "40000"}, r"price\.own\.capex: expected an amount such as 30,000 USD, got '40000' without a unit"),
        ({"lifetime": "0 years"}, r"price\.own\.lifetime: expected more than zero"),
        ({"lifetime": "4 s"}, r"price\.own\.lifetime: expected a time such as 4 years"),
        ({"opexx": "1 USD/h"}, r'price\.own\.opexx: unknown field; did you mean "opex"'),
    ],
)
def test_wrong_ownership_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        fleet_with(OWNED | changes, SITE)


@pytest.mark.parametrize("energy", [{"pue": 0.9}, {"pue": float("nan")}, {"electricity": "0.08 USD/h"}])
def test_wrong_energy_is_refused(energy):
    with pytest.raises(InputError, match=rf"energy\.{next(iter(energy))}"):
        fleet_with(OWNED, energy)


def test_the_report_says_what_prices_rest_on():
    stated, silent = price_line(fleet_with(OWNED, SITE)), price_line(load_fleet("h200-8x"))
    assert stated.startswith("prices on the basis own, electricity on top at 0.08 USD/kWh; PUE 1.2 on top of the")
    assert silent.startswith("prices on the basis tco, electricity in the rents; PUE 1, power as of")
