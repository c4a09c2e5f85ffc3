"""Drawn loads of the busiest rank."""

import numpy as np
import pytest

from placer.cost.expert_load import touched_probability
from placer.predict.expert_draws import busiest_rank

UNIFORM = (8 / 256,) * 256


def test_one_rank_has_everything():
    touched, served = busiest_rank(UNIFORM, 1, 64)
    # B1: 222 of 256 experts at 64 tokens; 8 copies of each token.
    assert touched == pytest.approx(touched_probability(np.array(UNIFORM), np.array([64.0]))[0].sum(), rel=0.02)
    assert served == pytest.approx(512, rel=0.05)


@pytest.mark.parametrize("tokens", [1, 8, 64, 512])
def test_the_busiest_rank_has_more_than_the_mean(tokens):
    touched, served = busiest_rank(UNIFORM, 32, tokens)
    assert served > 8 * tokens / 32
    assert touched >= min(8.0, served / tokens * 0.9)


def test_large_batches_even_out():
    _, served = busiest_rank(UNIFORM, 32, 100_000)
    assert served == pytest.approx(8 * 100_000 / 32, rel=0.03)


def test_skew_loads_the_busiest():
    weights = 1.0 / np.arange(1, 257)
    zipf = tuple(np.minimum(1.0, 8 * weights / weights.sum()))
    assert busiest_rank(zipf, 256, 1000)[1] > 4 * busiest_rank(UNIFORM, 256, 1000)[1]
