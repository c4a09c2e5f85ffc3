"""One accelerator: memory tiers, peaks, kernel efficiencies and floors, power, prices."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from placer.catalog.kernel import FALLBACKS, KernelFamily, KernelModel
from placer.catalog.price import Price
from placer.catalog.quantity import (
    Bytes,
    BytesPerSecond,
    FlopPerSecond,
    Seconds,
    Share,
    Watts,
)
from placer.catalog.source import Source, is_estimate
from placer.model.precision import LAYOUTS, ComputePrecision, WeightFormat


class TierKind(StrEnum):
    """What a memory tier is made of."""

    SRAM = "sram"
    HBM = "hbm"
    GDDR = "gddr"
    LPDDR = "lpddr"
    DDR = "ddr"
    NVME = "nvme"


class TierRole(StrEnum):
    """What a tier holds: weights, or everything, of ops that run; their KV cache and activations; data at rest."""

    COMPUTE = "compute"
    CACHE = "cache"
    OFFLOAD = "offload"


class MemoryTier(BaseModel):
    """One kind of memory of a device."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tier: TierKind = Field(description="kind of memory")
    role: TierRole = Field(
        default=TierRole.COMPUTE,
        description="compute: ops run from it; cache: KV cache and activations lie there, the compute tier has "
        "weights alone; offload: data only rests there",
    )
    capacity: Bytes = Field(description="size, such as 141 GB")
    bandwidth: BytesPerSecond = Field(description="peak, such as 4.8 TB/s")


class Device(BaseModel):
    """An accelerator as the planner sees it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="what pools call it")
    title: str = Field(default="", description="one line for people")
    vendor: str = Field(default="", description="who makes it")
    memory: Annotated[tuple[MemoryTier, ...], Field(min_length=1)] = Field(
        description="tiers; the first that computes holds everything, or weights alone where another has the role cache"
    )
    peak: Annotated[dict[ComputePrecision, FlopPerSecond], Field(min_length=1)] = Field(
        description="dense FLOP/s by precision"
    )
    dequantises: bool = Field(
        default=True,
        description="weights narrower than it can multiply stay narrow in memory; false = stored wider",
    )
    kernels: Annotated[tuple[KernelModel, ...], Field(min_length=1)] = Field(
        description="efficiencies and floors; gemm, attention and moe are needed"
    )
    layer_overhead: Seconds | None = Field(
        default=None, description="per layer and step beside the modelled kernels; none = that of the serving engine"
    )
    kv_page_tokens: Annotated[int, Field(ge=1, le=65536, strict=True)] = Field(
        default=1, description="tokens of a page of the KV cache; a sequence takes whole pages"
    )
    engine: str = Field(default="generic", description="serving engine of the catalog it usually runs")
    reserve: Share = Field(default=0.0, description="share of the compute tier, and of a cache tier, the runtime keeps")
    power: Watts = Field(description="per device, as its source defines it, such as 700 W")
    price: Annotated[dict[str, Price], Field(min_length=1)] = Field(
        description="by basis: rent per device, electricity in it, or what it costs to own one"
    )
    sources: tuple[Source, ...] = Field(default=(), description="citations")
    notes: tuple[str, ...] = Field(default=(), description="for people")

    @model_validator(mode="after")
    def _is_complete(self) -> Device:
        roles = [tier.role for tier in self.memory]
        if TierRole.COMPUTE not in roles:
            raise ValueError("no memory tier has the role compute")
        if roles.count(TierRole.CACHE) > 1:
            raise ValueError("more than one memory tier has the role cache")
        families = {kernel.family for kernel in self.kernels if kernel.weights is None}
        missing = {KernelFamily.GEMM, KernelFamily.ATTENTION, KernelFamily.MOE} - families
        if missing:
            raise ValueError(f"kernels lack the families {sorted(missing)} for any weights")
        return self

    @property
    def compute_tier(self) -> MemoryTier:
        """The tier ops run from."""
        return next(tier for tier in self.memory if tier.role is TierRole.COMPUTE)

    @property
    def cache_tier(self) -> MemoryTier:
        """The tier ops read KV cache from and keep activations in: one of its own, or the one they run from."""
        return next((tier for tier in self.memory if tier.role is TierRole.CACHE), self.compute_tier)

    @property
    def is_split(self) -> bool:
        """Whether weights lie in one tier, KV cache and activations in another."""
        return self.cache_tier is not self.compute_tier

    def paged(self, context: int, cp: int = 1) -> int:
        """Return the tokens of the pages a sequence of some length takes, the same number on each of ``cp`` ranks."""
        page = self.kv_page_tokens * cp
        return -(-context // page) * page

    @property
    def usable_bytes(self) -> int:
        """Bytes of the compute tier a plan may fill, the runtime's reserve taken off."""
        return int(self.compute_tier.capacity * (1.0 - self.reserve))

    @property
    def usable_cache_bytes(self) -> int:
        """Bytes a plan may fill of the tier of the KV cache, which may be the compute tier."""
        return int(self.cache_tier.capacity * (1.0 - self.reserve))

    def kernel(self, family: KernelFamily, weights: WeightFormat | None = None) -> KernelModel:
        """Return the closest kernel model: family and stored format, family, or the family it falls back to."""
        for choice in (family, *FALLBACKS.get(family, ())):
            for exact in (weights, None):
                for kernel in self.kernels:
                    if kernel.family is choice and kernel.weights is exact:
                        return kernel
        raise LookupError(family)

    def holding(self, weight_format: WeightFormat) -> tuple[WeightFormat, ComputePrecision] | None:
        """Return how the device stores a weight format and what it multiplies in.

        Returns
        -------
        tuple or None
            None where the device has no multiplier wide enough.
        """
        native = LAYOUTS[weight_format].native_compute
        if native in self.peak:
            return weight_format, native
        wider = [(WeightFormat.FP8, ComputePrecision.FP8)] if native is ComputePrecision.FP4 else []
        wider.append((WeightFormat.BF16, ComputePrecision.BF16))
        if self.dequantises:
            wider.reverse()
        for stored, compute in wider:
            if compute in self.peak and native is not compute:
                return (weight_format if self.dequantises else stored), compute
        return None

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the figures a plan rests on, as `sources` covers them."""
        names = [f"memory.{tier.tier}" for tier in self.memory if tier.role is not TierRole.OFFLOAD]
        names += [f"peak.{precision}" for precision in self.peak]
        names += [f"kernels.{kernel.family}" for kernel in self.kernels]
        names += ["kv_page_tokens"] if self.kv_page_tokens > 1 else []
        names += ["layer_overhead"] if self.layer_overhead is not None else []
        return (*dict.fromkeys(names), "dequantises", "reserve", "power")

    def estimates(self, price_basis: str) -> tuple[str, ...]:
        """Return the figures that are guesses, the price on the given basis included."""
        price = f"price.{price_basis}"
        return (*self.guesses, *((price,) if is_estimate(price, self.sources) else ()))

    @property
    def guesses(self) -> tuple[str, ...]:
        """The figures that are guesses, prices left out."""
        return tuple(name for name in self.figures if is_estimate(name, self.sources))
