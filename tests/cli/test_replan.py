"""``placer replan`` and ``placer explain`` as a user meets them."""

import json

import pytest

from placer.cli.app import main
from placer.plan.files import load_plan
from placer.replan.check import check_order
from placer.replan.order import Action, Step

#: With the power of 40 devices the cheapest plan has 32.
QUESTION = [
    "plan",
    "deepseek-v3",
    "--fleet",
    "h200-8x",
    "--tps-user",
    "30",
    "--power-cap",
    "60kW",
    "-q",
    "--phase",
    "decode",
]
PLAN = [*QUESTION, "--routing", "zipf:0.6", "-o"]


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """A plan of 32 expert ranks of 8 experts."""
    path = tmp_path_factory.mktemp("replan") / "plan.json"
    assert main([*PLAN, str(path)]) == 0
    return path


@pytest.fixture
def drift(tmp_path):
    """Counts in which the popular experts are others than planned for."""
    path = tmp_path / "new.json"
    counts = [(expert * 37 % 256 + 1) ** -0.5 * 1e6 for expert in range(256)]
    path.write_text(json.dumps({"counts": [counts]}))
    return path


def _replayed(plan, group):
    """Replay the steps of every layer of a report with the checker."""
    names = {name: rank for rank, name in enumerate(group["devices"])}
    experts = load_plan(plan).placement.experts
    for layer in group["layers"]:
        planned = experts[layer["layout"]].experts_by_rank
        firsts = {f"h200[{number}]": row for number, row in enumerate(planned)}
        old = [firsts.get(name, ()) for name in group["devices"]]
        for number in layer["layers"]:
            steps = [
                Step(Action(step["action"]), step["expert"], names[step["target"]], names.get(step["source"]))
                for step in group["steps"]
                if step["layer"] == number
            ]
            assert check_order(old, layer["experts_by_rank"], group["slots"], steps) == ()


def test_drift_gives_a_plan_that_verifies(placer, plan, drift, tmp_path):
    new = tmp_path / "new_plan.json"
    done = placer("replan", plan, "--routing", drift, "--budget-s", "2", "--json", "-o", new)
    assert done.code == 0, done.err
    report = json.loads(done.out)
    balance = report["balance"]
    assert balance["after"] <= 1.01 * balance["fresh"] * (1 + 1e-9) < balance["before"]
    assert report["step_time_after_s"] < report["step_time_stay_s"]
    assert 0 < report["moves"] < 58 * 40
    (group,) = report["groups"]
    assert group["bytes"] == sum(step["bytes"] for step in group["steps"])
    assert group["seconds"] == max(step["end_s"] for step in group["steps"])
    _replayed(plan, group)
    checked = placer("verify", new)
    assert checked.code == 0, checked.out
    assert load_plan(new).placement.experts["host-class1-0-256"].experts_by_rank == tuple(
        tuple(rank) for rank in group["layers"][0]["experts_by_rank"]
    )
    # Comparing the two plans finds the same bytes on its own; its time has no order of steps in it.
    moving = json.loads(placer("compare", plan, new, "--json").out)["moving"]
    assert moving["bytes"] == sum(step["bytes"] for step in group["steps"])
    assert 0 < moving["seconds"] <= group["seconds"]
    assert moving["sessions"]["stay"]


def test_a_lost_device(placer, plan):
    done = placer("replan", plan, "--lost", "h200[3]", "--json")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    (group,), (loss,) = report["groups"], report["losses"]
    assert "h200[3]" not in group["devices"]
    assert len(group["devices"]) == 31
    assert (group["slots"], group["layers"][0]["restored"]) == (9, 8)
    assert (loss["data_ranks"], loss["sequences"], loss["can_serve"]) == (1, 28, True)
    assert report["balance"]["after"] <= 1.01 * report["balance"]["fresh"] * (1 + 1e-9)
    assert not report["is_in_plan_schema"]
    _replayed(plan, group)
    (layers,) = group["layers"]
    parts = [sum(row) for row in layers["shares_by_rank"]]
    assert sum(parts) == pytest.approx(256)
    assert [len(row) for row in layers["shares_by_rank"]] == [len(row) for row in layers["experts_by_rank"]]


