"""Tokens gained a step: closed forms, a Monte-Carlo of acceptance, tables."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from placer.model.catalog import load_model
from placer.scenario.speculation import MOST_DRAFT_TOKENS, DrafterKind, Speculation
from placer.verify.recompute.speculation import tokens_gained


def mtp(acceptance, **fields):
    return Speculation(kind=DrafterKind.MTP, acceptance=acceptance, **fields)


@pytest.mark.parametrize(
    ("chance", "drafted", "gained"),
    [(0.8, 2, 2.44), (0.8, 4, 3.36), (0.8, 8, 4.33), (0.9, 4, 4.10), (0.85, 1, 1.85), (0.9, 1, 1.90)],
)
def test_published_lengths(chance, drafted, gained):
    # Leviathan et al., arXiv 2211.17192: (1 - a^(g+1)) / (1 - a); the last two are DeepSeek-V3's second token.
    assert mtp(chance).gained(drafted) == pytest.approx(gained, abs=0.005)
    assert mtp(chance).gained(drafted) == pytest.approx((1 - chance ** (drafted + 1)) / (1 - chance))


@pytest.mark.parametrize("acceptance", [0.0, 0.6, 1.0, (0.9, 0.5, 0.7, 0.2)])
def test_monte_carlo_of_acceptance(acceptance):
    random, drafted, tries = np.random.default_rng(0), 4, 200_000
    chances = np.broadcast_to(acceptance, (drafted,))
    accepted = random.random((tries, drafted)) < chances
    # Everything after the first rejection is thrown away; the model's own token always counts.
    lengths = 1 + np.cumprod(accepted, axis=1).sum(axis=1)
    assert mtp(acceptance).gained(drafted) == pytest.approx(lengths.mean(), rel=0.01)


def test_one_chance_is_as_many_equal_ones():
    assert mtp(0.7).gained(3) == pytest.approx(mtp((0.7, 0.7, 0.7)).gained(3), rel=1e-15)


def test_depths_go_as_far_as_acceptance_is_known():
    assert mtp(0.8).depths == tuple(range(9))
    assert mtp(0.8, max_draft_tokens=2).depths == (0, 1, 2)
    assert mtp((0.9, 0.8)).depths == (0, 1, 2)
    assert mtp({7: 4.8, 3: 3.0}).depths == (0, 3, 7)
    assert mtp({7: 4.8, 3: 3.0}, max_draft_tokens=5).depths == (0, 3)
    assert mtp({7: 4.8, 3: 3.0}).gained(7) == 4.8
    with pytest.raises(KeyError):
        mtp({7: 4.8}).gained(2)


CHANCES = st.floats(0.0, 1.0)


@given(st.lists(CHANCES, min_size=1, max_size=8).map(tuple), st.data())
def test_more_drafted_or_accepted_never_gains_less(chances, data):
    lengths = [mtp(chances).gained(depth) for depth in range(len(chances) + 1)]
    assert lengths == sorted(lengths)
    assert all(1.0 <= length <= depth + 1 + 1e-12 for depth, length in enumerate(lengths))
    raised = tuple(min(1.0, chance + data.draw(CHANCES)) for chance in chances)
    assert mtp(raised).gained(len(chances)) >= lengths[-1] - 1e-12


@given(st.one_of(CHANCES, st.lists(CHANCES, min_size=3, max_size=3).map(tuple), st.just({3: 2.5})))
def test_the_verifier_counts_the_same(acceptance):
    speculation = mtp(acceptance)
    for depth in speculation.depths:
        if depth in (0, 3):
            assert tokens_gained(speculation, depth) == pytest.approx(speculation.gained(depth), rel=1e-12)


def test_the_verifier_knows_no_more_than_is_given():
    for speculation in (None, mtp((0.5,)), mtp({3: 2.0})):
        with pytest.raises(LookupError):
            tokens_gained(speculation, 2)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"kind": "mtp", "acceptance": 1.2}, "less than or equal to 1"),
        ({"kind": "mtp", "acceptance": (0.5, -0.1)}, "greater than or equal to 0"),
        ({"kind": "mtp", "acceptance": float("nan")}, "acceptance"),
        ({"kind": "mtp", "acceptance": {2: 3.5}}, "2 drafted tokens gain at most 3"),
        ({"kind": "mtp", "acceptance": {2: 2.5, 4: 2.0}}, "4 drafted tokens gain no less than 2"),
        ({"kind": "mtp", "acceptance": {}}, "acceptance"),
        ({"kind": "mtp", "acceptance": 0.5, "max_draft_tokens": MOST_DRAFT_TOKENS + 1}, "max_draft_tokens"),
        ({"kind": "model", "acceptance": 0.5}, "draft: expected a model"),
        ({"kind": "mtp", "acceptance": 0.5, "draft": load_model("llama-3.1-8b")}, "none with kind mtp"),
        (
            {"kind": "model", "acceptance": 0.5, "draft": load_model("llama-3.1-8b"), "modules": 2},
            "a draft model has none",
        ),
    ],
)
def test_what_cannot_be_is_refused(fields, text):
    with pytest.raises(ValidationError, match=text):
        Speculation.model_validate(fields)


def test_json_and_back():
    for acceptance in (0.8, (0.9, 0.8), {1: 1.8, 4: 3.0}):
        speculation = mtp(acceptance)
        assert Speculation.model_validate_json(speculation.model_dump_json()) == speculation
