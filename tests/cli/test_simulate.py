"""``placer simulate`` at the command line."""

import json

import pytest

from placer.cli.app import main
from placer.simulate.outcome import SimulationReport


@pytest.fixture(scope="module")
def plan_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("plans") / "plan.json"
    options = ["--fleet", "h100-8x", "--tps-user", "30", "--isl", "1000", "--osl", "500", "-q", "-o", str(path)]
    assert main(["plan", "llama-3.1-8b", *options]) == 0
    return path


def test_it_prints_figures_next_to_those_of_the_plan(plan_file, capsys):
    assert main(["simulate", str(plan_file), "--steps", "20"]) == 0
    out = capsys.readouterr().out
    for words in ("stochastic: 20 steps", "TPOT, mean", "TPOT, p99", "tokens/s", "difference", "in use, busiest stage"):
        assert words in out
    assert "compute" in out


def test_deterministic_agrees_with_the_plan(plan_file, capsys):
    assert main(["simulate", str(plan_file), "--deterministic"]) == 0
    assert "simulation and plan agree within 2 %" in capsys.readouterr().out


def test_json_follows_the_schema(plan_file, capsys):
    assert main(["simulate", str(plan_file), "--json", "--steps", "5", "--seed", "3"]) == 0
    report = SimulationReport.model_validate_json(capsys.readouterr().out)
    assert (report.steps, report.seed, report.jitter) == (5, 3, 0.05)


def test_a_trace_is_written_whole(plan_file, tmp_path, capsys):
    trace = tmp_path / "trace.json"
    assert main(["simulate", str(plan_file), "--deterministic", "--trace", str(trace)]) == 0
    assert str(trace) in capsys.readouterr().err
    assert {event["ph"] for event in json.loads(trace.read_text())["traceEvents"]} == {"M", "X"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["trace.json"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--steps", "0"], "steps: expected 1 to"),
        (["--jitter", "-1"], "jitter: expected a share"),
        (["--seed", "-2"], "seed: expected a whole number"),
        (["--trace", "no/such/folder/trace.json"], "no/such/folder: no such folder"),
    ],
)
def test_bad_options(plan_file, capsys, arguments, words):
    assert main(["simulate", str(plan_file), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert words in captured.err
    assert captured.out == ""


def test_no_plan_at_all(tmp_path, capsys):
    assert main(["simulate", str(tmp_path / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().err


def test_a_refusal(tmp_path, capsys):
    path = tmp_path / "refusal.json"
    options = ["--fleet", "h100-8x", "--tps-user", "100000", "-q", "-o", str(path)]
    assert main(["plan", "llama-3.1-8b", *options]) == 3
    capsys.readouterr()
    assert main(["simulate", str(path)]) == 2
    assert "expected a plan with a placement, got one that is infeasible" in capsys.readouterr().err
