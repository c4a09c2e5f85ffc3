"""What was solved before an interruption is not solved again, and the answer is the same."""

import pytest

from placer.breakeven.ask import break_even
from placer.breakeven.figure import Figure
from placer.breakeven.plans import bracketing_plans
from placer.certify import certify
from placer.sensitivity.ask import sensitivity
from placer.sweep.engine import Here
from placer.sweep.how import Means
from placer.sweep.store import Store
from tests.whatif.known import EXACT, known

SCENARIO = known("sram-wins")


def price_of_sram(means):
    return break_even(SCENARIO, "sram", EXACT, means, saving=0.0, figures=(Figure.PRICE,))


def every_figure(means):
    return sensitivity(SCENARIO, EXACT, means, only=("price:*",))


@pytest.mark.parametrize("ask", [price_of_sram, every_figure])
def test_an_interrupted_run_goes_on_where_it_was(ask, tmp_path):
    news = []

    def interrupt(one):
        news.append(one.is_new)
        raise KeyboardInterrupt

    with Store(tmp_path / "answers.sqlite") as store, pytest.raises(KeyboardInterrupt):
        ask(Means(Here(), store, interrupt))
    assert news == [True]
    again = []
    with Store(tmp_path / "answers.sqlite") as store:
        kept = len(store)
        assert kept >= 1
        answer = ask(Means(Here(), store, lambda one: again.append(one.is_new)))
    # Everything kept was of use, and something was left to do.
    assert again.count(False) == kept < len(again)
    assert answer == ask(Means(Here()))
    last = []
    with Store(tmp_path / "answers.sqlite") as store:
        assert ask(Means(Here(), store, lambda one: last.append(one.is_new))) == answer
    assert not any(last)


def test_the_plans_at_the_ends_of_a_bracket_are_kept_and_hold(tmp_path):
    with Store(tmp_path / "answers.sqlite") as store:
        answer = price_of_sram(Means(Here(), store))
        plans = dict(bracketing_plans(answer, SCENARIO, EXACT, store))
    names = {f"price-sram-1-{end}-{which}.json" for end in ("low", "high") for which in ("with", "without")}
    assert set(plans) == names
    assert all(certify(plan).status == "verified" for plan in plans.values())
    assert "sram" in plans["price-sram-1-low-with.json"].devices
    assert "sram" not in plans["price-sram-1-high-with.json"].devices
