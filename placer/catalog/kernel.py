"""How long a kernel of a family takes on a device: floor, efficiencies, and how they depend on size."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.catalog.quantity import Bytes, Efficiency, Seconds
from placer.model.precision import WeightFormat

#: A plain number, zero or more.
Amount = Annotated[float, Field(ge=0, le=1e6)]


class KernelFamily(StrEnum):
    """Kernels that share a model of their time; prefill of attention is another kernel than decode."""

    GEMM = "gemm"
    ATTENTION = "attention"
    ATTENTION_PREFILL = "attention-prefill"
    MLA = "mla"
    MLA_PREFILL = "mla-prefill"
    MOE = "moe"


#: Where a device says nothing of a family: the next best it may speak of.
FALLBACKS: dict[KernelFamily, tuple[KernelFamily, ...]] = {
    KernelFamily.MLA: (KernelFamily.ATTENTION,),
    KernelFamily.ATTENTION_PREFILL: (KernelFamily.ATTENTION,),
    KernelFamily.MLA_PREFILL: (KernelFamily.ATTENTION_PREFILL, KernelFamily.MLA, KernelFamily.ATTENTION),
}


class FitError(BaseModel):
    """How far a fitted kernel model is off on measured rows that the fit did not see."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    median: Amount = Field(description="median relative error")
    p90: Amount = Field(description="90th percentile of the relative error")
    rows: Annotated[int, Field(ge=1)] = Field(description="measured rows held out")


class KernelModel(BaseModel):
    """Time of a kernel (physics A1), with the terms that real kernels add to a roofline.

    ``floor + depth k + ramp x/(x + ramp_bytes) + handling a/W + per_expert n + |x/(mbu W), f/(mfu F)|_p``, with
    bytes read ``x``, work ``f``, longest reduction ``k``, activations ``a`` and experts held ``n``; ``|.|_p`` is the
    p-norm with ``p`` = sharpness, the larger of the two where none is given. ``docs/method.md``, section 3.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: KernelFamily = Field(description="kernels it holds for")
    weights: WeightFormat | None = Field(
        default=None, description="stored format of weights, or of the KV cache; none = every format not listed"
    )
    floor: Seconds = Field(description="time of a launch with no work, such as 4.4 us")
    mbu: Efficiency = Field(description="share of peak bandwidth reached by large reads")
    mfu: Efficiency = Field(description="share of peak FLOP/s reached by large work")
    depth: Seconds = Field(
        default=0.0, description="time per element of the longest reduction (GEMM: k; prefill: tokens)"
    )
    ramp: Seconds = Field(default=0.0, description="time lost until memory streams at full rate")
    ramp_bytes: Bytes = Field(default=1.0, description="bytes read at which half of the ramp is paid")
    sharpness: Annotated[float, Field(ge=1, le=100)] | None = Field(
        default=None, description="how far streaming and computing overlap: 1 = one after the other; none = fully"
    )
    handling: Amount = Field(default=0.0, description="passes over activations at peak bandwidth")
    tile: Amount = Field(default=0.0, description="tokens of work that every touched expert adds")
    per_expert: Seconds = Field(default=0.0, description="time per expert the rank holds")
    per_score: Amount = Field(default=0.0, description="FLOP per attention score beside its products (softmax)")
    error: FitError | None = Field(default=None, description="error on rows the fit did not see; none = not measured")
