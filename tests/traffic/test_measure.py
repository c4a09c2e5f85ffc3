"""Laws that the statistics of any trace obey."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

LENGTHS = st.integers(0, 100_000), st.integers(1, 5_000)
ROWS = st.lists(st.tuples(st.integers(0, 10**6), *LENGTHS), min_size=1, max_size=40)


def _steps(rows):
    """Every decode step's context, one by one."""
    return [prompt + step + 1 for _, prompt, output in rows for step in range(output)]


@given(rows=st.lists(st.tuples(st.just(0), st.integers(0, 9000), st.integers(1, 60)), min_size=1, max_size=20))
def test_mean_context_is_the_mean_over_all_steps(measured, write_burstgpt, rows):
    assert measured(write_burstgpt(rows)).mean_context == pytest.approx(np.mean(_steps(rows)))


@given(rows=ROWS)
def test_percentiles_are_lengths_that_occur_and_enough_do_not_exceed(measured, write_burstgpt, rows):
    statistics = measured(write_burstgpt(rows))
    for lengths, values in (
        (statistics.input_tokens, [row[1] for row in rows]),
        (statistics.output_tokens, [row[2] for row in rows]),
    ):
        for percent in (50, 90, 95, 99):
            found = getattr(lengths, f"p{percent}")
            assert found in values
            assert sum(value <= found for value in values) * 100 >= percent * len(values)
            assert sum(value < found for value in values) * 100 < percent * len(values)
        assert lengths.min == min(values)
        assert lengths.max == max(values)
        assert lengths.mean == pytest.approx(np.mean(values))
        assert lengths.standard_deviation == pytest.approx(np.std(values), abs=1e-6)


@given(rows=ROWS, data=st.data())
def test_the_order_of_rows_does_not_matter(measured, write_burstgpt, rows, data):
    shuffled = data.draw(st.permutations(rows))
    one, other = measured(write_burstgpt(rows)), measured(write_burstgpt(shuffled))
    assert one.arrivals == other.arrivals
    assert one.capacity_context == other.capacity_context
    assert one.mean_context == pytest.approx(other.mean_context)


@given(rows=ROWS)
def test_a_weight_is_so_many_requests(measured, write_burstgpt, rows):
    distinct = sorted({(prompt, output) for _, prompt, output in rows})
    weights = [sum(row[1:] == pair for row in rows) for pair in distinct]
    entries = [[*pair, weight] for pair, weight in zip(distinct, weights, strict=True)]
    weighted, plain = measured(f"requests: {entries}"), measured(write_burstgpt(rows))
    for name in ("mean", "standard_deviation"):
        for side in ("input_tokens", "output_tokens"):
            one, other = (getattr(getattr(statistics, side), name) for statistics in (weighted, plain))
            assert one == pytest.approx(other, abs=1e-6)
    assert weighted.input_tokens.p95 == plain.input_tokens.p95
    assert weighted.capacity_context == plain.capacity_context
    assert weighted.mean_context == pytest.approx(plain.mean_context)


@given(weight=st.floats(1e-6, 1e6))
def test_weights_that_do_not_sum_up_exactly_move_no_percentile(measured, weight):
    entries = [[length, 1, weight] for length in range(1, 11)]
    assert measured(json.dumps({"requests": entries})).input_tokens.p90 == 9


@given(prompt=st.integers(1, 10**6), output=st.integers(1, 10**5), num=st.integers(1, 5))
def test_equal_requests_are_their_own_equivalent(measured, write_burstgpt, prompt, output, num):
    statistics = measured(write_burstgpt([(3, prompt, output)] * num))
    assert statistics.equivalent.options == f"--isl {prompt} --osl {output}"
    assert statistics.capacity_context == prompt + output
    assert statistics.input_tokens.standard_deviation == 0


@given(rows=ROWS)
def test_the_equivalent_request_has_the_traces_mean_context_and_answer(measured, write_burstgpt, rows):
    statistics = measured(write_burstgpt(rows))
    equivalent = statistics.equivalent
    assert abs(equivalent.output_tokens - statistics.output_tokens.mean) <= 0.5
    planned = equivalent.input_tokens + (equivalent.output_tokens + 1) // 2
    assert equivalent.input_tokens == 1 or abs(planned - statistics.mean_context) <= 0.5


def test_long_answers_weigh_more_in_the_mean_context(measured, write_burstgpt):
    statistics = measured(write_burstgpt([(0, 100, 1), (0, 10_000, 99)]))
    assert statistics.input_tokens.mean == 5050
    assert statistics.mean_context == pytest.approx((101 + 99 * (10_000 + 50)) / 100)


def test_statistics_are_frozen_and_survive_json(measured, write_burstgpt):
    statistics = measured(write_burstgpt([(0, 100, 1), (7, 10_000, 99)]))
    assert type(statistics).model_validate_json(statistics.model_dump_json()) == statistics
    with pytest.raises(ValueError, match="frozen"):
        statistics.mean_context = 1.0
