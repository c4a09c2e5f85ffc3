"""The KV budget of a group: how many tokens of KV cache fit beside weights and buffers, and how many are used."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.catalog.device import TierKind
from placer.plan.placement import Role


class KvUse(BaseModel):
    """KV shards on a device of the stage of a group that has room for the fewest tokens.

    Tokens are counted in whole pages of sequences at the capacity context, as the planner makes room for them; a
    sequence's indices and states count as KV cache. Every rank holds the KV cache of its sequences: of the heads its
    tensor-parallel rank works on, or whole, where heads share it (latent attention) or there are more ranks than heads.
    Context-parallel ranks hold a part of every sequence each; pages and tokens are then those of all of them together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role = Field(description="which group of a replica")
    tier: TierKind = Field(description="memory tier the shards lie in")
    stage: Annotated[int, Field(ge=0)] = Field(description="stage with room for the fewest tokens, from 0")
    layers: Annotated[int, Field(ge=1)] = Field(description="layers of that stage that keep something of a sequence")
    page_tokens: Annotated[int, Field(ge=1)] = Field(description="tokens of a page, context-parallel ranks together")
    sequence_tokens: Annotated[int, Field(ge=1)] = Field(
        description="tokens of the pages of a sequence at the capacity context"
    )
    bytes_per_token_per_device: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        description="bytes a device keeps of a token, mean over a sequence at the capacity context"
    )
    copies: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        description="copies of a token's KV cache among the tensor-parallel ranks; 1 where every byte lies once"
    )
    capacity_tokens: Annotated[int, Field(ge=0)] = Field(
        description="tokens of KV cache whose shards fit on a device, in whole pages"
    )
    used_tokens: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = Field(
        description="tokens of KV cache on every data-parallel rank, all microbatches in flight"
    )
