"""What speculative decoding does in a plan."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.plan.metrics import Figure

Count = Annotated[int, Field(ge=0)]


class DrafterPool(BaseModel):
    """Devices of another pool that draft for a replica: one stage, tensor parallel over all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pool: str = Field(description="where they come from")
    width: Annotated[int, Field(ge=1)] = Field(description="devices that draft for one replica")
    expert_tp: Annotated[int, Field(ge=1)] = Field(description="devices one expert of the draft model is cut over")
    first_device: tuple[Count, ...] = Field(description="index of the first of them in the pool, by replica")


class SpeculationUse(BaseModel):
    """The number of tokens drafted, as chosen, and what drafting takes and brings.

    All figures of a plan that drafts nothing are those of plain decode: speculation was looked at and does not pay.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    drafter: str = Field(description="mtp, or the name of the draft model")
    draft_tokens: Count = Field(description="tokens drafted of every sequence in a step; 0 = drafting does not pay")
    tokens_per_step: Annotated[float, Field(ge=1, allow_inf_nan=False)] = Field(
        description="tokens a sequence gains in a step on average, one of the model's own included"
    )
    draft_s: Figure = Field(description="all passes that draft for one microbatch")
    round_trip_s: Figure = Field(
        default=0.0, description="token ids to a drafter on a pool of its own, and back; 0 = no such pool"
    )
    verify_s: Figure = Field(description="the rest of the critical path: drafted tokens pass the model together")
    weights_bytes: Count = Field(description="weights of the drafter on a device that drafts")
    kept_bytes: Count = Field(description="KV cache and buffers of the drafter on a device that drafts, all in flight")
    pool: DrafterPool | None = Field(
        default=None, description="devices of another pool that draft; null = those of the LM head's stage"
    )
    usd_per_request_without: Figure | None = Field(
        default=None,
        description="price of a request in the best plan found that drafts nothing; null where none was, or prefill is "
        "not planned",
    )
    usd_per_million_output_tokens_without: Figure | None = Field(
        description="price of the best plan found that drafts nothing; null where none meets the target"
    )
