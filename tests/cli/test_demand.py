"""``placer demand`` from the command line."""

import json

import pytest

from placer import plan
from placer.plan.files import save_plan

DAY = [2, 1, 1, 1, 1, 2, 4, 8, 14, 20, 24, 26, 28, 27, 26, 25, 24, 22, 20, 18, 14, 10, 6, 3]
PRICES = """prices:
  reserved: {price: 0.6, source: "an offer"}
  on_demand: {price: {h200: 4.29 USD/h}, source: "a list"}
  spot: {price: {h200: 1.5 USD/h}, availability: 0.9, overhead: 0.05, most_share: 0.5, source: "last month"}
"""


@pytest.fixture(scope="module")
def plan_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    save_plan(plan("openai/gpt-oss-120b", "h200-8x", tps_user=50, isl=1024, osl=1024), path)
    return path


@pytest.fixture
def profile(tmp_path):
    path = tmp_path / "day.yaml"
    path.write_text(f"source: made up\nrequests_per_s: {DAY}\n")
    return path


@pytest.fixture
def prices(tmp_path):
    path = tmp_path / "prices.yaml"
    path.write_text(PRICES)
    return path


def test_the_report_says_what_it_costs_and_why(placer, plan_file, profile, prices):
    done = placer("demand", plan_file, "--profile", profile, "--prices", prices, "--scale", "30")
    assert done.code == 0
    text = " ".join(done.out.split())
    for words in (
        *(
            "over a day (day)",
            "the cheapest mix",
            "99 % of the time",
            "a fleet of constant peak size",
            "arrivals: made up",
        ),
        *(
            "reserved: 0.6 times the fleet's, on the basis tco (an offer)",
            "on demand: h200 4.29 USD/h a device (a list)",
        ),
        "spot: h200 1.5 USD/h a device, there 90.0% of the time",
    ):
        assert words in text


def test_json_has_units_in_its_names_and_adds_up(placer, plan_file, profile, prices):
    done = placer("demand", plan_file, "--profile", profile, "--prices", prices, "--scale", "30", "--json")
    answer = json.loads(done.out)
    assert answer["outcome"] == "sized"
    assert len(answer["hours"]) == 24
    assert sum(hour["usd"] for hour in answer["hours"]) == pytest.approx(answer["usd"])
    assert answer["usd_per_request"] * answer["num_requests"] == pytest.approx(answer["usd"])
    assert answer["profile"]["requests_per_s"][0] == 60.0


def test_without_prices_it_says_that_every_hour_pays_for_the_peak(placer, plan_file, profile):
    done = placer("demand", plan_file, "--profile", profile)
    assert "no price by the hour was given: every hour pays for the peak" in " ".join(done.out.split())


def test_too_many_requests_are_an_answer(placer, plan_file, profile):
    done = placer("demand", plan_file, "--profile", profile, "--scale", "1e4")
    assert done.code == 3
    assert "not within reach; hour 12" in " ".join(done.out.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--scale", "0"), "--scale: expected a factor above 0"),
        (("--percentile", "99"), "percentile: expected a share from 0.5 to below 1"),
        (("--peakedness", "0.1"), "peakedness: Input should be greater than or equal to 1"),
        (("--prices", "absent.yaml"), "absent.yaml: no such file"),
    ],
)
def test_wrong_options_are_refused(placer, plan_file, profile, arguments, message):
    done = placer("demand", plan_file, "--profile", profile, *arguments)
    assert done.code == 2
    assert message in done.err


def test_prices_given_twice_are_refused(placer, plan_file, profile, prices):
    profile.write_text(profile.read_text() + PRICES)
    done = placer("demand", plan_file, "--profile", profile, "--prices", prices)
    assert done.code == 2
    assert "has prices of its own" in done.err
