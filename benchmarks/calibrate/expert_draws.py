"""Expert loads as the measured MoE tables drew them, so that time is fitted to the load the kernel had."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

_DRAWS, _SEED = 40, 1


@cache
def busiest_rank(distribution: str, tokens: int, top_k: int, experts: int, ranks: int) -> tuple[float, float]:
    """Return experts touched and tokens served on the busiest rank.

    ``balanced`` deals the routed copies evenly. ``power_law_a`` draws each expert's popularity from a density
    proportional to ``x^-a``, bounded by one token and 80 % of the batch (small batches: 0.01 and 2), rounds to whole
    tokens, and times the rank with most of them: what the benchmark behind the tables says it does.
    """
    copies = tokens * top_k
    held = experts // ranks
    if distribution == "balanced":
        return float(min(held, math.ceil(copies / ranks))), float(max(copies / ranks, 1.0))
    exponent = float(distribution.rsplit("_", 1)[1])
    low, high = (1.0, 0.8 * tokens) if copies > experts else (0.01, 2.0)
    uniform = np.random.default_rng(_SEED).random((_DRAWS, experts))
    power = 1.0 - exponent
    popularity = ((high**power - low**power) * uniform + low**power) ** (1.0 / power)
    share = popularity / popularity.sum(axis=1, keepdims=True)
    served = np.minimum(np.round(share * copies), tokens).reshape(_DRAWS, ranks, held)
    busiest = served[np.arange(_DRAWS), served.sum(axis=2).argmax(axis=1)]
    return max(1.0, float((busiest > 0).sum(axis=1).mean())), max(1.0, float(busiest.sum(axis=1).mean()))
