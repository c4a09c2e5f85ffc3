import hashlib
import importlib.util
import json
from pathlib import Path

import pytest
import yaml

from placer.errors import InputError
from placer.plan.files import load_plan, plan_json, save_plan
from placer.plan.plan import Plan
from placer.verify.verify import verify_plan

_SPEC = importlib.util.spec_from_file_location("hand_plans", Path(__file__).parents[1] / "verify" / "hand_plans.py")
hand_plans = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(hand_plans)


@pytest.fixture
def plan():
    return Plan.model_validate(hand_plans.mixed())


@pytest.fixture
def broken(plan, tmp_path):
    """Write the plan with some text or field broken, and return what loading it says."""

    def load(*, change=None, text=None):
        path = tmp_path / "plan.json"
        if text is None:
            raw = json.loads(plan_json(plan))
            change(raw)
            text = json.dumps(raw)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(InputError) as caught:
            load_plan(path)
        assert str(path) in str(caught.value)
        return str(caught.value)

    return load


def test_a_plan_comes_back_as_it_was_written(plan, tmp_path):
    path = tmp_path / "plan.json"
    save_plan(plan, path)
    assert load_plan(path) == plan
    assert path.read_text().endswith("}\n")
    assert [entry.name for entry in tmp_path.iterdir()] == ["plan.json"]


def test_writing_twice_replaces(plan, tmp_path):
    path = tmp_path / "plan.json"
    path.write_text("something longer than nothing" * 100_000)
    save_plan(plan, path)
    assert load_plan(path) == plan


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_a_truncated_plan(broken, plan, share):
    text = plan_json(plan)
    message = broken(text=text[: int(len(text.rstrip()) * share)])
    assert "\n" not in message


def test_nothing_at_all(broken):
    broken(text="")
    broken(text="[]")
    broken(text="null")


@pytest.mark.parametrize("version", [0, 4, "1", "3", None, 1.5, True])
def test_another_version_of_the_document(broken, version):
    message = broken(change=lambda raw: raw.update(schema_version=version))
    assert "schema_version" in message
    assert "expected schema version 3" in message
    assert repr(version) in message


def test_no_version_at_all(broken):
    assert "schema_version" in broken(change=lambda raw: raw.pop("schema_version"))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("metrics", "step_time_s"), float("nan")),
        (("metrics", "usd_per_million_output_tokens"), float("inf")),
        (("bound", "usd_per_million_output_tokens"), float("nan")),
        (("time", "path_s"), -1.0),
        (("bound", "relative_gap"), 1.5),
        (("metrics", "users"), 0),
        (("batch", "microbatches_in_flight"), 0),
        (("metrics", "power_w"), "much"),
        (("status",), "hoped for"),
    ],
)
def test_absurd_figures(broken, place, value):
    def change(raw):
        for key in place[:-1]:
            raw = raw[key]
        raw[place[-1]] = value

    message = broken(change=change)
    assert ".".join(place) in message or "NaN" in message or "nan" in message.casefold() or "inf" in message.casefold()


@pytest.mark.parametrize("field", ["status", "verdict", "scenario", "search", "provenance"])
def test_missing_fields(broken, field):
    message = broken(change=lambda raw: raw.pop(field))
    assert f"{field}: missing" in message


@pytest.mark.parametrize("field", ["metrics", "bound", "batch", "time", "placement", "groups", "devices", "memory"])
def test_a_planned_plan_lacks_nothing(broken, field):
    message = broken(change=lambda raw: raw.pop(field))
    assert f"lacks {field}" in message


def test_a_refusal_says_why(broken):
    def change(raw):
        raw.update(status="infeasible", refusal=None)

    assert "lacks refusal" in broken(change=change)


def test_unknown_fields_name_the_nearest(broken):
    message = broken(change=lambda raw: raw["metrics"].update(joules_per_tokens=1.0))
    assert 'did you mean "joules_per_token"?' in message


@pytest.mark.parametrize(
    "content",
    [b"\x80\x04\x95plan", b"PK\x03\x04" + bytes(range(256)), b"\x00" * 64, b"\xff\xfe{\x00}\x00"],
)
def test_binary_files(broken, content):
    assert "binary" in broken(text=content)


def test_places_without_a_plan(tmp_path, plan):
    with pytest.raises(InputError, match="directory"):
        load_plan(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        load_plan(tmp_path / "none.json")
    with pytest.raises(InputError, match="directory"):
        save_plan(plan, tmp_path)
    with pytest.raises(InputError, match="cannot be written"):
        save_plan(plan, tmp_path / "none" / "plan.json")


def test_yaml_will_do(plan, tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(json.loads(plan_json(plan))))
    assert load_plan(path) == plan


def test_a_file_of_version_1_had_the_law_only(plan, tmp_path):
    raw = json.loads(plan_json(plan))
    raw["schema_version"] = 1
    del raw["metrics"]["law_step_time_s"], raw["schedule"], raw["bound"]["law_relative_gap"], raw["search"]["simulated"]
    path = tmp_path / "old.json"
    path.write_text(json.dumps(raw))
    old = load_plan(path)
    assert old == without_context_parallel(plan)
    assert old.metrics.law_step_time_s == old.metrics.step_time_s
    assert json.loads(plan_json(old))["schema_version"] == 3


def without_context_parallel(plan):
    space = plan.scenario.space.model_copy(update={"context_parallel": False})
    return plan.model_copy(update={"scenario": plan.scenario.model_copy(update={"space": space})})


def test_a_plan_of_version_2_was_searched_without_context_parallelism_and_verifies(plan, tmp_path):
    # what version 2 wrote: no such field in groups and space, and the space's hash accordingly
    raw = json.loads(plan_json(plan)) | {"schema_version": 2}
    del raw["scenario"]["space"]["context_parallel"]
    for group in raw["groups"]:
        del group["cp"]
    text = json.dumps(raw["scenario"]["space"], separators=(",", ":"))
    raw["provenance"]["input_sha256"]["space"] = hashlib.sha256(text.encode()).hexdigest()
    path = tmp_path / "old.json"
    path.write_text(json.dumps(raw))
    old = load_plan(path)
    assert not old.scenario.space.context_parallel
    assert verify_plan(old).status == "verified"
    save_plan(old, path)
    assert load_plan(path) == old
    assert old.scenario == without_context_parallel(plan).scenario


def test_a_refusal_of_version_1_comes_back(plan, tmp_path):
    raw = json.loads(plan_json(plan)) | {"schema_version": 1, "status": "undecided", "metrics": None, "bound": None}
    path = tmp_path / "old.json"
    path.write_text(json.dumps(raw))
    assert load_plan(path).metrics is None
