"""Corsair against the two throughputs its vendor claims (EE Times, January 2025), which its floors are fitted to."""

from __future__ import annotations

import pytest

from placer.api import plan
from placer.catalog.loader import load_fleet
from placer.model.catalog import load_model
from placer.model.precision import ElementFormat, WeightFormat

FP8 = {"attention": WeightFormat.FP8, "dense_ffn": WeightFormat.FP8, "kv": ElementFormat.FP8}


@pytest.mark.parametrize(
    ("model", "cards", "tps_user", "claimed"),
    [("llama-3.1-8b", 8, 1000, 60_000), ("llama-3.3-70b", 64, 500, 30_000)],
)
def test_the_claimed_throughput_at_the_claimed_speed(model, cards, tps_user, claimed):
    fleet = load_fleet("corsair-x128")
    fleet = fleet.model_copy(update={"pools": (fleet.pools[0].model_copy(update={"count": cards}),)})
    spec = load_model(model)
    spec = spec.model_copy(update={"precision": spec.precision.model_copy(update=FP8)})
    answer = plan(spec, fleet, tps_user=tps_user, isl=512, osl=128, decode_only=True, gap=0.05)
    assert answer.metrics.tokens_per_s == pytest.approx(claimed, rel=0.2)
