"""``placer explain --hot`` as a user meets it."""

import json

import pytest

from placer.cli.app import main
from placer.plan.files import save_plan
from placer.report.hot import hot_lines, ranges


@pytest.fixture
def plan(paying, tmp_path):
    path = tmp_path / "plan.json"
    save_plan(paying().plan, path)
    return path


@pytest.fixture
def other(tmp_path):
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"counts": [[1, 99]]}))
    return path


def run(capsys, *arguments):
    code = main(["explain", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_report_has_layers_and_limits(capsys, plan):
    code, out, _ = run(capsys, plan, "--hot")
    assert code == 0
    for part in ("1 split layer(s)", "1 of 2", "99.0%", "192 B", "hot side"):
        assert part in out
    assert "hindsight" not in out


def test_json_has_all_of_it_and_other_routing(capsys, plan, other):
    code, out, _ = run(capsys, plan, "--hot", "--routing", other, "--routing", "uniform", "--json")
    assert code == 0
    explained = json.loads(out)
    assert [row["hot"] for row in explained["rows"]] == [1]
    assert [score["routing"] for score in explained["outside"]] == ["counts (the plan's)", "other.json", "uniform"]
    own, drifted, uniform = explained["outside"]
    assert own["planned"] == own["hindsight"]
    assert drifted["planned"]["step_time_s"] > drifted["hindsight"]["step_time_s"]
    assert drifted["overlap"] == 0.0
    assert uniform["planned"]["step_time_s"] == pytest.approx(uniform["random"]["step_time_s"])


def test_other_routing_is_a_table(capsys, plan, other):
    code, out, _ = run(capsys, plan, "--hot", "--routing", other)
    assert code == 0
    for part in ("as planned", "hindsight", "none hot", "other.json"):
        assert part in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--hot", "--layer", "0"), "--layer: give one of --layer, --device and --hot"),
        (("--hot", "--device", "hbm[0]"), "--layer: give one of --layer, --device and --hot"),
        (("--routing", "mixed"), "--routing: routing is for --hot"),
        (("--hot", "--routing", "mixd"), "mixed"),
        (("--hot", "--routing", "absent.json"), "absent.json: no such file"),
    ],
)
def test_options_that_do_not_go_together_are_refused(capsys, plan, options, message):
    code, out, err = run(capsys, plan, *options)
    assert (code, out) == (2, "")
    assert message in err


def test_counts_of_other_experts_are_refused(capsys, plan, tmp_path):
    path = tmp_path / "three.json"
    path.write_text("[[1, 2, 3]]")
    code, out, err = run(capsys, plan, "--hot", "--routing", path)
    assert (code, out) == (2, "")
    assert "3 counts for 2 experts" in err


def test_a_plan_without_hot_experts_says_so(capsys, paying, tmp_path):
    path = tmp_path / "plan.json"
    save_plan(paying(sram="1 kB").plan, path)
    code, out, _ = run(capsys, path, "--hot", "--routing", "uniform")
    assert code == 0
    assert "no experts are hot" in out


def test_a_plans_own_report_has_a_line(paying):
    (line,) = hot_lines(paying().plan)
    assert line.plain.startswith("hot experts: 1 of 2 in 1 split layer(s), 192 B on the fullest device")
    assert hot_lines(paying(sram="1 kB").plan) == []


def test_ranges():
    assert ranges([]) == ""
    assert ranges([0, 2, 3, 4]) == "0, 2-4"
