"""How long a layer takes a stage that several microbatches share: by hand, by simulation, and as the search has it."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.search.rows import exchange_turns
from placer.verify.recompute.turns import Exchange

TIMES = st.integers(0, 50)


@pytest.mark.parametrize(
    ("times", "share", "first", "last"),
    [
        ((3, 1, 2, 4), 1, 10, 10),  # alone: its path
        ((3, 1, 2, 1), 2, 10, 10),  # the devices never wait: 2 * (3 + 2)
        ((3, 1, 2, 4), 2, 12, 11),  # 3 3 2, back 4; of the last: 4, then 3, 2 2
        ((2, 4, 3, 1), 2, 13, 13),  # 2, there 4 4, 3: the fabric serves one after the other
        ((3, 1, 2, 4), 3, 15, 15),
        ((5, 0, 0, 0), 4, 20, 20),  # dense: one visit each
        ((1, 9, 1, 0), 3, 29, 29),  # the exchange is the bottleneck: 1 9 9 9 1
    ],
)
def test_by_hand(times, share, first, last):
    exchange = Exchange(*times)
    assert (exchange.turn_s(share, of_last=False), exchange.turn_s(share, of_last=True)) == (first, last)


@given(TIMES, TIMES, TIMES, TIMES, st.integers(1, 9))
def test_search_and_verifier_agree(first, there, second, back, share):
    columns = SimpleNamespace(attention=0, ffn_busy=1, experts=2, exchange=3, dispatch=4)
    # part of what comes before the exchange is not attention
    other = first // 3
    row = np.array([[first - other, other + second, second, there + back, there]], dtype=float)
    exchange = Exchange(first, there, second, back)
    expected = exchange.turn_s(share, of_last=False), exchange.turn_s(share, of_last=True)
    assert tuple(exchange_turns(row, columns, share)[:, 0]) == expected


@given(TIMES, TIMES, TIMES, TIMES, st.integers(1, 6))
def test_no_run_in_that_order_is_faster(first, there, second, back, share):
    # a run of equal layers, devices in the order of the shares, the fabric by arrival on the way there
    layers, ends = 60, []
    device = fabric = 0
    ready = [0] * share
    for _ in range(layers):
        sent = []
        for number in range(share):
            device = max(device, ready[number]) + first
            fabric = max(fabric, device) + there
            sent.append(fabric)
        for number in range(share):
            device = max(device, sent[number]) + second
            ready[number] = device + back
        ends.append(device)
    pace = (ends[-1] - ends[-21]) / 20
    exchange = Exchange(first, there, second, back)
    longest = max(exchange.turn_s(share, of_last=False), exchange.turn_s(share, of_last=True))
    assert pace >= longest - 1e-9
    # and the law is the pace, but for rare cases in which something comes round only every few layers
    assert pace <= longest * 1.25 + 1e-9
