from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.errors import InternalError
from placer.search.quantize import (
    PICOSECONDS_PER_SECOND,
    bytes_up,
    capacity_down,
    lowered,
    seconds,
    time_up,
    times_up,
)

times = st.floats(0, 1_000)
volumes = st.floats(0, 1e15)
#: Relative error of one product in floats, doubled.
EPSILON = Fraction(2, 2**52)


def exact_ps(time):
    return Fraction(time) * PICOSECONDS_PER_SECOND


@given(times)
def test_a_time_is_rounded_up_by_less_than_a_picosecond(time):
    # Up to float error in favour of a whole number of picoseconds: 3e-12 s are 3 ps, not 4.
    rounded = time_up(time)
    assert exact_ps(time) * (1 - 10 * EPSILON) <= rounded < exact_ps(time) * (1 + 10 * EPSILON) + 1


@given(st.integers(0, 10**12))
def test_whole_picoseconds_stay_what_they_are(picoseconds):
    assert time_up(seconds(picoseconds)) == picoseconds


@given(times, times)
def test_a_longer_time_is_never_a_smaller_number(first, second):
    low, high = sorted((first, second))
    assert time_up(low) <= time_up(high)


@given(st.lists(times, max_size=5))
def test_arrays_are_rounded_like_single_times(values):
    array = times_up(np.array(values, dtype=np.float64))
    assert array.tolist() == [time_up(value) for value in values]
    assert not array.flags.writeable


@given(volumes, volumes)
def test_bytes_are_rounded_up_and_capacities_down(held, room):
    up, down = int(bytes_up(np.array([held]))[0]), capacity_down(room)
    assert Fraction(held) <= up < Fraction(held) + 1
    assert Fraction(room) - 1 < down <= Fraction(room)
    # what fits in integers fits
    assert held <= room or up > down


@given(st.floats(-1e15, -0.5))
def test_negative_room_never_becomes_room(room):
    assert capacity_down(room) < 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_a_lowered_bound_holds_for_the_sum_before_rounding(values):
    total = sum(time_up(value) for value in values)
    exact = sum(map(Fraction, values))
    assert Fraction(lowered(total, len(values))) <= exact * (1 + EPSILON)
    assert Fraction(lowered(total, 0)) >= exact * (1 - 10 * EPSILON)
    assert lowered(total, 10**15) == 0


@pytest.mark.parametrize("value", [1e6, -1e6])
def test_what_64_bits_cannot_sum_is_refused(value):
    with pytest.raises(InternalError, match="too large"):
        time_up(value)
    with pytest.raises(InternalError, match="too large"):
        times_up(np.array([0.0, value]))
    with pytest.raises(InternalError, match="too large"):
        capacity_down(value * 1e12)
