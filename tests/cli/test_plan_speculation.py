"""Options of ``placer plan`` that draft tokens."""

import json

import pytest

ASK = (
    "plan",
    "llama-3.1-8b",
    "--fleet",
    "h200-8x",
    "--tps-user",
    "100",
    "--gap",
    "0.05",
    "--phase",
    "decode",
    "--quiet",
)
DRAFT = (*ASK, "--speculate", "mtp", "--acceptance")


def test_the_report_says_what_drafting_brings(placer):
    result = placer(*DRAFT, "0.8", "--max-draft", "2")
    assert result.code == 0
    text = " ".join(result.out.split())
    assert "speculation (mtp): " in text
    assert "token(s) drafted a step" in text
    assert "without speculation: $" in text
    assert "embedding, LM head, drafting" in text


def test_what_does_not_pay_is_said(placer):
    result = placer(*DRAFT, "0.0", "--max-draft", "1")
    assert result.code == 0
    assert "speculation (mtp): drafting does not pay here" in " ".join(result.out.split())


def test_acceptance_by_token_and_from_a_file(placer, tmp_path):
    table = tmp_path / "lengths.yaml"
    table.write_text("1: 1.85\n3: 3.1\n")
    for acceptance, known in (("0.9,0.8", [0.9, 0.8]), (str(table), {"1": 1.85, "3": 3.1})):
        result = placer(*DRAFT, acceptance, "--json")
        assert result.code == 0
        plan = json.loads(result.out)
        assert plan["scenario"]["speculation"]["acceptance"] == known
        assert plan["batch"]["draft_tokens"] == plan["speculation"]["draft_tokens"]


def test_a_written_plan_verifies_and_simulates(placer, tmp_path):
    path = tmp_path / "plan.json"
    assert placer(*DRAFT, "0.8", "--max-draft", "2", "-o", str(path)).code == 0
    assert placer("verify", str(path)).code == 0
    report = json.loads(placer("simulate", str(path), "--deterministic", "--json").out)
    plan = json.loads(path.read_text())
    assert report["tokens_per_s"]["simulated"] == pytest.approx(plan["metrics"]["capacity_tokens_per_s"], rel=0.01)
    assert report["token_times"]["mean_s"] == pytest.approx(1.0 / plan["metrics"]["tokens_per_s_per_user"], rel=0.01)


@pytest.mark.parametrize(
    ("options", "where", "what"),
    [
        (("--speculate", "mtp"), "--speculate", "expected --acceptance beside it"),
        (("--acceptance", "0.8"), "--acceptance", "expected --speculate beside it"),
        (("--max-draft", "3"), "--max-draft", "expected --speculate beside it"),
        (("--draft-pool", "h200"), "--draft-pool", "expected --speculate beside it"),
        (("--draft-overlap",), "--draft-overlap", "expected --speculate beside it"),
        (("--speculate", "mtp", "--acceptance", "1.5"), "--acceptance", "between 0 and 1"),
        (("--speculate", "mtp", "--acceptance", "0.5,x"), "--acceptance", "a number such as 0.8"),
        (("--speculate", "mtp", "--acceptance", "nan"), "--acceptance", "between 0 and 1"),
        (("--speculate", "mtp", "--acceptance", "0.5", "--max-draft", "0"), "--speculate", "max_draft_tokens"),
        (("--speculate", "no-such-model", "--acceptance", "0.5"), "no-such-model", "unknown model"),
        (
            ("--speculate", "mtp", "--acceptance", "0.5", "--draft-pool", "h200"),
            "--speculate",
            "mtp need hidden states",
        ),
        (
            ("--speculate", "mtp", "--acceptance", "0.5", "--draft-overlap"),
            "--speculate",
            "overlap: expected a pool of its own",
        ),
        (
            ("--speculate", "llama-3.1-8b", "--acceptance", "0.5", "--draft-pool", "h100"),
            "speculation.pool",
            'unknown pool "h100"',
        ),
        (
            ("--speculate", "llama-3.1-8b", "--acceptance", "0.5", "--draft-pool", "h200"),
            "speculation.pool",
            "the only pool",
        ),
        (
            ("--speculate", "mtp", "--acceptance", "0.5", "--think-time", "60s"),
            "speculation",
            "sessions that pause are planned without",
        ),
    ],
)
def test_bad_options_say_what_was_expected(placer, options, where, what):
    result = placer(*ASK, *options)
    assert result.code == 2
    assert result.err.startswith("error: ")
    assert where in result.err
    assert what in result.err
    assert "Traceback" not in result.err


def test_a_bad_table_says_what_was_expected(placer, tmp_path):
    for name, text, what in (
        ("words.yaml", "one: 1.5\n", "whole number of drafted tokens"),
        ("long.yaml", "1: 2.5\n", "1 drafted tokens gain at most 2"),
        ("empty.yaml", "\n", "tokens gained a step by tokens drafted"),
        ("list.yaml", "- 0.5\n", "tokens gained a step by tokens drafted"),
    ):
        path = tmp_path / name
        path.write_text(text)
        result = placer(*DRAFT, str(path))
        assert result.code == 2
        assert what in result.err
