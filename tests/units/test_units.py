"""Quantities: text with a unit in, SI base units inside, and back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.errors import UnitError
from placer.units import (
    Dimension,
    exact_text,
    format_bytes,
    format_count,
    format_seconds,
    format_watts,
    parse_count,
    parse_quantity,
)

EXACT_UNITS = [
    (Dimension.BYTES, "B", 1e18),
    (Dimension.BYTES_PER_SECOND, "B/s", 1e19),
    (Dimension.FLOP_PER_SECOND, "FLOP/s", 1e21),
    (Dimension.SECONDS, "s", 1e5),
    (Dimension.WATTS, "W", 1e9),
    (Dimension.USD_PER_HOUR, "USD/h", 1e9),
    (Dimension.USD, "USD", 1e12),
    (Dimension.USD_PER_KWH, "USD/kWh", 1e3),
    (Dimension.YEARS, "years", 1e3),
]


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("141 GB", Dimension.BYTES, 141e9),
        ("141GB", Dimension.BYTES, 141e9),
        ("1 GiB", Dimension.BYTES, 2**30),
        ("1 Gb", Dimension.BYTES, 125e6),
        ("1,048,576 B", Dimension.BYTES, 2**20),
        ("1_000 kB", Dimension.BYTES, 1e6),
        ("4.8 TB/s", Dimension.BYTES_PER_SECOND, 4.8e12),
        ("400 Gb/s", Dimension.BYTES_PER_SECOND, 50e9),
        ("21 PB/s", Dimension.BYTES_PER_SECOND, 21e15),
        ("989 TFLOP/s", Dimension.FLOP_PER_SECOND, 989e12),
        ("2 us", Dimension.SECONDS, 2e-6),
        ("2 µs", Dimension.SECONDS, 2e-6),
        ("1.2 kW", Dimension.WATTS, 1200),
        (".5 USD/h", Dimension.USD_PER_HOUR, 0.5),
        ("2.5e3 W", Dimension.WATTS, 2500),
    ],
)
def test_reads(text, dimension, value):
    assert parse_quantity(text, dimension) == pytest.approx(value, rel=1e-15)


def test_decimal_and_binary_prefixes_differ():
    decimal, binary = (parse_quantity(f"1 {unit}", Dimension.BYTES) for unit in ("TB", "TiB"))
    assert binary / decimal == pytest.approx(1.0995, rel=1e-4)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "GB", "141", "141 gb", "141 GBB", "141 GB/s", "GB 141", "1 2 GB", "- 1 GB", "--1 GB"),
        *("-1 GB", "nan GB", "inf GB", "1e400 GB", "1e12 GB", "1 G B", "1,5 GB", "1,50,000 GB", "0x10 GB"),
        "\u0663 GB",
        "1 GB" + " " * 200_000 + "x",
        "9" * 5_000 + " GB",
    ],
)
def test_refuses_text(text):
    with pytest.raises(UnitError, match="expected a size such as") as caught:
        parse_quantity(text, Dimension.BYTES)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", [141, 1.5, None, True, ["1 GB"], {"B": 1}])
def test_refuses_a_bare_value(value):
    with pytest.raises(UnitError, match="without a unit"):
        parse_quantity(value, Dimension.BYTES)


@pytest.mark.parametrize("dimension", Dimension)
def test_no_dimension_takes_the_unit_of_another(dimension):
    texts = {other: f"1 {unit}" for other, unit, _ in EXACT_UNITS}
    assert parse_quantity(texts.pop(dimension), dimension) == 1
    for text in texts.values():
        with pytest.raises(UnitError):
            parse_quantity(text, dimension)


@pytest.mark.parametrize(("dimension", "unit", "largest"), EXACT_UNITS)
@given(share=st.floats(0, 1))
def test_exact_text_reads_back_to_the_same_bits(dimension, unit, largest, share):
    value = largest * share
    assert parse_quantity(exact_text(value, unit), dimension) == value


@given(value=st.floats(1e-3, 1e17))
def test_printed_sizes_read_back_to_four_digits(value):
    assert parse_quantity(format_bytes(value), Dimension.BYTES) == pytest.approx(value, rel=5.1e-4)


@given(value=st.floats(1e-12, 9e4))
def test_printed_times_read_back_to_four_digits(value):
    assert parse_quantity(format_seconds(value), Dimension.SECONDS) == pytest.approx(value, rel=5.1e-4)


@given(value=st.floats(1e-3, 9e8))
def test_printed_powers_read_back_to_four_digits(value):
    assert parse_quantity(format_watts(value), Dimension.WATTS) == pytest.approx(value, rel=5.1e-4)


@given(text=st.text(max_size=40))
def test_any_text_is_read_or_refused_never_more(text):
    for dimension in Dimension:
        try:
            value = parse_quantity(text, dimension)
        except UnitError:
            continue
        assert math.isfinite(value)
        assert value >= 0


@pytest.mark.parametrize(
    ("text", "count"), [("8192", 8192), ("8k", 8000), ("8Ki", 8192), ("1.5k", 1500), (" 1 M ", 10**6), (7, 7)]
)
def test_reads_counts(text, count):
    assert parse_count(text, "context") == count


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "1.5", "8 kB", "1e3", "nan", "inf", "9" * 400, "1000G", None, True, "8k8"]
)
def test_refuses_counts_and_names_what_was_asked(text):
    with pytest.raises(UnitError, match="expected --context as a positive whole number"):
        parse_count(text, "--context")


@given(count=st.integers(1, 10**12 - 1))
def test_every_count_reads_back(count):
    assert parse_count(str(count), "batch") == count


def test_counts_are_printed_with_their_prefix():
    assert [format_count(value) for value in (0, 12, 1500, 671e9, 2.5e12)] == [*("0", "12", "1.5 k", "671 G", "2.5 T")]
