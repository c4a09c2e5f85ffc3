"""Counts per layer and expert from files, and how uneven they are."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.errors import InputError
from placer.scenario.routing import RoutingProfile
from placer.scenario.routing_file import RoutingCounts, read_routing_counts
from placer.scenario.routing_skew import measure_skew

OURS = {"counts": [[1, 2, 3, 4], [10, 0, 0, 0]], "layers": [0, 7]}
COLLECTION = {
    "source": "a paper",
    "data": {"olmoe/c4": {"layers": 2, "counts": OURS["counts"], "stats": []}, "olmoe/github": {"counts": [[5, 5]]}},
}
COUNTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=40).filter(any)


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file and gives its path."""

    def save(content):
        path = tmp_path / "counts.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    return save


def test_our_own_form(write):
    routing = read_routing_counts(write(OURS))
    assert (routing.num_experts, routing.layers) == (4, (0, 7))
    assert routing.counts == ((1, 2, 3, 4), (10, 0, 0, 0))
    assert routing.profile.numbers == (0, 7)


def test_yaml_and_no_layers(write):
    assert read_routing_counts(write("counts:\n- [1, 2]\n")).layers is None


def test_an_entry_of_a_collection(write):
    path = write(COLLECTION)
    assert read_routing_counts(f"{path}#olmoe/c4").counts == ((1, 2, 3, 4), (10, 0, 0, 0))
    assert read_routing_counts(f"{path}#olmoe/github").num_experts == 2


def test_a_file_whose_name_has_a_mark(tmp_path):
    path = tmp_path / "a#b.json"
    path.write_text(json.dumps(OURS))
    assert read_routing_counts(str(path)).num_experts == 4


def test_layers_out_of_order_are_sorted(write):
    counts = {"counts": OURS["counts"], "layers": [7, 0]}
    profile = read_routing_counts(write(counts)).profile
    assert (profile.numbers, profile.layers) == ((0, 7), ((10, 0, 0, 0), (1, 2, 3, 4)))


def test_counts_are_a_routing_profile(write):
    profile = read_routing_counts(write(OURS)).profile
    # the mean by rank, for those who want one profile
    assert profile.selection_probability(4, 1).tolist() == pytest.approx([0.7, 0.15, 0.1, 0.05])
    # layers nobody measured take the nearest one that was
    each = profile.selections([0, 3, 4, 7, 9], 4, 1)
    assert each[:2].tolist() == [pytest.approx([0.1, 0.2, 0.3, 0.4])] * 2
    assert each[2:].tolist() == [pytest.approx([1, 0, 0, 0])] * 3


