"""Layers that tests draw."""

import numpy as np
from hypothesis import strategies as st

README = (
    (90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86),
    (20, 107, 104, 64, 19, 197, 187, 157, 172, 86, 16, 27),
)


@st.composite
def small_layers(draw):
    """Draw loads, ranks and slots per rank small enough for brute force."""
    ranks, room = draw(st.sampled_from([(1, 3), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (4, 2)]))
    experts = draw(st.integers(1, min(5, ranks * room)))
    loads = draw(st.lists(st.integers(0, 60), min_size=experts, max_size=experts))
    return np.array(loads, dtype=float), ranks, room


@st.composite
def layers(draw):
    """Draw loads, ranks and slots of any shape, ties and idle experts included."""
    experts, ranks = draw(st.integers(1, 24)), draw(st.integers(1, 6))
    least = -(-experts // ranks)
    slots = ranks * draw(st.integers(least, least + 3))
    loads = draw(st.lists(st.one_of(st.integers(0, 5), st.integers(0, 10_000)), min_size=experts, max_size=experts))
    return np.array(loads, dtype=float), ranks, slots


def zipf(experts, exponent, seed=0):
    """Return loads of a zipf law with noise, in random order."""
    random = np.random.default_rng(seed)
    share = np.arange(1, experts + 1.0) ** -exponent
    return random.permutation(np.round(share / share.sum() * 1e4 * experts * random.lognormal(0, 0.1, experts)))
