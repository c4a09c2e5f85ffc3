"""Token mixers of a decoder layer, as data."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Size = Annotated[int, Field(ge=1, le=10_000_000, strict=True)]


class QkNorm(StrEnum):
    """How queries and keys are normalised."""

    HEAD = "head"
    FULL = "full"


class Indexer(BaseModel):
    """Light attention that picks the tokens the main one reads (DeepSeek sparse attention, V3.2 report)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_heads: Size
    head_dim: Size
    top_k: Size


class GroupedQueryAttention(BaseModel):
    """Softmax attention with ``num_kv_heads`` shared keys and values (MHA, GQA and MQA alike)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["gqa"] = "gqa"
    num_heads: Size
    num_kv_heads: Size
    head_dim: Size
    qkv_bias: bool = False
    output_bias: bool = False
    qk_norm: QkNorm | None = Field(default=None, description="norm of queries and keys: per head, or over all heads")
    output_gate: bool = Field(default=False, description="a gate as wide as the queries, projected with them")
    value_is_key: bool = Field(default=False, description="values are the projected keys; both are cached")
    sinks: bool = False
    window: Size | None = Field(default=None, description="tokens a query looks back, itself included; none = all")
    chunked: bool = Field(default=False, description="the window starts anew every so many tokens")
    post_norm: bool = Field(default=False, description="a norm after the block too")
    indexer: Indexer | None = Field(default=None, description="picks the tokens that are read")

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
    indexer: Indexer | None = None


class CompressedAttention(BaseModel):
    """Shared key-values over a window and over compressed blocks of all tokens (DeepSeek-V4)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["compressed"] = "compressed"
    num_heads: Size
    head_dim: Size
    q_lora_rank: Size
    output_groups: Size
    output_lora_rank: Size
    window: Size
    stride: Size | None = Field(default=None, description="tokens per compressed entry; none = window only")
    indexer: Indexer | None = Field(default=None, description="picks compressed entries; none = all are read")

    @model_validator(mode="after")
    def _groups_divide(self) -> CompressedAttention:
        if self.num_heads * self.head_dim % self.output_groups:
            raise ValueError(f"output_groups {self.output_groups} do not divide {self.num_heads} x {self.head_dim}")
        if self.indexer is not None and self.stride is None:
            raise ValueError("an indexer needs compressed entries")
        return self


class Mamba(BaseModel):
    """Selective state space with a state per channel (Mamba, arXiv 2312.00752), with Jamba's norms where asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["mamba"] = "mamba"
    inner_size: Size
    state_size: Size
    conv_kernel: Size
    dt_rank: Size
    conv_bias: bool = True
    projection_bias: bool = False
    inner_norms: bool = Field(default=False, description="norms of dt, B and C (Jamba)")

    @property
    def num_heads(self) -> int:
        """Channels are independent: each can be cut off."""
        return self.inner_size


class Mamba2(BaseModel):
    """State space with a scalar decay per head (Mamba-2, arXiv 2405.21060)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["mamba2"] = "mamba2"
    num_heads: Size
    head_dim: Size
    num_groups: Size
    state_size: Size
    conv_kernel: Size
    conv_bias: bool = True
    projection_bias: bool = False

    @property
    def inner_size(self) -> int:
        """Width of all heads."""
        return self.num_heads * self.head_dim

    @property
    def conv_channels(self) -> int:
        """Channels of the convolution: x, B and C."""
        return self.inner_size + 2 * self.num_groups * self.state_size


class GatedDeltaNet(BaseModel):
    """Linear attention by the gated delta rule (arXiv 2412.06464)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["delta"] = "delta"
    num_key_heads: Size
    num_value_heads: Size
    key_head_dim: Size
    value_head_dim: Size
    conv_kernel: Size

    @property
    def num_heads(self) -> int:
        """Heads that tensor parallelism can cut."""
        return self.num_key_heads

    @property
    def conv_channels(self) -> int:
        """Channels of the convolution: queries, keys and values."""
        return 2 * self.num_key_heads * self.key_head_dim + self.num_value_heads * self.value_head_dim


class NoMixer(BaseModel):
    """A layer that is an FFN only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["none"] = "none"


Mixer = Annotated[
    GroupedQueryAttention | LatentAttention | CompressedAttention | Mamba | Mamba2 | GatedDeltaNet | NoMixer,
    Field(discriminator="kind"),
]
