"""What plans and bounds prove about a pool holds wherever the least costs lie between them."""

import math

from hypothesis import given
from hypothesis import strategies as st

from placer.plan.plan import Status
from placer.whatif.verdict import Decision, Side, decide

COSTS = st.floats(0.01, 100.0)
SHARES = st.floats(0.0, 1.0)


def side(bound, usd):
    status = Status.PLANNED if usd is not None else Status.INFEASIBLE if bound is None else Status.UNDECIDED
    return Side(
        status=status,
        usd=usd,
        bound_usd=bound,
        devices={},
        mode="",
        tokens_per_s_per_user=None,
        pool_share={},
        question_key="",
    )


@given(COSTS, SHARES, SHARES, SHARES, SHARES, st.floats(0.0, 0.3))
def test_a_decision_holds_for_the_least_costs(without, worth, below, above, below_less, saving):
    # Truth first: with the pool it costs no more. Then bounds below and plans above both truths.
    truly_with = without * (1.0 - 0.9 * worth)
    with_side = side(truly_with * (1.0 - 0.1 * below), truly_with * (1.0 + 0.1 * above))
    less_side = side(without * (1.0 - 0.1 * below_less), without * (1.0 + 0.05 * above))
    decision = decide(with_side, less_side, saving)
    if decision is Decision.PAYS:
        assert truly_with < (1.0 - saving) * without
    if decision is Decision.DOES_NOT_PAY:
        assert truly_with >= (1.0 - saving) * without * (1.0 - 1e-5)


@given(COSTS, COSTS, st.floats(0.0, 0.5))
def test_what_is_proven_to_the_last_digit_is_decided(one, other, saving):
    with_usd, without_usd = min(one, other), max(one, other)
    decision = decide(side(with_usd, with_usd), side(without_usd, without_usd), saving)
    assert decision in {Decision.PAYS, Decision.DOES_NOT_PAY}


def test_a_pool_without_which_nothing_works_pays():
    assert decide(side(1.0, 2.0), side(None, None), 0.01) is Decision.PAYS


def test_where_nothing_works_there_is_no_plan():
    assert decide(side(None, None), side(None, None), 0.01) is Decision.NO_PLAN


def test_what_is_not_known_is_not_decided():
    open_ = side(0.5, None)
    assert decide(open_, open_, 0.01) is Decision.UNDECIDED
    assert decide(side(0.9, 1.0), open_, 0.01) is Decision.UNDECIDED
    # A plan without the pool is one with it.
    assert decide(open_, side(0.9, 1.0), 0.01) is Decision.UNDECIDED


def test_sides_without_a_plan_say_so():
    assert side(None, None).least == math.inf
    assert side(None, None).most == math.inf
    assert side(0.5, None).least == 0.5
    assert side(0.5, None).gap is None
    assert side(0.9, 1.0).gap > 0.0
