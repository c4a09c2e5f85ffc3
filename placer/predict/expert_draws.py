"""Expert load of the busiest rank as a batch really has it: drawn, not averaged before the maximum is taken."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

_DRAWS, _SEED = 64, 0


@lru_cache(maxsize=4096)
def busiest_rank(selection: tuple[float, ...], num_ranks: int, tokens: float) -> tuple[float, float]:
    """Return experts touched and tokens served on the busiest rank, in the mean over batches.

    Each expert's tokens are drawn binomially from its chance to be selected; experts are dealt to ranks in order of
    their popularity, forth and back, as a balancer would. The mean of the maximum is at least the maximum of the means
    (physics B3).

    Parameters
    ----------
    selection
        Chance that one token selects each expert.
    num_ranks
        Expert-parallel ranks.
    tokens
        Tokens of the whole batch.
    """
    chances = np.sort(np.array(selection))[::-1]
    whole = max(1, round(tokens))
    served = np.random.default_rng(_SEED).binomial(whole, np.minimum(chances, 1.0), size=(_DRAWS, len(chances)))
    ranks = min(num_ranks, len(chances))
    order = np.arange(len(chances)) % (2 * ranks)
    home = np.where(order < ranks, order, 2 * ranks - 1 - order)
    load = np.zeros((_DRAWS, ranks))
    touched = np.zeros((_DRAWS, ranks))
    for rank in range(ranks):
        here = served[:, home == rank]
        load[:, rank], touched[:, rank] = here.sum(axis=1), (here > 0).sum(axis=1)
    scale = tokens / whole
    return float(touched.max(axis=1).mean()), float(load.max(axis=1).mean()) * scale
