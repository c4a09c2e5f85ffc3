import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.cost.expert_load import any_touched, busiest_rank_bound, copies_per_token, touched_probability
from placer.scenario.routing import RoutingKind, RoutingProfile

LAW = settings(derandomize=True, deadline=None)
chances = st.lists(st.floats(0, 1), min_size=1, max_size=7)


def uniform(num_experts, top_k):
    return np.full(num_experts, top_k / num_experts)


@pytest.mark.parametrize(
    ("batch", "touched"),
    # B1, A11: E (1 - (1 - k/E)^B) with E = 256, k = 8.
    [(1, 8), (8, 57), (32, 163), (64, 222.4), (128, 252), (256, 256)],
)
def test_uniform_routing_touches_the_published_number_of_experts(batch, touched):
    expected = touched_probability(uniform(256, 8), np.array([float(batch)])).sum()
    assert expected == pytest.approx(touched, abs=0.05 if touched == 222.4 else 0.5)


def draw_without_replacement(random, weights, top_k, tokens):
    """Choices of ``tokens`` tokens, ``top_k`` different experts each (Gumbel top-k)."""
    keys = np.log(weights) + random.gumbel(size=(tokens, len(weights)))
    return np.argpartition(-keys, top_k - 1, axis=1)[:, :top_k]


def test_touched_experts_agree_with_monte_carlo_under_uniform_routing():
    # B1: 222.4 of 256 at 64 tokens; drawing without replacement keeps p = k/E exactly.
    random, rounds = np.random.default_rng(20261120), 400
    weights = np.ones(256)
    touched = [len(np.unique(draw_without_replacement(random, weights, 8, 64))) for _ in range(rounds)]
    expected = touched_probability(uniform(256, 8), np.array([64.0])).sum()
    standard_error = np.std(touched, ddof=1) / math.sqrt(rounds)
    assert abs(np.mean(touched) - expected) <= 4 * standard_error


def test_touched_probabilities_agree_with_monte_carlo_under_skewed_routing():
    # B1 for unequal p: tokens independent, every expert with its own chance.
    random, rounds = np.random.default_rng(20261121), 20_000
    selection = RoutingProfile(kind=RoutingKind.ZIPF, exponent=1.0).selection_probability(16, 2)
    hits = random.random((rounds, 6, 16)) < selection
    touched = hits.any(axis=1)
    expected = touched_probability(selection, np.array([6.0]))[0]
    error = np.sqrt(expected * (1 - expected) / rounds) + 1e-9
    assert (np.abs(touched.mean(axis=0) - expected) <= 4.5 * error).all()
    part = slice(4, 16)
    some = float(any_touched(selection[part], np.array([6.0]))[0])
    assert abs(touched[:, part].any(axis=1).mean() - some) <= 4.5 * math.sqrt(some * (1 - some) / rounds) + 1e-9


@LAW
@given(selection=chances, batch=st.floats(0, 1e4), more=st.floats(0, 1e4))
def test_touched_probability_grows_with_the_batch_and_stays_a_probability(selection, batch, more):
    few, many = touched_probability(np.array(selection), np.array([batch, batch + more]))
    assert (few >= 0).all()
    assert (many <= 1).all()
    assert (many >= few).all()


@LAW
@given(selection=chances, batch=st.integers(1, 64))
def test_union_bound_and_maximum_bracket_the_chance_of_any(selection, batch):
    tokens = np.array([float(batch)])
    each = touched_probability(np.array(selection), tokens)[0]
    some = float(any_touched(np.array(selection), tokens)[0])
    assert each.max() - 1e-12 <= some <= min(1.0, each.sum()) + 1e-12


def least_busiest(load, num_ranks):
    """Brute force: the least load of the busiest rank over every placement."""
    best = math.inf
    for ranks in product(range(num_ranks), repeat=len(load)):
        held = [0.0] * num_ranks
        for rank, value in zip(ranks, load, strict=True):
            held[rank] += value
        best = min(best, max(held))
    return best


@settings(derandomize=True, deadline=None, max_examples=150)
@given(load=st.lists(st.floats(0, 1), min_size=1, max_size=6), num_ranks=st.integers(1, 4))
def test_busiest_rank_bound_never_exceeds_the_best_placement(load, num_ranks):
    bound = float(busiest_rank_bound(np.array([load]), num_ranks)[0])
    assert bound <= least_busiest(load, num_ranks) + 1e-12


