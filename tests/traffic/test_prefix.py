"""The prefix cache without end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from placer.traffic import prefix
from placer.traffic.prefix import PrefixCache

PROMPTS = st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=5), min_size=1, max_size=20)


def _hits(prompts, block_tokens=10):
    cache = PrefixCache(block_tokens)
    return [cache.hit_tokens(blocks, len(blocks) * block_tokens - 3) for blocks in prompts]


def _by_definition(prompts, block_tokens=10):
    hits = []
    for index, blocks in enumerate(prompts):
        before = {block for prompt in prompts[:index] for block in prompt}
        new = [place for place, block in enumerate(blocks) if block not in before]
        length = len(blocks) * block_tokens - 3
        hits.append(min(new[0] * block_tokens, length) if new else length)
    return hits


@given(prompts=PROMPTS)
def test_hits_are_the_leading_blocks_that_came_before(prompts):
    assert _hits(prompts) == _by_definition(prompts)


@given(prompts=PROMPTS, stretch=st.sampled_from([1, 10**7, 10**18]))
def test_ids_are_names_whatever_their_size(prompts, stretch):
    assert _hits([[block * stretch for block in blocks] for blocks in prompts]) == _hits(prompts)


@given(prompts=PROMPTS)
def test_a_trace_repeated_is_found_in_full(prompts):
    again = _hits(prompts + prompts)[len(prompts) :]
    assert again == [len(blocks) * 10 - 3 for blocks in prompts]


def test_a_block_after_a_new_one_is_no_prefix():
    assert _hits([[1, 2, 3], [1, 9, 3]]) == [0, 10]


def test_an_empty_prompt_hits_nothing():
    assert PrefixCache(512).hit_tokens([], 0) == 0


def test_dense_and_sparse_ids_mix():
    big = prefix._MOST_DENSE
    assert _hits([[1, big], [1, big, 2], [1, big + 1], [big]]) == [0, 20, 10, 7]
