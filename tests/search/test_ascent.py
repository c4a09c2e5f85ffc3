import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.search.ascent import PARTS, Uses, hopeless, rounded_share

SHARE = st.floats(0, 0.7)


@st.composite
def instances(draw):
    """Layers of one or two classes, each in one of up to three ways, and what they use of three limits."""
    classes = []
    for _ in range(draw(st.integers(1, 2))):
        ways = draw(st.integers(1, 3))
        share = draw(st.lists(st.lists(SHARE, min_size=3, max_size=3), min_size=ways, max_size=ways))
        classes.append((draw(st.integers(1, 3)), np.array(share)))
    return classes, np.array(draw(st.lists(st.floats(0, 0.3), min_size=3, max_size=3)))


def least_excess(classes, fixed):
    """Brute force: how far the limit used most is used, at least, over all choices of ways."""
    totals = [fixed]
    for count, share in classes:
        for _ in range(count):
            totals = [total + way for total in totals for way in share]
    return min(float(total.max()) for total in totals)


@given(instances())
def test_nothing_is_given_up_that_keeps_all_limits(instance):
    classes, fixed = instance
    uses = [Uses(count, share[:, None, :]) for count, share in classes]
    if hopeless(uses, fixed[None, :])[0]:
        assert least_excess(classes, fixed) > 1


def test_what_breaks_a_mean_of_limits_is_given_up():
    # two layers that take 0.8 of either limit: one limit must carry 0.8 twice or both 0.8 once; three break one
    share = np.array([[[0.8, 0.0]], [[0.0, 0.8]]])
    nothing = np.zeros((1, 2))
    assert not hopeless([Uses(2, share)], nothing)[0]
    assert hopeless([Uses(3, share)], nothing)[0]
    assert hopeless([Uses(2, share)], np.full((1, 2), 0.3))[0]


@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=12), st.sampled_from(PARTS))
def test_shares_that_fit_a_stage_still_do_when_rounded(shares, parts):
    kept, total = [], 0.0
    for share in shares:
        if total + share <= 1:
            kept.append(share)
            total += share
    assert rounded_share(np.array(kept), parts).sum() <= 1 + 1e-9


@pytest.mark.parametrize(
    ("parts", "expected"),
    # u(x) = floor((k + 1) x) / k, a part less where (k + 1) x is whole
    [(1, [0, 0, 0, 1, 1]), (2, [0, 0.5, 0.5, 0.5, 1]), (3, [0, 1 / 3, 1 / 3, 2 / 3, 1])],
)
def test_rounding_by_hand(parts, expected):
    assert rounded_share(np.array([0.25, 0.4, 0.5, 0.6, 1.0]), parts) == pytest.approx(expected)
