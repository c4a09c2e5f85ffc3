"""Token mixers of a decoder layer, as data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Size = Annotated[int, Field(ge=1, le=10_000_000, strict=True)]


class GroupedQueryAttention(BaseModel):
    """Softmax attention with ``num_kv_heads`` shared keys and values (MHA, GQA and MQA alike)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["gqa"] = "gqa"
    num_heads: Size
    num_kv_heads: Size
    head_dim: Size
    qkv_bias: bool = False
    output_bias: bool = False
    qk_norm: bool = False
    sinks: bool = False
    window: Size | None = Field(default=None, description="tokens a query looks back, itself included; none = all")

    @model_validator(mode="after")
    def _heads_divide(self) -> GroupedQueryAttention:
        if self.num_heads % self.num_kv_heads:
            raise ValueError(f"num_heads {self.num_heads} is no multiple of num_kv_heads {self.num_kv_heads}")
        return self


class LatentAttention(BaseModel):
    """Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434): one latent of KV per token."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["mla"] = "mla"
    num_heads: Size
    q_lora_rank: Size | None = None
    kv_lora_rank: Size
    qk_nope_head_dim: Size
    qk_rope_head_dim: Size
    v_head_dim: Size


Mixer = Annotated[GroupedQueryAttention | LatentAttention, Field(discriminator="kind")]
