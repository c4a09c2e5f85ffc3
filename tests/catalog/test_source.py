"""Which citation covers a figure, and what counts as a guess."""

from __future__ import annotations

import pytest

from placer.catalog.source import Source, is_estimate, source_of

VENDOR = Source(covers=("price", "memory"), kind="vendor", cite="list")
GUESS = Source(covers=("price.tco",), kind="estimate", cite="ours")


@pytest.mark.parametrize("sources", [(VENDOR, GUESS), (GUESS, VENDOR)])
def test_the_closest_citation_wins_whatever_the_order(sources):
    assert source_of("price.tco", sources) is GUESS
    assert source_of("price.contract", sources) is VENDOR


def test_a_figure_without_a_citation_is_a_guess():
    assert is_estimate("power", (VENDOR, GUESS))
    assert is_estimate("price.tco", (VENDOR, GUESS))
    assert not is_estimate("memory.hbm", (VENDOR, GUESS))


def test_a_name_that_only_begins_alike_is_not_covered():
    assert source_of("memory_clock", (VENDOR,)) is None
