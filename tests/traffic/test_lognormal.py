"""Lognormal lengths against closed forms and against drawing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from placer.traffic.lognormal import length_statistics, quantile, sum_quantile
from placer.traffic.trace import Lognormal


def test_the_median_is_the_mean_over_root_one_plus_cv_squared():
    assert quantile(Lognormal(8000, 0.75), 0.5) == pytest.approx(8000 / 1.25)


def test_no_variation_is_a_constant():
    statistics = length_statistics(Lognormal(8000, 0))
    assert (statistics.p50, statistics.p99, statistics.standard_deviation) == (8000, 8000, 0)
    assert sum_quantile(Lognormal(8000, 0), Lognormal(500, 0), 0.99) == 8500


def test_a_constant_adds_to_the_other_quantile():
    law, constant = Lognormal(500, 1.0), Lognormal(8000, 0)
    for pair in ((law, constant), (constant, law)):
        assert sum_quantile(*pair, 0.99) == pytest.approx(8000 + quantile(law, 0.99))


@pytest.mark.parametrize("cvs", [(0.8, 1.0), (0.1, 3.0), (3.0, 0.1), (2.0, 2.0)])
def test_the_sum_agrees_with_drawing(cvs):
    laws = [Lognormal(4000, cvs[0]), Lognormal(1000, cvs[1])]
    generator, total = np.random.default_rng(3), 0
    for law in laws:
        sigma = math.sqrt(math.log1p(law.cv**2))
        total = total + generator.lognormal(math.log(law.mean) - sigma**2 / 2, sigma, 1_000_000)
    assert sum_quantile(*laws, 0.99) == pytest.approx(np.quantile(total, 0.99), rel=0.01)
    assert sum_quantile(*laws, 0.99) == pytest.approx(sum_quantile(*reversed(laws), 0.99), rel=1e-3)
