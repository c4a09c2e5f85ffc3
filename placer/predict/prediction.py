"""What is predicted for a configuration."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from placer.predict.configuration import Configuration


class DeviceMemory(BaseModel):
    """Bytes on the fullest device [B]."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: int = Field(description="weights, replicas of what cannot be cut included")
    kv_cache: int = Field(description="KV cache of all running requests at full length, in whole pages")
    activations: int = Field(description="activations of one step and buffers of collectives")
    runtime: int = Field(description="the engine's own: context, graphs, communication")
    total: int = Field(description="sum of the above")
    capacity: int = Field(description="of the device's memory")


class Prediction(BaseModel):
    """The answer of ``placer predict``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(description="name of the model")
    configuration: Configuration = Field(description="what was asked")
    engine: str = Field(description="serving engine whose figures were taken")
    ttft_s: float = Field(description="mean time to first token, waiting included [s]")
    tpot_s: float = Field(description="mean time per output token after the first [s]")
    tokens_per_s_per_user: float = Field(description="1 / tpot_s")
    tokens_per_s_per_device: float = Field(description="output tokens of the replica per device [1/s]")
    concurrency: int = Field(description="requests in the replica")
    running: int = Field(description="requests decoding at once; fewer than concurrency where memory is short")
    memory_bytes: DeviceMemory = Field(description="on the fullest device")
    fits: bool = Field(description="whether all requests fit at full length")
    decode_s_by_op_class: dict[str, float] = Field(description="where a decode step goes [s]")
    prefill_s_by_op_class: dict[str, float] = Field(description="where the prefill of one prompt goes [s]")
    estimates: tuple[str, ...] = Field(default=(), description="figures it rests on that are guesses")
    notes: tuple[str, ...] = Field(default=(), description="what was assumed")
