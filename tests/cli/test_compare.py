"""``placer compare`` as a user meets it."""

import json
import shutil

import pytest
from rich.console import Console

from placer import compare
from placer.cli.app import main
from placer.report.compare import render_comparison

LAB = """
name: lab
price_basis: contract
pools:
  - {name: h200, device: h200-sxm, count: 16, unit: 8, domain: 8, scale_up: nvlink4, scale_out: ib-ndr400}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two plans, a refusal, a portfolio's folder, and files that are none of these."""
    path = tmp_path_factory.mktemp("compare")
    (path / "lab.yaml").write_text(LAB)
    question = ["plan", "llama-3.1-8b", "--fleet", str(path / "lab.yaml"), "--isl", "1024", "--osl", "256", "-q"]
    for name, speed in (("slow", "50"), ("fast", "150")):
        assert main([*question, "--tps-user", speed, "-o", str(path / f"{name}.json")]) == 0
    whole = json.loads((path / "slow.json").read_text())
    kept = {name: whole[name] for name in ("schema_version", "scenario", "search", "provenance")}
    reliefs = [{"change": "speed", "value": 9.0, "unit": "tokens/s", "text": "at most 9 tokens/s/user"}]
    refusal = {"conflict": ["speed >= 50 tokens/s/user"], "reason": "said so by hand", "nearest": reliefs}
    refused = kept | {"status": "infeasible", "verdict": "infeasible, said so by hand", "refusal": refusal}
    (path / "never.json").write_text(json.dumps(refused))
    (path / "cut.json").write_text((path / "slow.json").read_text()[:5000])
    (path / "newer.json").write_text(json.dumps(whole | {"schema_version": 99}))
    (path / "other.json").write_text('{"pools": []}')
    (path / "list.json").write_text("[1, 2]")
    whole["metrics"]["usd_per_hour"] *= 0.5
    (path / "wrong.json").write_text(json.dumps(whole))
    (path / "portfolio").mkdir()
    shutil.copy(path / "slow.json", path / "portfolio" / "plan-llama.json")
    (path / "portfolio" / "portfolio.json").write_text('{"kind": "portfolio"}')
    return path


def test_why_one_is_cheaper(placer, folder):
    result = placer("compare", folder / "slow.json", folder / "fast.json")
    assert (result.code, result.err) == (0, "")
    text = " ".join(result.out.split())
    for part in (
        "a's question allows every answer to b's, at no higher price.",
        "times as much, since",
        "target.tokens_per_s_per_user 50 150 a allows more",
        "proof: a cheaper, proven: ",
        "factor of the price",
        "users at once",
        "where a step goes",
        "binding in a only: ",
        "moving from a to b:",
        "note: devices are taken as both plans number them",
    ):
        assert part in text


def test_json_and_a_file_say_the_same(placer, folder, tmp_path):
    result = placer("compare", folder / "slow.json", folder / "fast.json", "--json", "-o", tmp_path / "c.json")
    printed = json.loads(result.out)
    assert printed == json.loads((tmp_path / "c.json").read_text())
    assert result.err.startswith("wrote: ")
    assert printed["question"]["relation"] == "a-wider"
    assert printed["a"]["label"] == str(folder / "slow.json")


def test_from_python(folder):
    found = compare(folder / "slow.json", str(folder / "fast.json"))
    assert found.prices[0].ratio > 1.0
    assert found.figures[0].name == "usd_per_million_input_tokens"


def test_a_plan_and_a_refusal(placer, folder):
    result = placer("compare", folder / "slow.json", folder / "never.json")
    assert result.code == 0
    text = " ".join(result.out.split())
    assert "a is a plan; b is proven infeasible (said so by hand)" in text
    assert "conflict: speed >= 50 tokens/s/user" in text
    assert "nearest that works: at most 9 tokens/s/user" in text
    # The same question has an answer, so the refusal is wrong.
    assert "proof: contradiction: b is said to be infeasible" in text


def test_the_report_fits_narrow_and_wide_terminals(folder):

    found = compare(folder / "slow.json", folder / "fast.json")
    for width in (60, 80, 120):
        console = Console(width=width, markup=False, highlight=False)
        with console.capture() as printed:
            console.print(render_comparison(found))
        assert max(map(len, printed.get().splitlines())) <= width


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.json", "absent.json: no such file"),
        ("cut.json", "cut.json"),
        ("newer.json", "newer.json: schema_version: expected schema version 3, got 99"),
        ("other.json", "other.json: schema_version: expected schema version 3, got None"),
        ("list.json", "list.json"),
        ("portfolio", "portfolio: is a folder; expected the file of one plan, such as one of plan-llama.json in it"),
        ("portfolio/portfolio.json", "is a portfolio of several plans; expected one of the plan-*.json beside it"),
        ("wrong.json", "wrong.json: is rejected by `placer verify`: "),
    ],
)
def test_what_is_no_plan(placer, folder, tmp_path, name, message):
    for pair in ((name, "slow.json"), ("slow.json", name)):
        result = placer("compare", *(folder / each for each in pair), "-o", tmp_path / "c.json")
        assert (result.code, result.out) == (2, "")
        assert message in result.err
        assert "Traceback" not in result.err
        assert not (tmp_path / "c.json").exists()


def test_a_place_that_cannot_be_written(placer, folder):
    result = placer("compare", folder / "slow.json", folder / "slow.json", "-o", folder / "no" / "c.json")
    assert (result.code, result.out) == (2, "")
    assert "c.json" in result.err