def test_weighted_shares_move_less_than_even_ones(placer, plan):
    reports = {
        shares: json.loads(placer("replan", plan, "--lost", "h200[3]", "--shares", shares, "--json").out)
        for shares in ("even", "weighted")
    }
    assert all(report["shares"] == shares for shares, report in reports.items())
    assert reports["weighted"]["moves"] < reports["even"]["moves"]
    assert reports["weighted"]["balance"]["fresh"] <= reports["even"]["balance"]["fresh"]


def test_a_new_plan_has_a_bound_of_its_routing(placer, plan, tmp_path):
    new, bare = tmp_path / "new.json", tmp_path / "bare.json"
    assert placer("replan", plan, "--routing", "zipf:0.5", "-o", new).code == 0
    bound = load_plan(new).bound
    assert 0 < bound.usd_per_million_output_tokens < load_plan(new).metrics.usd_per_million_output_tokens
    assert bound.relative_gap < 0.2
    assert placer("verify", new).code == 0
    assert placer("replan", plan, "--routing", "zipf:0.5", "--budget-s", "0", "-o", bare).code == 0
    assert load_plan(bare).bound.relative_gap == 1.0
    assert "nothing is proven" in load_plan(bare).verdict
    best = tmp_path / "best.json"
    placer(*QUESTION, "--routing", "zipf:0.5", "-o", best)
    assert bound.usd_per_million_output_tokens <= load_plan(best).metrics.usd_per_million_output_tokens


def test_a_lost_rack_and_a_device_that_joins(placer, plan):
    lost = json.loads(placer("replan", plan, "--lost", "domain:h200[1]", "--json").out)
    assert len(lost["lost"]) == 8
    assert lost["moves"] <= 1.2 * lost["lower_bound_moves"]
    grown = json.loads(placer("replan", plan, "--add", "h200[40]", "--json").out)
    assert grown["groups"][0]["devices"][-1] == "h200[40]"
    assert grown["losses"] == []


def test_fewer_bytes_mean_less_balance(placer, plan, drift):
    free = json.loads(placer("replan", plan, "--routing", drift, "--json").out)
    size = free["bytes"] // 2
    done = json.loads(placer("replan", plan, "--routing", drift, "--max-move-bytes", f"{size / 1e9}GB", "--json").out)
    assert done["bytes"] <= size
    assert free["balance"]["after"] < done["balance"]["after"] <= done["balance"]["before"]
    refused = placer("replan", plan, "--lost", "h200[3]", "--max-move-bytes", "1GB")
    assert refused.code == 2
    assert "must be fetched" in refused.err


def test_routing_by_layer(placer, plan, tmp_path):
    layers = tmp_path / "layers.json"
    counts = [[(expert * (2 * layer + 3) % 257 + 1) ** -0.4 for expert in range(256)] for layer in range(58)]
    layers.write_text(json.dumps({"counts": counts}))
    report = json.loads(placer("replan", plan, "--routing", layers, "--json").out)
    assert [layer["layers"] for layer in report["groups"][0]["layers"]] == [[number] for number in range(3, 61)]
    new = tmp_path / "new.json"
    done = placer("replan", plan, "--routing", layers, "--budget-s", "2", "-o", new)
    assert done.code == 0
    assert placer("verify", new).code == 0


