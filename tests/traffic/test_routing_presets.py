"""Presets of routing: their exponents are the best fit to the shares they name."""

from __future__ import annotations

import json
import statistics

import numpy as np
import pytest

from placer.errors import ScenarioError
from placer.scenario.routing import UNIFORM
from placer.scenario.routing_file import read_routing_counts
from placer.scenario.routing_presets import FITTED_EXPERTS, PRESETS, routing_preset
from placer.scenario.routing_skew import measure_skew


def _error(preset, exponent):
    skew = measure_skew(np.power(np.arange(1.0, FITTED_EXPERTS + 1), -exponent).tolist())
    tenth = 0 if preset.top10_share is None else (skew.top10_share - preset.top10_share) ** 2
    return tenth + (skew.top25_share - preset.top25_share) ** 2


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_the_exponent_is_the_best_fit(preset):
    best = min(np.arange(0, 2, 0.0005), key=lambda exponent: _error(preset, exponent))
    assert preset.exponent == pytest.approx(best, abs=0.0005)


@pytest.mark.parametrize(
    ("name", "low", "high"), [("uniform", 0, 0), ("mixtral", 0.1, 0.2), ("mixed", 0.45, 0.55), ("domain", 1.2, 1.5)]
)
def test_the_variation_is_near_the_measured_one(name, low, high):
    profile = routing_preset(name).profile
    skew = measure_skew(profile.selection_probability(FITTED_EXPERTS, 1).tolist())
    assert low <= skew.cv <= high


def test_uniform_is_the_profile_everybody_has():
    assert routing_preset("uniform").profile == UNIFORM


def test_skew_rises_from_preset_to_preset():
    exponents = [preset.exponent for preset in PRESETS]
    assert exponents == sorted(exponents)
    assert len({preset.name for preset in PRESETS}) == len(PRESETS)


def test_an_unknown_preset_is_named_with_the_nearest():
    with pytest.raises(ScenarioError, match='unknown routing "mixtrall"; did you mean "mixtral"'):
        routing_preset("mixtrall")


@pytest.mark.shared
def test_mixtrals_share_is_the_mean_of_the_published_counts(shared):
    path = shared / "data" / "expert_counts_olmoe_mixtral.json"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    names = [name for name in json.loads(path.read_text())["data"] if name.startswith("mistral/expert_counts/")]
    shares = [skew.top25_share for name in names for skew in read_routing_counts(f"{path}#{name}").skews]
    assert statistics.mean(shares) == pytest.approx(routing_preset("mixtral").top25_share, abs=1e-4)
