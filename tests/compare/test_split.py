"""Logarithmic means split differences of products and sums without a rest."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.compare.split import Prices, Value, log_mean, product_factor, sum_factor

above = st.floats(1e-9, 1e9)
amounts = st.one_of(st.just(0.0), above)
pairs = st.lists(st.tuples(amounts, amounts), min_size=1, max_size=6)


@given(above, above)
def test_the_logarithmic_mean_lies_between_geometric_and_arithmetic(first, second):
    mean = log_mean(first, second)
    assert math.sqrt(first) * math.sqrt(second) * (1 - 1e-9) <= mean <= (first + second) / 2 * (1 + 1e-9)
    assert mean == log_mean(second, first)


def test_the_logarithmic_mean_of_close_values_keeps_its_digits():
    # L(1, 1 + h) = 1 + h/2 - h^2/12 + ...
    assert log_mean(1.0, 1.0 + 1e-10) == pytest.approx(1.0 + 5e-11, rel=1e-15)


@given(pairs, above, above)
def test_contributions_of_summands_multiply_to_the_ratio_and_add_to_the_dollars(parts, price_a, price_b):
    sums = [sum(part[side] for part in parts) for side in (0, 1)]
    if not all(sums):
        return
    prices = Prices(price_a, price_b)
    values = [Value(str(number), "", *part) for number, part in enumerate(parts)]
    factor = sum_factor(prices, Value("sum", "", *sums), values)
    assert factor.ratio == pytest.approx(sums[1] / sums[0], rel=1e-9)
    assert sum(math.log(part.ratio) for part in factor.parts) == pytest.approx(math.log(factor.ratio), abs=1e-9)
    scale = sum(abs(part.usd) for part in factor.parts)
    assert sum(part.usd for part in factor.parts) == pytest.approx(factor.usd, rel=1e-9, abs=1e-9 * scale)


@given(st.lists(st.tuples(above, above, st.sampled_from([-1, 1])), min_size=1, max_size=6), above)
def test_factors_of_a_product_multiply_to_its_ratio(parts, price_a):
    price_b = price_a * math.prod((b / a) ** sign for a, b, sign in parts)
    if not 1e-200 < price_b < 1e200:
        return
    prices = Prices(price_a, price_b)
    factors = [product_factor(prices, Value("x", "", a, b), sign) for a, b, sign in parts]
    scale = sum(abs(factor.usd) for factor in factors)
    assert sum(math.log(factor.ratio) for factor in factors) == pytest.approx(math.log(price_b / price_a), abs=1e-9)
    assert sum(factor.usd for factor in factors) == pytest.approx(price_b - price_a, rel=1e-8, abs=1e-9 * scale)


def test_a_summand_that_is_there_on_one_side_only():
    # 4 -> 5 by a summand of 1: it is the whole difference.
    factor = sum_factor(Prices(4.0, 5.0), Value("rent", "", 4.0, 5.0), [Value("old", "", 4, 4), Value("new", "", 0, 1)])
    assert [part.ratio for part in factor.parts] == pytest.approx([1.0, 1.25])
    assert [part.usd for part in factor.parts] == pytest.approx([0.0, 1.0])
