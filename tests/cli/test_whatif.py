"""``placer breakeven`` and ``placer sensitivity``: output, files, exit codes, and what they refuse."""

from __future__ import annotations

import json

import pytest

from placer.plan.files import load_plan, save_plan
from placer.whatif.break_even import BreakEvenAnswer
from placer.whatif.sensitivity import SensitivityAnswer
from tests.whatif.known import at_speed, known

EXACT = ("--gap", "0", "--engine", "here", "--quiet")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PLACER_CACHE", str(tmp_path / "answers.sqlite"))


@pytest.fixture
def plan_file(tmp_path):
    """A plan of a scenario whose break-even points are known by hand."""
    from placer.api import plan_scenario  # noqa: PLC0415 loads the solver

    path = tmp_path / "plan.json"
    save_plan(plan_scenario(known("sram-wins"), gap=0.0), path)
    return path


def test_the_price_is_bracketed_and_written(placer, plan_file, tmp_path):
    output, plans = tmp_path / "answer.json", tmp_path / "plans"
    asked = ("breakeven", "--plan", plan_file, "--pool", "sram", "--of", "price", *EXACT)
    done = placer(*asked, "-o", output, "--plans", plans)
    assert done.code == 0, done.err
    assert "sram pays up to 19.98 USD/h" in done.out
    assert "rests on" in done.out
    answer = BreakEvenAnswer.model_validate_json(output.read_text())
    (flip,) = answer.figures[0].flips
    assert flip.low.value < 20.386 < flip.high.value
    assert sorted(path.name for path in plans.iterdir()) == [
        f"price-sram-1-{end}-{which}.json" for end in ("high", "low") for which in ("with", "without")
    ]
    low = plans / "price-sram-1-low-with.json"
    assert load_plan(low).devices == {"sram": 1}
    assert placer("verify", low).code == 0
    again = placer(*asked, "--json")
    assert json.loads(again.out) == json.loads(output.read_text())


def test_all_four_are_asked_by_default(placer, plan_file):
    done = placer("breakeven", "--plan", plan_file, "--pool", "sram", "--points", "4", *EXACT)
    assert done.code == 0, done.err
    for title in ("price of sram", "tokens/s/user", "hbm bandwidth of hbm", "hop latency of sram"):
        assert title in done.out


def test_a_sensitivity_is_a_tornado(placer, plan_file, tmp_path):
    output = tmp_path / "answer.json"
    asked = ("sensitivity", "--plan", plan_file, "--pool", "sram", "--only", "price:*", "--only", "bandwidth:*")
    done = placer(*asked, *EXACT, "-o", output)
    assert done.code == 0, done.err
    for text in ("price of sram (estimate)", "-25.0 %", "+25.0 %", "██████|", "+1.00", "sram: pays", "same plan"):
        assert text in done.out, text
    answer = SensitivityAnswer.model_validate_json(output.read_text())
    assert {one.key for one in answer.turned} == {"price:sram", "price:hbm", "bandwidth:sram", "bandwidth:hbm"}


def test_where_there_is_no_plan_the_exit_code_says_so(placer, tmp_path):
    from placer.api import plan_scenario  # noqa: PLC0415 loads the solver

    path = tmp_path / "refusal.json"
    save_plan(plan_scenario(at_speed(known("sram-wins"), 1e6), gap=0.0), path)
    assert placer("sensitivity", "--plan", path, *EXACT).code == 3
    assert placer("breakeven", "--plan", path, "--pool", "sram", "--of", "price", *EXACT).code == 3


def test_a_question_of_options(placer):
    done = placer(
        *("sensitivity", "llama-3.1-8b", "--fleet", "h200-8x", "--tps-user", "30", "--isl", "1000", "--osl", "100"),
        *("--phase", "decode", "--only", "price:h200", "--engine", "here", "--no-cache", "--json", "--quiet"),
    )
    assert done.code == 0, done.err
    (price,) = json.loads(done.out)["turned"]
    low, high = price["elasticity_range"]
    assert low <= 1.0 <= high


BREAK_EVEN = ("breakeven", "llama-3.1-8b", "--fleet", "vera-rubin-nvl72-lpx", "--tps-user", "100")
SENSITIVITY = ("sensitivity", "llama-3.1-8b", "--fleet", "h200-8x", "--tps-user", "30")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("breakeven", "--pool", "lpx"), "missing argument MODEL, option --fleet, option --tps-user (or --plan FILE)"),
        (BREAK_EVEN, "Missing parameter: pool"),
        ((*BREAK_EVEN, "--pool", "lpxx"), 'unknown pool "lpxx"; did you mean "lpx"'),
        ((*BREAK_EVEN, "--pool", "lpx", "--of", "colour"), "'colour' is not one of"),
        ((*BREAK_EVEN, "--pool", "lpx", "--saving", "0.001"), "saving: expected a share from the gap, 0.009, to 1"),
        ((*BREAK_EVEN, "--pool", "lpx", "--precision", "0"), "precision: expected a relative width above 0"),
        ((*BREAK_EVEN, "--pool", "lpx", "--points", "1"), "points: expected at least 2 values, got 1"),
        ((*BREAK_EVEN, "--pool", "lpx", "--gap", "2"), "gap: expected a share in [0, 1)"),
        ((*BREAK_EVEN, "--pool", "lpx", "--budget-s", "0"), "budget-s: expected seconds"),
        ((*BREAK_EVEN, "--pool", "lpx", "--engine", "rya"), 'did you mean "ray"'),
        ((*BREAK_EVEN, "--pool", "lpx", "--workers", "0"), "error: Input should be greater than or equal to 1"),
        ((*BREAK_EVEN, "--pool", "lpx", "--no-cache", "--plans", "p"), "--plans: does not go with --no-cache"),
        ((*BREAK_EVEN, "--pool", "lpx", "--plans", "no/where"), "no: no such folder"),
        ((*BREAK_EVEN, "--pool", "lpx", "-o", "no/where.json"), "no: no such folder"),
        ((*BREAK_EVEN, "--pool", "lpx", "--plan", "x.json"), "MODEL: does not go with --plan"),
        ((*SENSITIVITY, "--change", "1"), "change: expected a share above 0 and below 1"),
        ((*SENSITIVITY, "--only", "prise:h200"), "no such figure: 'prise:h200'; did you mean \"price:h200\""),
        ((*SENSITIVITY, "--pool", "h200"), '"h200" is the only pool'),
        ((*SENSITIVITY, "--points", "0"), "points: expected at least 1"),
        ((*SENSITIVITY, "--no-cache", "--cache", "x"), "--cache: does not go with --no-cache"),
        (("sensitivity", "--plan", "absent.json"), "absent.json: no such file"),
    ],
)
def test_senseless_options_are_refused(placer, tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    done = placer(*arguments)
    assert done.code == 2
    assert says in done.err
    assert done.err.count("\n") == 1
    assert not done.out
    assert not [path for path in tmp_path.iterdir() if not path.name.startswith("answers.sqlite")]


def test_a_cache_that_is_none_is_refused(placer, tmp_path):
    path = tmp_path / "text.sqlite"
    path.write_text("no data base at all, only text that is long enough to be read as one" * 20)
    done = placer(*BREAK_EVEN, "--pool", "lpx", "--cache", path)
    assert done.code == 2
    assert "cannot be used to keep answers" in done.err