@settings(derandomize=True, deadline=None)
@given(num_experts=st.integers(1, 6), num_ranks=st.integers(1, 4), load=st.floats(0.01, 1))
def test_busiest_rank_bound_is_exact_for_equal_loads(num_experts, num_ranks, load):
    loads = [load] * num_experts
    bound = float(busiest_rank_bound(np.array([loads]), num_ranks)[0])
    assert bound == pytest.approx(least_busiest(loads, num_ranks), rel=1e-12)
    assert bound == pytest.approx(-(-num_experts // num_ranks) * load, rel=1e-12)


@pytest.mark.parametrize(
    ("load", "num_ranks", "bound"),
    [
        ([1.0, 0.1, 0.1], 2, 1.0),  # the heaviest alone
        ([0.6, 0.5, 0.4], 2, 0.9),  # pigeonhole: two of three share a rank, at least 0.5 + 0.4
        ([0.5, 0.5, 0.5, 0.5], 2, 1.0),  # the mean
        ([0.3], 4, 0.3),  # more ranks than experts
        ([0.4, 0.4, 0.4, 0.4, 0.4], 2, 1.2),  # three of five share a rank
    ],
)
def test_busiest_rank_bound_by_hand(load, num_ranks, bound):
    assert float(busiest_rank_bound(np.array([load]), num_ranks)[0]) == pytest.approx(bound, rel=1e-12)


@LAW
@given(load=st.lists(st.floats(0, 1), min_size=1, max_size=40), num_ranks=st.integers(1, 48))
def test_busiest_rank_bound_never_rises_with_ranks(load, num_ranks):
    loads = np.array([load])
    more, fewer = (float(busiest_rank_bound(loads, ranks)[0]) for ranks in (num_ranks + 1, num_ranks))
    assert more <= fewer + 1e-12


def test_batches_do_not_mix():
    loads = np.array([[0.6, 0.5, 0.4], [0.1, 0.2, 0.3]])
    together = busiest_rank_bound(loads, 2)
    each = [float(busiest_rank_bound(row[None, :], 2)[0]) for row in loads]
    assert together.tolist() == each


@pytest.mark.parametrize(
    ("num_selected", "num_experts", "num_ranks", "copies"),
    [
        (8, 256, 256, 8.0),  # an expert a rank: every expert is elsewhere
        (8, 256, 1, 1.0),  # one rank: 1 - (31/32)^256 = 0.9997
        (1, 4, 2, 2 * (1 - 0.75**2)),
        (2, 8, 4, 4 * (1 - 0.75**2)),
    ],
)
def test_copies_by_hand(num_selected, num_experts, num_ranks, copies):
    assert copies_per_token(num_selected, num_experts, num_ranks) == pytest.approx(copies, rel=5e-4)


@LAW
@given(num_ranks=st.integers(1, 32), each=st.integers(1, 8), data=st.data())
def test_copies_never_exceed_the_exact_count_without_replacement(num_ranks, each, data):
    # B2: P_send = 1 - C(E-E/N, k)/C(E, k) (aiconfigurator afd_transfer.py); drawn independently they
    # meet fewer ranks, and as many where a rank has one expert.
    num_experts = num_ranks * each
    top_k = data.draw(st.integers(1, num_experts))
    exact = num_ranks * (1 - math.comb(num_experts - each, top_k) / math.comb(num_experts, top_k))
    copies = copies_per_token(top_k, num_experts, num_ranks)
    assert copies <= exact * (1 + 1e-9)
    if each == 1:
        assert copies == pytest.approx(exact, rel=1e-9)


def test_copies_agree_with_monte_carlo():
    # The independent form itself: 16 experts on 4 ranks, each taken with chance 3/16.
    random, rounds = np.random.default_rng(20261122), 50_000
    visited = (random.random((rounds, 4, 4)) < 3 / 16).any(axis=2).sum(axis=1)
    standard_error = visited.std(ddof=1) / math.sqrt(rounds)
    assert abs(visited.mean() - copies_per_token(3, 16, 4)) <= 4 * standard_error


@LAW
@given(num_ranks=st.integers(1, 64), each=st.integers(1, 8), share=st.floats(0.001, 1))
def test_copies_are_at_most_the_selected_experts_and_the_ranks(num_ranks, each, share):
    num_experts = num_ranks * each
    copies = copies_per_token(share * num_experts, num_experts, num_ranks)
    assert copies <= min(num_ranks, share * num_experts) * (1 + 1e-9)


def test_copies_are_at_most_the_selected_experts_where_ranks_outnumber_them():
    # The hottest quarter of 256 experts on a sidecar of EP256: each expert lies on one rank only.
    assert copies_per_token(4.25, 64, 256) == pytest.approx(4.25, rel=1e-12)
    assert copies_per_token(4, 4, 8) == 4
