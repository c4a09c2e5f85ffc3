"""``placer plan`` and ``placer verify`` as a user meets them."""

import json

import pytest

PLAN = ["plan", "llama-3.1-8b", "--fleet", "h200-8x", "--tps-user", "50"]


def test_the_report_says_what_users_ask(placer):
    result = placer(*PLAN)
    assert result.code == 0
    for part in ("/M output tokens", "tokens/s/user", "J/token", "proven", "memory of the fullest device"):
        assert part in result.out
    assert "without h200" in result.out
    assert "binding:" in result.out


def test_json_is_the_contract_and_nothing_else(placer):
    result = placer(*PLAN, "--json")
    plan = json.loads(result.out)
    assert plan["status"] == "planned"
    assert plan["schema_version"] == 3
    assert {
        "usd_per_million_output_tokens",
        "tokens_per_s_per_user",
        "tokens_per_s",
        "step_time_s",
        "usd_per_hour",
        "power_w",
        "ttft_s",
        "ttft_p99_s",
        "usd_per_million_input_tokens",
        "usd_per_request",
        "tokens_per_s_per_mw",
        "joules_per_token",
    } <= plan["metrics"].keys()
    assert plan["mode"]
    assert plan["phases"]["decode"]
    assert plan["bound"].keys() == {
        "usd_per_million_output_tokens",
        "relative_gap",
        "law_relative_gap",
        "usd_per_request",
    }
    assert plan["devices"].keys() == {"h200"}
    assert plan["groups"]
    assert plan["placement"]["layers"]
    assert {"input_sha256", "seed", "estimates"} <= plan["provenance"].keys()


def test_a_written_plan_verifies_and_equals_the_printed_one(placer, tmp_path):
    path = tmp_path / "plan.json"
    printed = placer(*PLAN, "--json", "-o", str(path))
    assert printed.code == 0
    assert json.loads(path.read_text()) == json.loads(printed.out)
    checked = placer("verify", str(path), "--json")
    assert checked.code == 0
    assert json.loads(checked.out)["status"] == "verified"


def test_an_edited_plan_is_rejected_with_its_own_exit_code(placer, tmp_path):
    path = tmp_path / "plan.json"
    placer(*PLAN, "-o", str(path))
    plan = json.loads(path.read_text())
    plan["metrics"]["usd_per_million_output_tokens"] *= 0.5
    path.write_text(json.dumps(plan))
    result = placer("verify", str(path))
    assert result.code == 4
    assert "money" in result.out


def test_an_impossible_speed_is_refused_with_the_nearest_that_works(placer):
    result = placer("plan", "llama-3.1-8b", "--fleet", "h200-8x", "--tps-user", "5000")
    assert result.code == 3
    assert "speed >= 5000" in result.out
    assert "nearest that works" in result.out


def test_a_refusal_is_json_too(placer):
    result = placer("plan", "llama-3.1-8b", "--fleet", "h200-8x", "--tps-user", "5000", "--json")
    plan = json.loads(result.out)
    assert result.code == 3
    assert plan["status"] == "infeasible"
    assert plan["refusal"]["conflict"]
    nearest = plan["refusal"]["nearest"][0]["value"]
    assert placer("plan", "llama-3.1-8b", "--fleet", "h200-8x", "--tps-user", str(nearest)).code == 0


def test_no_time_is_an_answer_too(placer):
    result = placer("plan", "dsv3", "--fleet", "vera-rubin-nvl72-lpx", "--tps-user", "400", "--budget-s", "0.01")
    assert result.code == 6
    assert "undecided" in result.out


@pytest.mark.parametrize(
    ("extra", "field"),
    [
        (["--tps-user", "-1"], "tokens_per_s_per_user"),
        (["--tps-user", "nan"], "tokens_per_s_per_user"),
        (["--tps-user", "1e300"], "tokens_per_s_per_user"),
        (["--isl", "0"], "--isl"),
        (["--osl", "1.5"], "--osl"),
        (["--tps", "inf"], "tokens_per_s"),
        (["--gap", "2"], "gap"),
        (["--budget-s", "-3"], "budget_s"),
        (["--power-cap", "5"], "power_cap"),
        (["--require", "h20"], "required_pools"),
        (["--routing", "zipf"], "--routing"),
        (["--weights", "fp7"], "--weights"),
        (["--fleet", "h200-8y"], "h200-8x"),
        (["-o", "no-such-folder/plan.json"], "no-such-folder"),
    ],
)
def test_bad_options_get_one_clear_line(placer, tmp_path, monkeypatch, extra, field):
    monkeypatch.chdir(tmp_path)
    result = placer(*PLAN, *extra)
    assert result.code == 2
    assert field in result.err
    assert result.err.count("\n") == 1
    assert "Traceback" not in result.err
    assert not result.out
    assert not list(tmp_path.iterdir())


def test_levels_of_hot_experts_are_chosen_and_written_down(placer):
    for options, parts in (((), 4), (("--split-parts", "8"), 8)):
        assert json.loads(placer(*PLAN, *options, "--json").out)["scenario"]["space"]["split_parts"] == parts


@pytest.mark.parametrize("parts", ["0", "65", "-4"])
def test_levels_beyond_what_is_planned_are_refused(placer, parts):
    result = placer(*PLAN, "--split-parts", parts)
    assert (result.code, result.out) == (2, "")
    assert result.err == f"error: --split-parts: expected 1 to 64 equal shares, got {parts}\n"
