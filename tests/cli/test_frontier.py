"""``placer frontier``: what it writes, what a second run costs, what it refuses."""

import csv
import json

import pytest

from placer.files import read_mapping

SPEEDS = ("--tps-user", "0.002:0.2:4")


@pytest.fixture
def toy(tmp_path, repository):
    """Paths of a model and a fleet whose optimum is known, and options that make a run quick and its own."""
    parts = read_mapping(repository / "fleets" / "known_optimal" / "sidecar-for-ffn.yaml")["scenario"]
    model, fleet = tmp_path / "model.yaml", tmp_path / "fleet.yaml"
    model.write_text(json.dumps(parts["model"]))
    fleet.write_text(json.dumps(parts["fleet"]))
    lengths = ("--isl", "16", "--osl", "1", "--phase", "decode")
    return (model, "--fleet", fleet, *lengths, "--engine", "here", "--cache", tmp_path / "answers.sqlite")


def test_json_csv_and_picture_hold_the_same_points(placer, toy, tmp_path):
    pytest.importorskip("matplotlib")
    files = {"--csv": tmp_path / "f.csv", "-o": tmp_path / "f.json", "--chart": tmp_path / "f.svg"}
    result = placer("frontier", *toy, *SPEEDS, "--json", *(part for pair in files.items() for part in pair))
    assert result.code == 0, result.err
    points = json.loads(result.out)["points"]
    assert [point["target_tokens_per_s_per_user"] for point in points] == [0.002, 0.009283, 0.04309, 0.2]
    needed = {"fleet", "tokens_per_s_per_user", "usd_per_million_output_tokens", "tokens_per_s_per_mw", "relative_gap"}
    assert all(needed <= set(point) for point in points)
    assert json.loads((tmp_path / "f.json").read_text())["points"] == points
    rows = list(csv.DictReader((tmp_path / "f.csv").read_text().splitlines()))
    assert [float(row["relative_gap"]) for row in rows] == [point["relative_gap"] for point in points]
    assert (tmp_path / "f.svg").read_text().startswith("<?xml")


def test_a_second_run_solves_nothing(placer, toy, monkeypatch):
    first = placer("frontier", *toy, *SPEEDS)
    assert first.code == 0, first.err

    def never(*_):
        pytest.fail("solved again")

    monkeypatch.setattr("placer.sweep.solve.answer", never)
    assert placer("frontier", *toy, *SPEEDS).out == first.out


def test_the_table_says_where_a_curve_ends(placer, toy):
    result = placer("frontier", *toy, "--tps-user", "0.01", "--tps-user", "1000")
    assert result.code == 0
    assert "from 1000 tokens/s/user: infeasible, no plan of the declared space" in result.out


def test_without_any_plan_the_exit_code_says_so_and_no_picture_is_left(placer, toy, tmp_path):
    result = placer("frontier", *toy, "--tps-user", "1000", "--chart", tmp_path / "f.svg")
    assert result.code == 3
    assert not (tmp_path / "f.svg").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--tps-user", "fast"), "--tps-user: expected a positive number of tokens/s, or LOW:HIGH:COUNT"),
        (("--tps-user", "10:5:3"), "--tps-user: expected"),
        (("--tps-user", "10:50:1"), "--tps-user: expected"),
        (("--tps-user", "-1"), "--tps-user: expected"),
        (("--chart", "f.gif"), "f.gif: expected a name that ends in .svg, .png, .pdf"),
        (("--csv", "nowhere/f.csv"), "nowhere: no such folder"),
        (("--also-plain",), "--also-plain: expected --speculate beside it"),
        (("--engine", "rya"), 'did you mean "ray"'),
        (("--fleet", "h200-8"), "h200-8"),
        (("--ttft", "1 s"), "expected --phase service beside it"),
    ],
)
def test_bad_input_is_told_in_one_line(placer, toy, options, message):
    result = placer("frontier", *toy, *options)
    assert result.code == 2
    assert message in result.err
    assert result.err.count("\n") == 1


def test_the_same_fleet_twice_is_refused(placer, toy):
    result = placer("frontier", *toy, "--fleet", toy[2], *SPEEDS)
    assert result.code == 2
    assert "different names" in result.err


def test_a_cache_that_is_none_is_refused(placer, toy, tmp_path):
    (tmp_path / "answers.sqlite").write_text("rubbish " * 1000)
    result = placer("frontier", *toy, *SPEEDS)
    assert result.code == 2
    assert "cannot be used to keep answers" in result.err
