"""Every format, on traces small enough to compute by hand."""

from __future__ import annotations

import json

import pytest

AZURE = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:17:03.9799600,4808,10
2023-11-16 18:17:04.0798600,3180,8
2023-11-16 18:17:05.9799600,110,27
"""
VLLM = {
    "date": "20250901-101112",
    "backend": "vllm",
    "request_rate": "inf",
    "duration": 8.0,
    "completed": 2,
    "failed": 1,
    "total_input_tokens": 300,
    "total_output_tokens": 40,
    "request_throughput": 0.25,
    "request_goodput": None,
    "mean_ttft_ms": 12.5,
}
DETAILS = {"input_lens": [100, 50, 200], "output_lens": [10, 0, 30], "itls": [[0.1], [], [0.2]]}


class TestMooncake:
    """JSON lines with blocks of 512 tokens."""

    ROWS = ((0, 1000, 2, [0, 1]), (1000, 1500, 4, [0, 2, 3]), (3000, 1000, 1, [0, 1]))

    def test_by_hand(self, measured, write_mooncake):
        statistics = measured(write_mooncake(self.ROWS))
        assert (statistics.format, statistics.num_requests, statistics.num_failed) == ("mooncake", 3, 0)
        # The second request finds block 0; the third finds itself, the partial block of 488 tokens included.
        assert statistics.prefix_hit_rate == pytest.approx((512 + 1000) / 3500)
        assert statistics.mean_context == pytest.approx((1001 + 1002 + 1501 + 1502 + 1503 + 1504 + 1001) / 7)
        assert statistics.capacity_context == 1504
        assert statistics.input_tokens.mean == pytest.approx(3500 / 3)
        assert (statistics.input_tokens.p50, statistics.input_tokens.p90) == (1000, 1500)
        assert (statistics.output_tokens.min, statistics.output_tokens.max) == (1, 4)
        assert statistics.arrivals.span_s == 3.0
        assert statistics.arrivals.rate_per_s == pytest.approx(2 / 3)
        assert statistics.arrivals.interarrival_cv == pytest.approx(1 / 3)

    def test_without_blocks_prefix_reuse_is_not_told(self, measured, write_mooncake):
        assert measured(write_mooncake(row[:3] for row in self.ROWS)).prefix_hit_rate is None

    def test_the_order_of_lines_is_the_order_of_requests(self, measured, write_mooncake):
        first, second = (0, 512, 1, [7]), (5, 1024, 1, [7, 8])
        assert measured(write_mooncake([first, second])).prefix_hit_rate == pytest.approx(512 / 1536)
        assert measured(write_mooncake([second, first])).prefix_hit_rate == pytest.approx(512 / 1536)
        assert measured(write_mooncake([second, (9, 1024, 1, [7, 9]), first])).prefix_hit_rate == pytest.approx(
            1024 / 2560
        )

    def test_an_unanswered_request_leaves_nothing_behind(self, measured, write_mooncake):
        statistics = measured(write_mooncake([(0, 512, 0, [1]), (1, 512, 3, [1])]))
        assert (statistics.num_requests, statistics.num_failed, statistics.prefix_hit_rate) == (1, 1, 0.0)

    def test_blank_lines_carriage_returns_and_a_byte_order_mark(self, measured, write_mooncake):
        text = "\ufeff" + write_mooncake(self.ROWS).replace("\n", "\r\n\r\n")
        assert measured(text) == measured(write_mooncake(self.ROWS))


class TestAzure:
    """CSV with dates."""

    def test_by_hand(self, measured):
        statistics = measured(AZURE)
        assert (statistics.format, statistics.num_requests) == ("azure", 3)
        assert statistics.input_tokens.mean == pytest.approx(8098 / 3)
        assert statistics.output_tokens.p50 == 10
        assert statistics.arrivals.span_s == pytest.approx(2.0, abs=1e-6)
        assert statistics.prefix_hit_rate is None

    def test_the_times_of_2024(self, measured):
        head, *rows = AZURE.splitlines()
        times = ("2024-05-10 00:00:00.009930+00:00", "2024-05-10 00:00:01+00:00", "2024-05-10 02:00:02.009930+02:00")
        text = "\n".join([head, *(f"{time},{row.partition(',')[2]}" for time, row in zip(times, rows, strict=True))])
        statistics = measured(text)
        assert statistics.arrivals.span_s == pytest.approx(2.0, abs=1e-6)
        assert statistics.arrivals.interarrival_cv == pytest.approx((1.00993 - 0.99007) / 2, abs=1e-5)

    def test_columns_are_found_by_name(self, measured):
        rows = [line.split(",") for line in AZURE.splitlines()]
        swapped = "\n".join(f'"{output}", id,{time},{prompt}' for time, prompt, output in rows)
        assert measured(swapped) == measured(AZURE)


class TestBurstGpt:
    """CSV with seconds; failures have no response."""

    def test_failures_are_counted_and_left_out(self, measured, write_burstgpt):
        statistics = measured(write_burstgpt([(5, 472, 18), (45, 0, 0), (85, 100, 2), (165, 100, 2)]))
        assert (statistics.format, statistics.num_requests, statistics.num_failed) == ("burstgpt", 3, 1)
        assert statistics.input_tokens.min == 100
        assert statistics.arrivals.rate_per_s == pytest.approx(2 / 160)
        assert statistics.arrivals.interarrival_cv == 0

    def test_the_columns_of_sessions_change_nothing(self, measured, write_burstgpt):
        rows = [(5.5, 472, 18), (45, 3, 4)]
        head = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
        text = head + "".join(f"{t},a1,,GPT-4,{i},{o},{i + o},API log\n" for t, i, o in rows)
        assert measured(text) == measured(write_burstgpt(rows))


class TestVllmBench:
    """One JSON object."""

    def test_totals_tell_means_only(self, measured):
        statistics = measured(json.dumps(VLLM))
        assert (statistics.format, statistics.num_requests, statistics.num_failed) == ("vllm-bench", 2, 1)
        assert (statistics.input_tokens.mean, statistics.output_tokens.mean) == (150.0, 20.0)
        assert statistics.output_tokens.standard_deviation is statistics.output_tokens.p99 is None
        assert statistics.mean_context is statistics.capacity_context is statistics.prefix_hit_rate is None
        assert (statistics.arrivals.span_s, statistics.arrivals.rate_per_s) == (8.0, 0.25)
        assert statistics.arrivals.interarrival_cv is None
        assert statistics.equivalent.options == "--isl 150 --osl 20"

    @pytest.mark.parametrize("indent", [None, 2])
    def test_details_tell_lengths(self, measured, indent):
        statistics = measured(json.dumps(VLLM | DETAILS, indent=indent))
        assert (statistics.num_requests, statistics.num_failed) == (2, 1)
        assert (statistics.input_tokens.min, statistics.output_tokens.max) == (100, 30)
        assert statistics.capacity_context == 230
        assert statistics.mean_context == pytest.approx((10 * 100 + 55 + 30 * 200 + 465) / 40)
        assert (statistics.arrivals.span_s, statistics.arrivals.rate_per_s) == (8.0, 0.25)

    def test_times_of_sending_are_arrivals(self, measured):
        statistics = measured(json.dumps(VLLM | DETAILS | {"start_times": [1000.5, 0.0, 1002.5]}))
        assert (statistics.arrivals.span_s, statistics.arrivals.rate_per_s) == (2.0, 0.5)


class TestLengths:
    """Lengths by hand."""

    def test_weights_count_requests(self, measured):
        statistics = measured("requests: [[100, 10, 3], [1000, 50, 1]]")
        assert (statistics.format, statistics.num_requests, statistics.num_failed) == ("lengths", None, None)
        assert statistics.input_tokens.mean == 325.0
        assert (statistics.input_tokens.p50, statistics.input_tokens.p90) == (100, 1000)
        assert statistics.mean_context == pytest.approx((3 * (1000 + 55) + 50_000 + 1275) / 80)
        assert statistics.arrivals.rate_per_s is statistics.prefix_hit_rate is None

    def test_json_is_read_too(self, measured):
        assert measured('{\n "requests": [[100, 10, 0.5]]}').equivalent.options == "--isl 100 --osl 10"

    def test_lognormal_laws(self, measured):
        statistics = measured("# ours\noutput: {mean: 500, cv: 1}\ninput: {mean: 8000, cv: 0.8}\n")
        assert (statistics.input_tokens.mean, statistics.input_tokens.standard_deviation) == (8000.0, 6400.0)
        assert statistics.input_tokens.min is statistics.input_tokens.max is None
        assert statistics.mean_context == pytest.approx(8000 + (500 * 2 + 1) / 2)
