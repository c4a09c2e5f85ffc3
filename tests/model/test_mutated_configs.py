"""Every reader on damaged configurations: a lowering that adds up, or a clear error; never anything else."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from placer.errors import ModelConfigError
from placer.graph.lower import lower
from placer.graph.totals import totals
from placer.model.readers.registry import READERS, TEXT_TOWERS, read_config
from tests.model.configs import CONFIGS

#: Over all families 10,000 cases.
CASES = 10_000 // len(CONFIGS) + 1
LONGEST_S = 1.0
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 70),
    st.sampled_from(
        [0, 1, 3, 7, 10**6, 10**9, 10**30, -(10**30), 0.5, 2.0, math.nan, math.inf, "", "64", "silu", "auto"]
    ),
    st.lists(st.one_of(st.integers(-1, 130), st.text(max_size=3), st.none()), max_size=6),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
)
EXTRA = [
    "num_extra_layers",
    "attention_bias",
    "mlp_bias",
    "quantization_config",
    "torch_dtype",
    "layer_types",
    "text_config",
]


@st.composite
def mutated(draw, name):
    config = CONFIGS[name]
    target = dict(config["text_config"]) if "text_config" in config and draw(st.booleans()) else None
    changed = dict(config) if target is None else target
    for _ in range(draw(st.integers(1, 3))):
        field = draw(st.sampled_from([*changed, *EXTRA]))
        if draw(st.booleans()) and field in changed:
            del changed[field]
        else:
            changed[field] = draw(VALUES)
    return changed if target is None else config | {"text_config": changed}


def test_every_family_is_here():
    types = {config["model_type"] for config in CONFIGS.values()}
    towers = {TEXT_TOWERS.get(kind, kind) for kind in types}
    assert set(READERS) - towers <= {"qwen3_5_text"}


@pytest.mark.parametrize("name", CONFIGS)
def test_the_configuration_itself_is_read(name):
    spec = read_config(CONFIGS[name], name=name, where="config.json")
    assert totals(lower(spec), 100).parameters > 0


@pytest.mark.parametrize("name", CONFIGS)
def test_damage_is_lowered_or_refused(name):
    read = {"lowered": 0, "refused": 0}

    @settings(derandomize=True, deadline=None, max_examples=CASES, suppress_health_check=list(HealthCheck))
    @given(mutated(name))
    def check(config):
        started = time.process_time()
        try:
            spec = read_config(config, name="damaged", where="config.json")
        except ModelConfigError as error:
            assert error.message  # noqa: PT017 both outcomes are checked
            assert error.where.startswith("config.json")  # noqa: PT017
            read["refused"] += 1
        else:
            model = lower(spec)
            sums = totals(model, 1000)
            assert sums.parameters == sum(sums.parameters_by_kind.values())
            assert 0 < sums.active_parameters <= sums.parameters
            assert sums.kv_bytes_per_sequence <= sums.held_bytes_per_sequence
            read["lowered"] += 1
        assert time.process_time() - started < LONGEST_S

    check()
    assert min(read.values()) > CASES // 50
