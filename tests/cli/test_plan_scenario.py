"""``placer plan --scenario`` as a user meets it."""

import json
from pathlib import Path

import pytest
import yaml

from placer.files import read_mapping

FOLDER = Path(__file__).parents[2] / "fleets" / "known_portfolios"


@pytest.fixture
def write(tmp_path):
    """Return a function that writes the scenario of a known portfolio, changed, and returns the file."""

    def save(name, change=None):
        raw = json.loads(json.dumps(read_mapping(FOLDER / f"{name}.yaml")["scenario"]))
        if change is not None:
            change(raw)
        path = tmp_path / "scenario.yaml"
        path.write_text(yaml.safe_dump(raw, sort_keys=False))
        return path

    return save


def test_the_report_says_who_has_what_and_pays(placer, write):
    result = placer("plan", "--scenario", write("cold-in-ddr"), "-q")
    assert result.code == 0, result.err
    assert "$3.6/h for 3 model(s), 3 of them cold, on 1 slow, proven optimal" in " ".join(result.out.split())
    for part in ("turns on 1 slow", "weights in ddr", "switches/h", "440 B", "decode only", "estimates: slow.ddr"):
        assert part in " ".join(result.out.split()), part


def test_groups_that_prefill_and_first_tokens_are_shown(placer, write):
    result = placer("plan", "--scenario", write("first-tokens-decide"), "-q")
    assert result.code == 0, result.err
    text = " ".join(result.out.split())
    assert "$18/h for 1 model(s), on 1 chip, 1 fast" in text
    for part in ("1 x 1 chip,", "100.5 ms", "waits for prefill at the traffic asked for"):
        assert part in text, part
    assert "decode only" not in text


def test_agents_are_shown_call_by_call(placer, write):
    result = placer("plan", "--scenario", write("parallel-branches"), "-q")
    assert "agent fork: 10.22 s of 12 s allowed" in result.out
    assert [line.split()[-1] for line in result.out.splitlines() if line.startswith(("joined", "left"))] == ["yes"] * 2


def test_a_folder_has_the_portfolio_and_every_plan(placer, write, tmp_path):
    folder = tmp_path / "out"
    result = placer("plan", "--scenario", write("to-each-its-pool"), "--json", "-o", folder)
    assert result.code == 0
    assert json.loads(result.out) == json.loads((folder / "portfolio.json").read_text())
    assert sorted(path.name for path in folder.iterdir()) == [
        "plan-hurried.json",
        "plan-patient.json",
        "portfolio.json",
    ]
    for path in folder.iterdir():
        assert placer("verify", path).code == 0
    again = placer("plan", "--scenario", write("to-each-its-pool"), "-o", folder)
    assert again.code == 0


def test_an_edited_portfolio_is_rejected(placer, write, tmp_path):
    folder = tmp_path / "out"
    placer("plan", "--scenario", write("to-each-its-pool"), "-o", folder)
    path = folder / "portfolio.json"
    raw = json.loads(path.read_text())
    raw["models"][0]["usd_per_hour"] *= 0.5
    path.write_text(json.dumps(raw))
    result = placer("verify", path)
    assert result.code == 4
    assert "shares" in result.out
    path.write_text(json.dumps(raw | {"schema_version": 9}))
    assert "expected version 2, got 9" in placer("verify", path).err


@pytest.mark.parametrize(("name", "text"), [("short-inventory", "4 more of slow"), ("late-agent", "1.844 s for agent")])
def test_a_refusal_says_what_is_short_and_what_would_work(placer, write, tmp_path, name, text):
    folder = tmp_path / "out"
    result = placer("plan", "--scenario", write(name), "-o", folder)
    assert result.code == 3
    assert "infeasible" in result.out
    assert text in " ".join(result.out.split())
    assert placer("verify", folder / "portfolio.json").code == 0


def _set(*path, value):
    def change(raw):
        inner = raw
        for part in path[:-1]:
            inner = inner[part]
        inner[path[-1]] = value

    return change


