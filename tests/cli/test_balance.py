"""``placer balance``: table, JSON, messages."""

from __future__ import annotations

import json

import numpy as np
import pytest

from placer.balance.result import rank_loads

COUNTS = [[90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86], [20, 107, 104, 64, 19, 197, 187, 157, 172, 86, 16, 27]]


@pytest.fixture
def counts(tmp_path):
    path = tmp_path / "counts.json"
    path.write_text(json.dumps(COUNTS))
    return path


def test_json_has_every_layer(placer, counts):
    result = placer("balance", "--counts", counts, "--ranks", 8, "--slots", 16, "--json")
    assert (result.code, result.err) == (0, "")
    report = json.loads(result.out)
    assert [layer["max_load"] for layer in report["layers"]] == [136.0, 172.0]
    for layer, loads in zip(report["layers"], COUNTS, strict=True):
        assert {"max_load", "mean_load", "bound", "relative_gap", "physical_to_logical"} <= set(layer)
        placed = np.array(layer["physical_to_logical"])
        assert rank_loads(placed, np.array(loads, dtype=float), 8).max() == pytest.approx(layer["max_load"])
        assert layer["bound"] <= layer["max_load"]


def test_the_table_has_a_row_per_layer(placer, counts, tmp_path):
    arguments = ("balance", "--counts", counts, "--ranks", 8, "--slots", 16)
    alone = placer(*arguments)
    assert alone.code == 0
    for heading in ("layer", "max / mean", "bound / mean", "gap", "EPLB / mean", "replicas of hottest"):
        assert heading in alone.out
    assert "1.0532" in alone.out
    assert "1.1903" in alone.out
    nodes = placer(*arguments, "--nodes", 2, "--groups", 4, "-o", tmp_path / "out.json")
    for heading in ("node / mean", "leaving", "policy"):
        assert heading in nodes.out
    assert json.loads((tmp_path / "out.json").read_text())["nodes"] == 2


def test_collections_and_named_fields_are_read(placer, tmp_path):
    path = tmp_path / "many.json"
    path.write_text(json.dumps({"data": {"code": {"counts": COUNTS}}}))
    named = placer("balance", "--counts", f"{path}#code", "--ranks", 4, "--slots", 12, "--json")
    path.write_text(json.dumps({"counts": COUNTS}))
    field = placer("balance", "--counts", path, "--ranks", 4, "--slots", 12, "--json")
    assert named.code == field.code == 0
    assert named.out == field.out


def test_affinity_cuts_traffic(placer, counts, tmp_path):
    path = tmp_path / "together.json"
    path.write_text(json.dumps([np.eye(12).tolist()]))
    arguments = ("balance", "--counts", counts, "--ranks", 4, "--slots", 12, "--nodes", 2, "--affinity", path)
    found = json.loads(placer(*arguments, "--json").out)["affinity"]
    assert found["cross_node_after"] < found["cross_node_before"]
    assert "after relabelling" in placer(*arguments).out


@pytest.mark.parametrize(
    ("text", "more", "message"),
    [
        ("[[1, 2], [3]]", (), "counts[1] has 1 experts, counts[0] has 2"),
        ("[[1, -2]]", (), "counts[0][1]: Input should be greater than or equal to 0, got -2"),
        ("[[1, 2]", (), "malformed JSON at line 1"),
        ('[[1, "x"]]', (), "counts[0][1]"),
        (
            "[[1, 2]]",
            ("--slots", 3),
            "slots: expected a multiple of the 2 ranks, at least the 2 experts, such as 2 or 4",
        ),
        ("[[1, 2]]", ("--nodes", 5), "nodes: expected a divisor of the 2 ranks, got 5"),
        ("[[1, 2]]", ("--affinity", "absent.json"), "absent.json: no such file"),
    ],
)
def test_bad_input_is_named(placer, tmp_path, text, more, message):
    path = tmp_path / "counts.json"
    path.write_text(text)
    result = placer("balance", "--counts", path, "--ranks", 2, "--slots", 4, *more)
    assert result.code == 2
    assert message in result.err
    assert not result.out


def test_affinity_of_another_shape_is_refused(placer, counts, tmp_path):
    path = tmp_path / "together.json"
    for text, message in (
        ("[[1]]", "got 2 level(s)"),
        ("[[[1, 2]]]", "expected shape (1, 12, 12)"),
        ('{"a": 1}', "field affinity"),
    ):
        path.write_text(text)
        result = placer("balance", "--counts", counts, "--ranks", 4, "--slots", 12, "--affinity", path)
        assert result.code == 2
        assert message in result.err
