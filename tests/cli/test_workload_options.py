"""``placer plan``: lengths from a trace, routing from presets and counts."""

from __future__ import annotations

import json

import pytest

PLAN = ("plan", "olmoe-1b-7b", "--fleet", "h100-8x", "--tps-user", "50", "--json", "--quiet")


def test_lengths_come_from_a_trace_unless_given(placer, tmp_path):
    trace = tmp_path / "trace.jsonl"
    rows = [{"timestamp": i, "input_length": 600, "output_length": 100, "hash_ids": [i, -1 - i]} for i in range(3)]
    trace.write_text("\n".join(json.dumps(row | {"hash_ids": [row["timestamp"], 9]}) for row in rows))
    workload = json.loads(placer(*PLAN, "--traffic", str(trace)).out)["scenario"]["workload"]
    assert (workload["input_tokens"], workload["output_tokens"]) == (600, 100)
    workload = json.loads(placer(*PLAN, "--traffic", str(trace), "--osl", "300").out)["scenario"]["workload"]
    assert (workload["input_tokens"], workload["output_tokens"]) == (600, 300)


def test_routing_is_a_preset_a_law_or_counts(placer, tmp_path):
    counts = tmp_path / "counts.json"
    counts.write_text(json.dumps({"counts": [list(range(1, 65)), list(range(64, 0, -1))]}))
    domain, law, counted = (
        json.loads(placer(*PLAN, "--routing", routing).out)["scenario"]["workload"]["routing"]
        for routing in ("domain", "zipf:0.8414", str(counts))
    )
    assert domain == law
    assert counted["kind"] == "layers"
    assert counted["layers"] == [list(range(1, 65)), list(range(64, 0, -1))]


@pytest.mark.parametrize(
    ("routing", "message"),
    [("domainn", 'did you mean "domain"?'), ("zipf:x", "zipf:EXPONENT"), ("absent.json", "absent.json")],
)
def test_unknown_routing_is_named(placer, routing, message):
    result = placer(*PLAN, "--routing", routing)
    assert result.code != 0
    assert message in result.err
