"""A larger declared space never makes tokens dearer: it holds every plan of the smaller one."""

from hypothesis import strategies as st

from tests.laws.cramped import cramped
from tests.laws.hold import hold, never_dearer
from tests.laws.variants import climb, in_any_order, with_space

SMALL = {"max_groups": 1, "max_microbatches": 1, "max_rank_batch": 1, "max_stages": 1, "max_width": 1, "split_parts": 1}
SMALL |= {"context_parallel": False}
LARGE = {"max_groups": 2, "max_microbatches": 3, "max_rank_batch": 3, "max_stages": 3, "max_width": 3}
LARGE |= {"context_parallel": True}


@st.composite
def widened(draw):
    steps = {
        field: lambda before, field=field, size=size: with_space(before, **{field: size})
        for field, size in LARGE.items()
    }
    return climb(with_space(draw(cramped(0.7)), **SMALL), draw(in_any_order(steps)))


def test_a_larger_space_is_never_dearer():
    hold(widened(), never_dearer)
