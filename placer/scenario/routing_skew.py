"""How uneven a layer's routing is, in the figures the literature gives."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field


class LayerSkew(BaseModel):
    """Unevenness of the counts of one layer; ``E`` experts, counts ``c_e``, mean ``c``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_over_mean: float = Field(description="count of the hottest expert over the mean")
    top10_share: float = Field(
        description="share of the hottest tenth of the experts, to the nearest expert, at least one"
    )
    top25_share: float = Field(description="share of the hottest quarter of the experts, likewise")
    cv: float = Field(description="standard deviation over all experts, over the mean")
    gini: float = Field(description="Gini coefficient, sum of |c_e - c_f| over all pairs over 2 E^2 c; 0 = uniform")


def measure_skew(counts: Sequence[float]) -> LayerSkew:
    """Return the unevenness of a layer.

    Parameters
    ----------
    counts
        Routed tokens per expert, in any unit; not all zero.

    Examples
    --------
    >>> skew = measure_skew([1.0, 1.0, 2.0, 4.0])
    >>> skew.max_over_mean, skew.top25_share, skew.gini
    (2.0, 0.5, 0.3125)
    """
    ordered = np.sort(np.array(counts, dtype=np.float64))
    total, num_experts = ordered.sum(), len(ordered)
    # With counts in rising order, the sum over pairs is that of (2 i - E - 1) c_i, i from 1.
    ranks = 2 * np.arange(1, num_experts + 1) - num_experts - 1
    return LayerSkew(
        max_over_mean=float(ordered[-1] * num_experts / total),
        top10_share=_top_share(ordered, 0.10),
        top25_share=_top_share(ordered, 0.25),
        cv=float(ordered.std() * num_experts / total),
        gini=float((ranks * ordered).sum() / (num_experts * total)),
    )


def _top_share(ordered: np.ndarray, share: float) -> float:
    num_top = max(1, int(share * len(ordered) + 0.5))
    return float(ordered[-num_top:].sum() / ordered.sum())