BAD = {
    "unknown fleet": ("cold-call", _set("fleet", value="h200-8y"), 'fleet: unknown fleet "h200-8y"; did you mean'),
    "unknown model": ("cold-call", _set("models", 0, "model", value="gpt-oss-20c"), "models[0].model: "),
    "unknown field": ("cold-call", _set("models", 0, "wiat", value="1 s"), 'wiat: unknown field; did you mean "wait"'),
    "unknown device": (
        "cold-call",
        _set("fleet", "pools", 0, "device", value="slw"),
        'pools[0].device: unknown device "slw"',
    ),
    "unknown service": (
        "cold-call",
        _set("agents", 0, "calls", 0, "model", value="caled"),
        'agents[0].calls[0].model: unknown model "caled"; did you mean "called"',
    ),
    "unknown call": (
        "parallel-branches",
        _set("agents", 0, "calls", 1, "after", value=["joind"]),
        'calls[1].after: unknown call "joind"; did you mean "joined"',
    ),
    "a cycle": ("parallel-branches", _set("agents", 0, "calls", 0, "after", value=["left"]), "expected no cycle"),
    "unknown pool": ("cold-call", _set("tiers", 0, "pool", value="slo"), 'tiers[0].pool: unknown pool "slo"'),
    "no unit": ("cold-call", _set("tiers", 0, "bandwidth", value=440), "tiers[0].bandwidth: expected a bandwidth"),
    "cold without wait": ("cold-call", _set("models", 0, "wait", value=None), "needs wait"),
    "cold without tiers": ("cold-call", _set("tiers", value=[]), "models[0].residency: either needs tiers"),
    "two rates": ("one-node-for-two", _set("models", 0, "tokens_per_s", value=1), "say the same"),
    "no lengths": ("one-node-for-two", _set("models", 0, "isl", value=None), "isl and osl are missing"),
    "nobody asks": ("one-node-for-two", _set("models", 0, "requests_per_s", value=None), "models[0]: nobody asks it"),
    "no speed": (
        "one-node-for-two",
        _set("models", 0, "tokens_per_s_per_user", value=None),
        "expected tokens_per_s_per_user",
    ),
    "a longer call": ("cold-call", _set("models", 0, "osl", value=0), "models[0].osl: "),
    "call too long": (
        "cold-call",
        lambda raw: raw["models"][0].update({"isl": 8, "osl": 1}),
        "agents[0].calls[0].isl: expected at most the 8 of model called, got 16",
    ),
    "a name twice": ("one-node-for-two", _set("models", 1, "name", value="first"), "models[1].name:"),
    "unpriced": ("one-node-for-two", _set("fleet", "price_basis", value="list"), "no price on the basis"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_with_its_place(placer, write, case):
    name, change, text = BAD[case]
    result = placer("plan", "--scenario", write(name, change))
    assert result.code == 2, result.err
    assert text in result.err
    assert result.err.count("\n") == 1
    assert not result.out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--isl", "5"), "--isl: does not go with --scenario"),
        (("--tps-user", "5"), "--tps-user: does not go with --scenario"),
        (("--gap", "2"), "--gap: expected a share"),
        (("--budget-s", "0"), "--budget-s: expected seconds"),
        (("-o", "absent/folder"), "absent: no such folder"),
    ],
)
def test_options_that_do_not_go_with_it(placer, write, arguments, text):
    result = placer("plan", "--scenario", write("cold-call"), *arguments)
    assert result.code == 2
    assert text in result.err


def test_without_a_scenario_the_rest_is_needed(placer):
    assert "missing option --fleet, option --tps-user (or --scenario FILE)" in placer("plan", "gpt-oss-20b").err


def test_the_schema_takes_names_for_fleet_and_models(placer):
    schema = json.loads(placer("schema", "scenario").out)
    assert {"type": "string"} in schema["properties"]["fleet"]["anyOf"]
    assert {"type": "string"} in schema["$defs"]["ServedModel"]["properties"]["model"]["anyOf"]
    assert "capacity" not in schema["$defs"]["ColdTier"]["required"]
    assert schema["$defs"]["Call"]["properties"]["after"]["description"]
