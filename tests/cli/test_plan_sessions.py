"""``placer plan --think-time``: paused sessions on the tiers of a plan."""

import json

import pytest

from placer.api import build_scenario
from placer.cli.app import main
from placer.errors import ScenarioError
from placer.kv.tier import parse_tier
from placer.planner.planner import make_plan
from placer.search.params import SolveParams

PLAN = ("plan", "llama-3.1-70b", "--fleet", "h200-8x", "--tps-user", "40", "--quiet")
PAUSES = ("--think-time", "60s", "--turns", "4")
TIERS = ("--tier", "ddr:256GB@55GB/s", "--tier", "nvme:3.84TB@14GB/s+80us")


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """A plan with 30,000 paused sessions, as JSON, and its file."""
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    more = ("--paused", "30k", "--hit-rate", "0.9", "--compression", "2", "--kv", "fp8")
    assert main([*PLAN, *PAUSES, *TIERS, *more, "-o", str(path)]) == 0
    return json.loads(path.read_text()), path


def test_figures_follow_by_hand(planned):
    plan, _ = planned
    group, paused = plan["groups"][0], plan["paused"]
    tp, stages = group["tp"], group["stages"]
    ranks = len(plan["placement"]["replicas"]) * group["width"] // tp
    # 9,216 tokens of 80 layers, 2 x 8 heads x 128 in FP8; 288 pages of 32 tokens
    stage = 9216 * 2 * 8 * 128 * (80 // stages)
    holder = paused["holders"][-1]
    assert (holder["device_bytes"], holder["whole_bytes"], holder["ranks"]) == (stage // tp, stage, ranks)
    use = plan["memory"][0]
    assert holder["free_bytes"] == use["free_bytes"]
    hbm, ddr, nvme, dropped = paused["places"]
    assert hbm["limit"] == ranks * min(each["free_bytes"] // (stage // tp) for each in paused["holders"])
    assert ddr["kept"][0]["session_bytes"] == stage / tp / 2
    assert ddr["resume_s"] == pytest.approx(stage / tp / 2 / 55e9)
    assert nvme["resume_s"] == pytest.approx(80e-6 + stage / tp / 2 / 14e9)
    assert ddr["limit"] == ranks * int(256e9 / (stage / tp / 2))
    back = 3 / 4 * (0.9 * ddr["resume_s"] + 0.1 * paused["recompute_s"])
    assert ddr["cost_s"] == pytest.approx(back)
    assert hbm["sessions"] == hbm["limit"]
    assert hbm["sessions"] + ddr["sessions"] + nvme["sessions"] + dropped["sessions"] == 30_000
    # 70.6 G weights without the embedding, of 8,192 x 128,256, on the devices of a rank: at their peak it takes longer
    assert paused["recompute_s"] >= 2 * 68e9 * 9216 / (stages * tp * 989e12)


def test_a_plan_with_paused_sessions_is_verified_and_edits_are_not(planned, placer, tmp_path):
    plan, path = planned
    assert placer("verify", path).code == 0
    plan = json.loads(path.read_text())
    plan["paused"]["places"][1]["sessions"] += 1
    edited = tmp_path / "edited.json"
    edited.write_text(json.dumps(plan))
    result = placer("verify", edited)
    assert result.code == 4
    assert "sessions are counted twice" in " ".join(result.out.split())


def test_a_person_reads_where_sessions_wait(placer):
    out = " ".join(placer(*PLAN, *PAUSES, *TIERS, "--paused", "9k").out.split())
    for part in ("paused: 9,000 sessions of 9,216 tokens", "which was not planned for them", "reload", "recompute"):
        assert part in out
    assert "paused" not in placer(*PLAN).out


def test_sessions_change_neither_price_nor_bound(placer):
    with_, without = (json.loads(placer(*PLAN, "--json", *more).out) for more in ((*PAUSES, *TIERS), ()))
    for part in ("metrics", "bound", "devices", "groups", "memory", "kv", "placement"):
        assert with_[part] == without[part]
    assert without["paused"] is None


def test_the_draft_models_cache_is_counted(placer):
    plan = json.loads(placer(*PLAN, *PAUSES, "--draft", "llama-3.1-8b", "--json").out)
    *others, head = plan["paused"]["holders"]
    tp, stages = plan["groups"][0]["tp"], plan["groups"][0]["stages"]
    drafted = 9216 * 2 * 8 * 128 * 2 * 32
    assert head["whole_bytes"] == 9216 * 2 * 8 * 128 * 2 * (80 // stages) + drafted
    assert head["draft_weights_bytes"] > 16.06e9 / tp > sum(each["draft_weights_bytes"] for each in others)


def test_a_replanned_plan_keeps_its_sessions(placer, tmp_path):
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    olmoe = (
        "plan",
        "olmoe-1b-7b",
        "--fleet",
        "h100-8x",
        "--tps-user",
        "50",
        "--quiet",
        "--think-time",
        "30s",
        "--phase",
        "decode",
    )
    assert placer(*olmoe, "-o", old).code == 0
    assert placer("replan", old, "--routing", "zipf:0.8", "-o", new).code == 0
    assert placer("verify", new).code == 0


def test_hits_are_those_of_a_trace_unless_given(placer, tmp_path):
    trace = tmp_path / "trace.jsonl"
    rows = [{"timestamp": i, "input_length": 1024, "output_length": 100, "hash_ids": [7, i]} for i in range(4)]
    trace.write_text("\n".join(json.dumps(row) for row in rows))
    asked = (*PLAN, *PAUSES, "--traffic", trace, "--json")
    # of eight blocks three are the first prompt's
    assert json.loads(placer(*asked).out)["scenario"]["workload"]["sessions"]["prefix_hit_rate"] == 3 / 8
    given = json.loads(placer(*asked, "--hit-rate", "0.5").out)
    assert given["scenario"]["workload"]["sessions"]["prefix_hit_rate"] == 0.5


def test_a_question_without_pauses_takes_no_tiers():
    tier = parse_tier("ddr:1GB@1GB/s")
    retention = {"tiers": ({"name": tier.name, "capacity": "1 GB", "bandwidth": "1 GB/s"},)}
    lengths, target = {"input_tokens": 9, "output_tokens": 9}, {"tokens_per_s_per_user": 9.0}
    scenario = build_scenario("llama-3.1-8b", "h200-8x", workload=lengths, target=target, retention=retention)
    with pytest.raises(ScenarioError, match=r"expected workload\.sessions"):
        make_plan(scenario, SolveParams(budget_s=1.0))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--tier", "ddr:256GB@55GB/s"), "--tier: expected --think-time beside it"),
        (("--paused", "5"), "--paused: expected --think-time beside it"),
        (("--draft", "llama-3.1-8b"), "--draft: expected --think-time beside it"),
        (("--turns", "3"), "--turns: expected --think-time beside it"),
        ((*PAUSES, "--tier", "ddr:256GB"), "expected NAME:CAPACITY@BANDWIDTH"),
        ((*PAUSES, "--tier", "hbm:256GB@1TB/s"), 'a tier cannot be called "hbm"'),
        ((*PAUSES, "--tier", "ddr:256@55GB/s"), "--tier ddr"),
        ((*PAUSES, "--tier", "ddr:1GB@1GB/s", "--tier", "ddr:2GB@1GB/s"), 'tiers[1].name: "ddr" is taken by tiers[0]'),
        ((*PAUSES, "--paused", "0"), "expected --paused as a positive whole number"),
        ((*PAUSES, "--paused", "many"), "--paused"),
        (("--think-time", "60"), "think_time"),
        ((*PAUSES, "--compression", "0.5"), "compression"),
        ((*PAUSES, "--hit-rate", "2"), "prefix_hit_rate"),
        (("--think-time", "60s", "--turns", "0"), "--turns"),
        ((*PAUSES, "--draft", "llama-3.1-9b"), 'did you mean "llama-3.1-8b"?'),
    ],
)
def test_bad_input_is_named(placer, more, message):
    result = placer(*PLAN, *more)
    assert result.code == 2
    assert message in result.err
    assert result.err.count("\n") == 1
    assert not result.out
