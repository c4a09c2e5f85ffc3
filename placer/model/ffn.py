"""Feed-forward blocks of a decoder layer, as data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Size = Annotated[int, Field(ge=1, le=10_000_000, strict=True)]


class DenseFfn(BaseModel):
    """Two or, gated, three matrices every token passes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["dense"] = "dense"
    intermediate_size: Size
    gated: bool = True
    bias: bool = False
    post_norm: bool = Field(default=False, description="a norm after the block too")


class MoeFfn(BaseModel):
    """Routed experts of which a token visits ``top_k``, and shared ones it always visits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["moe"] = "moe"
    num_experts: Size
    top_k: Size
    intermediate_size: Size
    gated: bool = True
    expert_bias: bool = False
    router_bias: bool = False
    correction_bias: bool = Field(default=False, description="load-balancing bias, a buffer and no parameter")
    shared_intermediate_size: int = Field(
        default=0, ge=0, le=10_000_000, strict=True, description="all shared experts together"
    )
    shared_gate: bool = Field(default=False, description="a learned gate on the shared experts' output")
    dense_intermediate_size: int = Field(
        default=0, ge=0, le=10_000_000, strict=True, description="a dense FFN beside the experts, norms of its own"
    )
    latent_size: Size | None = Field(default=None, description="experts work on a projection of the hidden state")
    hash_entries: int = Field(default=0, ge=0, le=10**9, strict=True, description="table of experts by token id")
    router_scales: bool = Field(default=False, description="learned scales of router input and experts (Gemma 4)")
    post_norm: bool = Field(default=False, description="a norm after the block too")

    @model_validator(mode="after")
    def _top_k_fits(self) -> MoeFfn:
        if self.top_k > self.num_experts:
            raise ValueError(f"top_k {self.top_k} exceeds num_experts {self.num_experts}")
        if self.shared_intermediate_size and self.dense_intermediate_size:
            raise ValueError("shared experts and a dense FFN beside the experts exclude each other")
        return self


class NoFfn(BaseModel):
    """A layer that is a mixer only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["none"] = "none"


Ffn = Annotated[DenseFfn | MoeFfn | NoFfn, Field(discriminator="kind")]
