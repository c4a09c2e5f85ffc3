"""A deployment as somebody already runs it: model apart, what runs where, and under which load."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Degree = Annotated[int, Field(ge=1, le=100_000, strict=True)]


class Configuration(BaseModel):
    """One replica under load.

    ``tp x dp`` devices hold each of ``pp`` pipeline stages; routed experts are spread over ``ep`` ranks, each cut over
    the remaining ``tp dp / ep`` devices.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str = Field(description="device of the catalog")
    num_devices: Degree = Field(description="devices of the replica: tp x dp x pp")
    tp: Degree = Field(default=1, description="tensor-parallel degree of attention and dense FFN")
    pp: Degree = Field(default=1, description="pipeline stages")
    dp: Degree = Field(default=1, description="data-parallel ranks of attention")
    ep: Degree = Field(default=1, description="expert-parallel ranks; each expert is cut over tp x dp / ep devices")
    batch: Degree = Field(description="requests decoding at once on each data-parallel rank")
    isl: Degree = Field(description="input tokens of a request")
    osl: Degree = Field(description="output tokens of a request")
    is_prefill_elsewhere: bool = Field(default=False, description="whether prompts are prefilled by other devices")

    @model_validator(mode="after")
    def _divides(self) -> Configuration:
        if self.tp * self.dp * self.pp != self.num_devices:
            product = f"tp {self.tp} x dp {self.dp} x pp {self.pp} = {self.tp * self.dp * self.pp}"
            raise ValueError(f"{product}, but num_devices is {self.num_devices}: they must be equal")
        if self.width % self.ep:
            raise ValueError(f"ep {self.ep} does not divide the {self.width} devices of a stage (tp x dp)")
        return self

    @property
    def width(self) -> int:
        """Devices of one stage."""
        return self.tp * self.dp

    @property
    def expert_tp(self) -> int:
        """Devices one routed expert is cut over."""
        return self.width // self.ep

    @property
    def concurrency(self) -> int:
        """Requests in the replica at once."""
        return self.batch * self.dp
