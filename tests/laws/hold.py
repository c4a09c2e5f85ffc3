"""Ladders of scenarios that differ in one thing from rung to rung, and the laws between neighbouring optima.

A step tells something where the law could have failed: the optimum moved, or there is one. Ladders are drawn until
every kind of step told something, so that no law holds only because nothing ever happened.

Routing is uniform throughout. With uneven routing a plan pays for the experts as its own layout deals them to ranks,
and the bound only for the load that no layout avoids (``docs/method.md``, section 6): optima are then not proven to the
last digit, and there is nothing exact to compare.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, seed, settings

from placer.planner.assemble import bound_of
from placer.planner.solve import build_searcher, solve
from placer.progress import ignore
from placer.scenario.scenario import Scenario, assert_consistent
from placer.search.params import SolveParams
from placer.search.solve import Stop

PROOF = SolveParams(relative_gap=0.0, budget_s=120.0)
#: Times are whole picoseconds to the search, so optima agree to about this share only.
TOLERANCE = 1e-6
#: Ladders of one round, and rounds at most.
EXAMPLES, ROUNDS = 10, 15


class Rung(NamedTuple):
    """A scenario, the step that led to it, the factor that makes its price comparable, and how it is solved."""

    step: str
    scenario: Scenario
    factor: float = 1.0
    params: SolveParams = PROOF


def price(scenario, params=PROOF):
    """Return the proven least price of a scenario; inf where it is proven to have no plan."""
    legal = Scenario.model_validate(scenario.model_dump())
    assert_consistent(legal)
    solved = solve(build_searcher(legal, params), params, time.monotonic(), ignore)
    assert solved.stop is not Stop.BUDGET
    if solved.found is None:
        assert solved.bound == math.inf
        return math.inf
    assert bound_of(solved).relative_gap == 0.0
    return solved.found.value


def never_dearer(before, after, step):
    """Assert that a step makes nothing dearer; return whether it made something cheaper, or possible at all."""
    assert after <= before * (1.0 + TOLERANCE), step
    return after < before * (1.0 - TOLERANCE)


def equal(before, after, step):
    """Assert that a step changes nothing; return whether there was anything to change."""
    assert after == pytest.approx(before, rel=TOLERANCE), step
    return math.isfinite(before)


def hold(ladders, law):
    """Hold the planner to a law between every two neighbouring rungs of drawn ladders."""
    telling = Counter()

    @settings(
        derandomize=True,
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(ladders)
    def check(ladder):
        prices = [price(rung.scenario, rung.params) * rung.factor for rung in ladder]
        for rung, (before, after) in zip(ladder[1:], pairwise(prices), strict=True):
            telling[rung.step] += law(before, after, rung.step)

    for number in range(ROUNDS):
        seed(number)(check)()
        if telling and all(telling.values()):
            return
    pytest.fail(f"{ROUNDS * EXAMPLES} ladders, and on some steps the law could not have failed: {telling}")