def test_layers_without_numbers_are_spread_evenly(write):
    profile = read_routing_counts(write({"counts": [[1, 0], [0, 1]]})).profile
    assert profile.selections([3, 4, 5, 8], 2, 1)[:, 0].tolist() == [1, 1, 0, 0]
    assert profile.by_layer({(2, 1): (3, 8)})[8].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "layers"}, "layers are given exactly when kind is layers"),
        ({"layers": [[1, 2]]}, "layers are given exactly when kind is layers"),
        ({"kind": "layers", "layers": [[1, 2], [1]]}, "layers[1] has 1 experts, layers[0] has 2"),
        ({"kind": "layers", "layers": [[1, 2], [0, 0]]}, "layers[1] is all zero"),
        ({"kind": "layers", "layers": [[1, 2]], "numbers": [1, 2]}, "1 different layers in rising order"),
        ({"kind": "layers", "layers": [[1, 2], [1, 2]], "numbers": [2, 1]}, "2 different layers in rising order"),
    ],
)
def test_layers_that_make_no_profile(fields, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        RoutingProfile.model_validate(fields)


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ({"counts": []}, "", "counts: Tuple should have at least 1 item"),
        ({"counts": [[]]}, "", "counts[0]: Tuple should have at least 1 item"),
        ({"counts": [[1, 2], [3]]}, "", "counts[1] has 1 experts, counts[0] has 2"),
        ({"counts": [[1, 2], [0, 0]]}, "", "counts[1] is all zero"),
        ({"counts": [[1, -2]]}, "", "counts[0][1]: Input should be greater than or equal to 0"),
        ({"counts": [[1, "2"]]}, "", "counts[0][1]: Input should be a valid number"),
        ({"counts": [[1, True]]}, "", "counts[0][1]: Input should be a valid number"),
        ({"counts": [[1, 1e99]]}, "", "counts[0][1]: Input should be less than or equal to"),
        ('{"counts": [[1, NaN]]}', "", "NaN is no number"),
        ({"counts": [[1, 2]], "layers": [0, 1]}, "", "layers has 2 different numbers for 1 layers"),
        ({"counts": [[1], [2]], "layers": [3, 3]}, "", "layers has 1 different numbers for 2 layers"),
        ({"counts": [[1, 2]], "layer": [0]}, "", 'layer: unknown field; did you mean "layers"?'),
        ({}, "", "counts: missing"),
        (OURS, "#x", 'has no entries, so none is called "x"'),
        (COLLECTION, "", "has 2 entries; choose one: "),
        (COLLECTION, "#olmoe/c5", 'unknown entry "olmoe/c5"; did you mean "olmoe/c4"?'),
        ({"data": {"a": {"counts": [[1]], "layers": 2}}}, "#a", "a: layers: expected 1, the number of layers"),
        ({"data": {"a": {}}}, "#a", "a: counts: "),
        ({"data": [1]}, "#a", "data: expected named entries with counts"),
        ("", "", "is empty"),
    ],
)
def test_what_is_refused(write, content, name, message):
    path = write(content)
    with pytest.raises(InputError) as raised:
        read_routing_counts(path + name)
    assert str(raised.value).startswith(path)
    assert message in str(raised.value)


def test_skew_by_hand():
    skew = measure_skew([8, 1, 1, 0, 2, 0, 4, 0])
    assert (skew.max_over_mean, skew.top10_share, skew.top25_share) == (4.0, 0.5, 0.75)
    assert skew.cv == pytest.approx(np.sqrt(6.75) / 2)
    assert skew.gini == pytest.approx(0.640625)


@given(counts=COUNTS)
def test_skew_lies_between_uniform_and_one_expert(counts):
    skew, num = measure_skew(counts), len(counts)
    assert skew.max_over_mean * (1 + 1e-12) >= 1
    assert skew.max_over_mean <= num * (1 + 1e-12)
    assert -1e-12 <= skew.gini <= 1 - 1 / num + 1e-12
    assert 0 < skew.top10_share <= skew.top25_share <= 1 + 1e-12
    pairs = sum(abs(one - other) for one in counts for other in counts)
    assert skew.gini == pytest.approx(pairs / (2 * num * sum(counts)), abs=1e-12)


@given(counts=COUNTS, factor=st.floats(0.001, 1000))
def test_skew_has_no_unit(counts, factor):
    scaled = measure_skew([count * factor for count in counts])
    assert scaled.model_dump() == pytest.approx(measure_skew(counts).model_dump())


def test_uniform_has_none():
    skew = measure_skew([7] * 64)
    assert (skew.max_over_mean, skew.cv, skew.gini) == (1, 0, 0)
    assert (skew.top10_share, skew.top25_share) == (6 / 64, 0.25)


def test_it_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        RoutingCounts(counts=((1.0,),)).layers = (1,)


@pytest.mark.shared
def test_published_counts_have_the_published_skew(shared):
    path = shared / "data" / "expert_counts_olmoe_mixtral.json"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    for name, entry in json.loads(path.read_text())["data"].items():
        routing = read_routing_counts(f"{path}#{name}")
        assert len(routing.skews) == entry["layers"]
        for skew, published in zip(routing.skews, entry["stats"], strict=True):
            assert skew.max_over_mean == pytest.approx(published["max_over_mean"], abs=6e-4)
            assert skew.top10_share == pytest.approx(published["top10pct_share"], abs=6e-5)
            assert skew.top25_share == pytest.approx(published["top25pct_share"], abs=6e-5)
            assert skew.cv == pytest.approx(published["cv"], abs=6e-4)
            assert skew.gini == pytest.approx(published["gini"], abs=6e-4)
