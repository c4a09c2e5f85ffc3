"""Tiers of the catalog: `--tier NAME` brings their figures, and says which of them are guesses."""

from __future__ import annotations

import pytest

from placer.api import kv_tiers
from placer.catalog.loader import load_tier, tier_names
from placer.errors import InputError
from placer.kv.tier import parse_tier
from placer.scenario.retention import RetentionTier

SESSIONS = {"turns": 8, "think_time": "60 s"}


@pytest.mark.parametrize("name", tier_names())
def test_a_name_brings_the_figures_of_the_catalog(name):
    tier, known = parse_tier(name), load_tier(name)
    assert (tier.name, tier.capacity_bytes, tier.bytes_per_s) == (name, known.capacity, known.bandwidth)
    assert tier.latency_s == known.latency
    assert tier.estimates == known.estimates()


def test_the_same_figures_by_hand_give_the_same_answer_but_no_estimates():
    ask = {"context": 32_768, "sessions": SESSIONS, "tp": 2}
    named = kv_tiers("llama-3.1-70b", "h200-sxm", tiers=("bluefield4-cmx",), **ask)
    given = kv_tiers("llama-3.1-70b", "h200-sxm", tiers=("bluefield4-cmx:16TB@25GB/s+100us",), **ask)
    assert named.tiers == given.tiers
    own = {"bluefield4-cmx.capacity", "bluefield4-cmx.bandwidth", "bluefield4-cmx.latency"}
    assert set(named.estimates) - set(given.estimates) == own


def test_a_misspelt_tier_is_answered_with_the_nearest():
    with pytest.raises(InputError, match=r'--tier: .*did you mean "bluefield4-cmx"'):
        parse_tier("bluefield-cmx")


def test_a_tier_without_guesses_reads_as_before():
    by_hand = RetentionTier(name="ddr", capacity="256 GB", bandwidth="55 GB/s")
    assert "estimates" not in by_hand.model_dump(mode="json")
    guessed = by_hand.model_copy(update={"estimates": ("latency",)})
    assert RetentionTier.model_validate(guessed.model_dump(mode="json")) == guessed
