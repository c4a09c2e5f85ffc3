"""What a serving engine adds to kernels: launches it hides, work on the host, queues, memory of its own."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.catalog.quantity import Bytes, Seconds
from placer.catalog.source import Source

#: Times a measured or estimated time.
Factor = Annotated[float, Field(ge=0, le=100)]


class ServingEngine(BaseModel):
    """An engine as `placer predict` sees it; one set of figures for all models, devices and versions.

    Times of op classes are those of the device's kernels times a factor: engines hide most of a kernel's launch
    behind the kernel before it, fuse what tables time apart, and run other kernel versions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="what the command line calls it")
    title: str = Field(default="", description="one line for people")
    launches: Factor = Field(description="share of kernel floors and collective start-ups that is not hidden")
    matrices: Factor = Field(description="time of GEMMs over that of the device's kernels, floors apart")
    attention: Factor = Field(description="the same for attention cores")
    experts: Factor = Field(description="the same for routed experts")
    collectives: Factor = Field(description="the same for collectives")
    layer_overhead: Seconds = Field(
        description="per layer and step: norms, rotary, routing, quantisation; a device may state its own"
    )
    step_overhead: Seconds = Field(description="per step: scheduling, sampling, launch of the graph")
    sequence_overhead: Seconds = Field(description="per step and request of a data-parallel rank")
    prefill_work: Factor = Field(description="share of prefill work that running decodes wait for")
    prefill_launches: Factor = Field(description="share of prefill floors that running decodes wait for")
    first_token_overhead: Seconds = Field(description="of a request: tokenisation, scheduling, first response")
    first_token_prefill: Factor = Field(description="prefill times a request waits for, its own included")
    first_token_steps: Factor = Field(description="decode steps a request waits for")
    first_token_burst: Factor = Field(description="share of the other requests' prefill a request waits for")
    first_token_queue: Factor = Field(description="M/D/1 waits (physics E4) a request waits for")
    first_token_request: Seconds = Field(description="per request in the replica")
    memory: Bytes = Field(description="context, graphs and communication buffers on every device")
    page_tokens: Annotated[int, Field(ge=1, le=65536)] = Field(description="tokens of a page of the KV cache")
    prefill_tokens: Annotated[int, Field(ge=1, le=10_000_000)] = Field(description="most tokens of a prefill step")
    sources: tuple[Source, ...] = Field(default=(), description="citations")
    notes: tuple[str, ...] = Field(default=(), description="for people")
