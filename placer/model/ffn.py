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

    @model_validator(mode="after")
    def _top_k_fits(self) -> MoeFfn:
        if self.top_k > self.num_experts:
            raise ValueError(f"top_k {self.top_k} exceeds num_experts {self.num_experts}")
        return self


Ffn = Annotated[DenseFfn | MoeFfn, Field(discriminator="kind")]
