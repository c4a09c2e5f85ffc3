"""Break-even points derived by hand lie in the brackets, and the answer flips from one end to the other."""

import pytest

from placer.api import plan_scenario
from placer.breakeven.along import scan
from placer.breakeven.ask import break_even
from placer.breakeven.figure import Figure
from placer.breakeven.judge import Judge
from placer.plan.plan import Status
from placer.whatif.asked import speed_knob
from placer.whatif.break_even import Outcome
from placer.whatif.devices import bandwidth_knob, price_knob
from placer.whatif.links import hop_latency_knob
from placer.whatif.verdict import Decision
from tests.whatif.known import EXACT, HERE, at_speed, known, three_chips

PAYS, DOES_NOT, NO_PLAN = Decision.PAYS, Decision.DOES_NOT_PAY, Decision.NO_PLAN


def ask(scenario, pool, figure, **options):
    answer = break_even(scenario, pool, EXACT, HERE, saving=0.0, figures=(figure,), **options)
    (found,) = answer.figures
    return found


def assert_flips(knob, pool, flip):
    """Solve both ends again with another seed: the plan uses the pool at one and not at the other."""
    for probe in (flip.low, flip.high):
        plan = plan_scenario(knob.at(probe.value), gap=0.0, seed=7)
        assert plan.status is Status.PLANNED
        assert (pool in plan.devices) is (probe.decision is PAYS)


def the_flip(found, low, high, at, precision):
    """Return the only flip, after checking its answers, its place and its width."""
    (flip,) = found.flips
    assert found.outcome is Outcome.BRACKETED
    assert (flip.low.decision, flip.high.decision) == (low, high)
    assert flip.low.value <= at <= flip.high.value
    assert flip.high.value / flip.low.value <= 1.0 + precision + 1e-9
    assert flip.is_precise
    return flip


@pytest.mark.parametrize("name", ["sidecar-for-ffn", "sidecar-too-dear"])
def test_the_price_of_a_sidecar(name):
    # (3.6 + x) / 3.6 x 0.001 x 1852 / 1880 / 11 = 0.001 / 10, wherever the price stands now.
    scenario = known(name)
    found = ask(scenario, "sram", Figure.PRICE, precision=0.01)
    flip = the_flip(found, PAYS, DOES_NOT, 3.6 * (1.1 * 1880 / 1852 - 1), 0.01)
    assert found.is_threshold
    assert_flips(price_knob(scenario, "sram"), "sram", flip)


def test_the_price_of_a_pool_of_its_own():
    # x / 3.6 x 664 / 18,800 / 2 = 1 / 10.
    scenario = known("sram-wins")
    found = ask(scenario, "sram", Figure.PRICE, precision=0.02)
    flip = the_flip(found, PAYS, DOES_NOT, 3.6 * 0.1 * 18800 * 2 / 664, 0.02)
    assert_flips(price_knob(scenario, "sram"), "sram", flip)


def test_a_saving_that_is_asked_for_moves_the_price():
    # 5 % less than 0.1 c.
    answer = break_even(known("sram-wins"), "sram", EXACT, HERE, saving=0.05, figures=(Figure.PRICE,), precision=0.02)
    the_flip(answer.figures[0], PAYS, DOES_NOT, 0.95 * 3.6 * 0.1 * 18800 * 2 / 664, 0.02)


def test_the_memory_bandwidth_of_the_other_pool():
    # 1880 / (W x 10) = 664 / 18,800 / 2.
    scenario = known("sram-wins")
    found = ask(scenario, "sram", Figure.BANDWIDTH, precision=0.01)
    flip = the_flip(found, PAYS, DOES_NOT, 188 * 18800 * 2 / 664, 0.01)
    assert not found.is_threshold
    assert_flips(bandwidth_knob(scenario, "hbm"), "sram", flip)


def test_the_hop_latency_a_sidecar_tolerates():
    # Two microbatches of five hide the hops for long: the HBM chip is busy for 2 x 920 / 1880 s of a step, and one
    # microbatch takes 920 / 1880 + 200 / 18,800 s and two hops. With 1.01 times that over ten tokens at 0.1 c a token:
    slow = {"wire": {"bandwidth": "1 TB/s", "latency": "60 ms", "duplex": "full"}}
    scenario = known("sidecar-for-ffn", link_types=slow)
    found = ask(scenario, "sram", Figure.LATENCY, precision=0.01)
    flip = the_flip(found, PAYS, DOES_NOT, (1 / 1.01 - 920 / 1880 - 200 / 18800) / 2, 0.01)
    assert found.is_threshold
    assert_flips(hop_latency_knob(scenario, "sram"), "sram", flip)


def test_a_window_of_speeds():
    scenario = three_chips()
    found = ask(scenario, "medium", Figure.SPEED, precision=0.02)
    first, second = found.flips
    assert (first.low.decision, first.high.decision) == (DOES_NOT, PAYS)
    assert (second.low.decision, second.high.decision) == (PAYS, DOES_NOT)
    assert first.low.value <= 1880 / 1120 <= first.high.value <= first.low.value * 1.02
    assert second.low.value <= 18800 / 1424 <= second.high.value <= second.low.value * 1.02
    for flip in found.flips:
        assert_flips(speed_knob(scenario), "medium", flip)


def test_beyond_some_speed_there_is_no_plan_at_all():
    # One sequence on SRAM: 18,800 / 512 tokens/s.
    scenario = at_speed(known("sram-wins"), 10.0)
    judge = Judge("sram", 0.0, EXACT, HERE)
    found = scan(speed_knob(scenario), judge, [20.0, 60.0], 0.02, 12)
    the_flip(found, PAYS, NO_PLAN, 18800 / 512, 0.02)


def test_a_pool_that_is_needed_pays_at_every_price():
    # One sequence on HBM: 1880 / 512 = 3.67 tokens/s.
    found = ask(at_speed(known("sram-wins"), 10.0), "sram", Figure.PRICE)
    assert found.outcome is Outcome.ALWAYS
    assert found.probes[-1].value == pytest.approx(3600.0)
    assert not found.flips


def test_a_pool_that_can_hold_nothing_never_pays():
    # No link joins it, and it is too small for the model.
    scenario = known("sram-loses")
    devices = dict(scenario.fleet.devices)
    tier = devices["sram"].compute_tier.model_copy(update={"capacity": 100.0})
    devices["sram"] = devices["sram"].model_copy(update={"memory": (tier,)})
    scenario = scenario.model_copy(update={"fleet": scenario.fleet.model_copy(update={"devices": devices})})
    found = ask(scenario, "sram", Figure.PRICE)
    assert found.outcome is Outcome.NEVER
    assert found.probes[0].value == pytest.approx(found.present / 1000)


def test_without_links_there_is_no_hop():
    found = ask(known("sram-wins"), "sram", Figure.LATENCY)
    assert found.outcome is Outcome.NOTHING_TO_TURN
    assert not found.probes
