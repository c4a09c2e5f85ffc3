from random import Random

import numpy as np
import pytest

SLACK = 1 + 1e-9


@pytest.mark.parametrize("name", ["uniform", "zipf", "fast", "fleet", "chips"])
def test_leaves_bounded_together_hide_no_plan(searched, name):
    search, random, compared = searched[name], Random(name), 0
    batches = {}
    for _ in range(60):
        _, _, candidate = search.draw_all(random)
        if candidate is not None:
            blocks = tuple((shape.pool, shape.stages, shape.width) for shape in candidate.shapes)
            batches.setdefault((blocks, candidate.in_flight), {})[candidate] = None
    for batch in (list(candidates) for candidates in batches.values() if len(candidates) > 1):
        settled = [search.leaves.settle(candidate, np.inf, -1) for candidate in batch]
        values = [one.found.value for one in settled if one.found is not None]
        if not values:
            continue
        compared += 1
        best = min(values)
        assert search.leaves.bound(batch, np.inf) <= best * SLACK
        assert search.leaves.bound(batch, 1.0001 * best) < 1.0001 * best
    assert compared