def test_the_report_says_what_users_ask(placer, plan):
    done = placer("replan", plan, "--lost", "h200[3]")
    for part in (
        "copies of experts move",
        "fullest rank over the mean",
        "step by the law",
        "storage",
        "KV cache of 28",
    ):
        assert part in " ".join(done.out.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing has changed"),
        (["--lost", "h20[3]"], 'did you mean "h200[3]"'),
        (["--lost", "h200[100]"], "not used by the plan"),
        (["--add", "h200[1]"], "used by the plan already"),
        (["--routing", "zipf"], "zipf:EXPONENT"),
        (["--routing", "absent.json"], "no such file"),
        (["--routing", "zipf:1.5", "-o", "never.json"], "less than the target of 30"),
        (["--lost", "h200[3]", "-o", "never.json"], "cannot be written as a plan"),
        (["--routing", "zipf:0.5", "--max-move-bytes", "20"], "--max-move-bytes"),
        (["--routing", "zipf:0.5", "--storage", "0 GB/s"], "more than nothing"),
        (["--lost", "h200[3]", "--shares", "evn"], "expected even or weighted"),
        (["--routing", "zipf:0.5", "--budget-s", "-1", "-o", "never.json"], "0 or more"),
        (["--routing", "zipf:0.5", "-o", "absent/plan.json"], "no such folder"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(placer, plan, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    done = placer("replan", plan, *arguments)
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_what_is_no_plan_is_refused(placer, tmp_path):
    refusal, other = tmp_path / "refusal.json", tmp_path / "other.json"
    placer("plan", "llama-3.1-8b", "--fleet", "h200-8x", "--tps-user", "100000", "-q", "-o", refusal)
    other.write_text("{}")
    dense = tmp_path / "dense.json"
    placer("plan", "llama-3.1-8b", "--fleet", "h200-8x", "--tps-user", "50", "-q", "-o", dense)
    for command in (["replan", "--lost", "h200[0]"], ["explain"]):
        assert "infeasible" in placer(command[0], refusal, *command[1:]).err
        assert "schema version" in placer(command[0], other, *command[1:]).err
    assert "no routed experts" in placer("replan", dense, "--lost", "h200[0]").err
    assert placer("explain", dense).code == 0
    assert "nothing to balance" in placer("explain", dense, "--layer", "3").out


class TestExplain:
    """Loads, bound and help of a layer; bytes and time of a device; where the plan is tight."""

    def test_a_layer(self, placer, plan, drift, tmp_path):
        new = tmp_path / "new_plan.json"
        placer("replan", plan, "--routing", drift, "--budget-s", "0", "-o", new)
        layer = json.loads(placer("explain", new, "--layer", "17", "--json").out)
        (part,) = layer["parts"]
        assert sum(part["loads"]) == pytest.approx(8.0)
        assert part["mean"] <= part["bound"] <= max(part["loads"]) == part["fullest_load"]
        swap = part["swap"]
        ranks = [list(rank) for rank in load_plan(new).placement.experts["host-class1-0-256"].experts_by_rank]
        ranks[swap["from_rank"]].remove(swap["expert"])
        ranks[swap["to_rank"]].remove(swap["for_expert"])
        ranks[swap["from_rank"]].append(swap["for_expert"])
        ranks[swap["to_rank"]].append(swap["expert"])
        plan_ = load_plan(new)
        selection = plan_.scenario.workload.routing.selections([17], 256, 8)[0]
        assert max(selection[rank].sum() for rank in ranks) == pytest.approx(swap["max_load"])

    def test_a_device_holds_what_the_plan_says(self, placer, plan):
        device = json.loads(placer("explain", plan, "--device", "h200[3]", "--json").out)
        (use,) = load_plan(plan).memory
        held = device["bytes_by_kind"]
        assert held["KV cache"] == pytest.approx(use.kv_bytes, rel=1e-6)
        weights = sum(size for kind, size in held.items() if kind not in {"KV cache", "buffers"})
        assert weights == pytest.approx(use.weights_bytes, rel=1e-6)
        assert (device["layers"], device["experts"], device["sequences"]) == (61, 58 * 8, 28)
        assert sum(device["seconds_by_kind"].values()) <= load_plan(plan).metrics.step_time_s * 1.001

    def test_the_whole_plan(self, placer, plan):
        summary = json.loads(placer("explain", plan, "--json").out)
        assert summary["fullest"]["device"] == "h200[0]"
        assert 0 < summary["balance_cost_s"] < summary["step_time_s"]
        assert "binding:" in placer("explain", plan).out

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--layer", "61"], "the model has 0 to 60"),
            (["--device", "h200[33]"], "did you mean"),
            (["--layer", "3", "--device", "h200[0]"], "one of --layer, --device and --hot"),
        ],
    )
    def test_errors(self, placer, plan, arguments, message):
        done = placer("explain", plan, *arguments)
        assert done.code == 2
        assert message in done.err
