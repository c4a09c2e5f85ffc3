import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from placer.search.nodes import NodeBounds

SCENARIOS = ["uniform", "zipf", "fast", "fleet", "chips"]


def drawn(search, random):
    """A family, its bounds, a box, and a candidate of it."""
    family = search.family(random.choice(search.searcher.families()))
    box = search.draw_box(random, family)
    candidate = search.draw_candidate(random, family, box)
    assume(candidate is not None)
    return NodeBounds(search.searcher.cost, search.objective, family), box, candidate


@pytest.mark.parametrize("name", SCENARIOS)
@settings(max_examples=150)
@given(random=st.randoms(use_true_random=False))
def test_no_layout_of_a_candidate_is_cheaper_than_the_box(searched, name, random):
    search = searched[name]
    bounds, box, candidate = drawn(search, random)
    problem = search.builder.exact(candidate)
    found = [search.found(candidate, search.draw_layout(random, problem)) for _ in range(4)]
    values = [plan.value for plan in found if plan is not None]
    assume(values)
    value = min(values)
    assert bounds.bound(box, np.inf)[0] <= value * (1 + 1e-9)
    for factor in (0.5, 1.0, 1.001, 2.0):
        assert bounds.bound(box, value * factor)[0] <= value * (1 + 1e-9)


@pytest.mark.parametrize("name", SCENARIOS)
@settings(max_examples=20)
@given(random=st.randoms(use_true_random=False))
def test_no_leaf_is_settled_for_less_than_the_box(searched, name, random):
    search = searched[name]
    bounds, box, candidate = drawn(search, random)
    settled = search.leaves.settle(candidate, np.inf, -1)
    least = bounds.bound(box, np.inf)[0]
    if settled.found is not None:
        assert least <= settled.found.value * (1 + 1e-9)
        assert settled.bound <= settled.found.value * (1 + 1e-9)
        sharp = bounds.bound(box, settled.found.value * 1.0001)[0]
        assert sharp <= settled.found.value * (1 + 1e-9)


@settings(max_examples=100)
@given(random=st.randoms(use_true_random=False))
def test_a_box_is_never_bounded_above_one_inside_it(searched, random):
    search = searched["uniform"]
    family = search.family(random.choice(search.searcher.families()))
    bounds = NodeBounds(search.searcher.cost, search.objective, family)
    outer = search.draw_box(random, family)
    inner = outer.copy()
    for column, tree in enumerate((family.host, family.side)):
        while tree is not None and inner[0, column] < tree.first_leaf:
            inner[0, column] = 2 * inner[0, column] + random.randrange(2)
    inner[0, 2] = inner[0, 3] = random.randint(*outer[0, 2:4].tolist())
    inner[0, 4] = inner[0, 5] = random.randint(*outer[0, 4:6].tolist())
    # what `_prove` adds holds for single shapes only, so with no cutoff boxes are comparable
    whole, part = bounds.bound(np.concatenate([outer, inner]), np.inf)
    assert whole <= part * (1 + 1e-9)
