"""What may keep the KV cache of paused sessions: tiers below the one ops run from, how many wait, a draft model."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from placer.catalog.bare_schema import without_serializer
from placer.catalog.quantity import Bytes, BytesPerSecond, Seconds
from placer.model.spec import ModelSpec

#: What a tier may not be called: an answer of its own has these names.
RESERVED = ("sram", "hbm", "gddr", "recompute")
#: Most tiers below; more are a slip of the pen.
MOST_TIERS = 8


class RetentionTier(BaseModel):
    """A tier below the one ops run from, as one device sees it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,30}$")] = Field(
        description="what it is called, such as ddr"
    )
    capacity: Bytes = Field(description="share of one device, such as 256 GB")
    bandwidth: BytesPerSecond = Field(description="rate at which one device reads from it, such as 55 GB/s")
    latency: Seconds = Field(default=0.0, description="before the first byte arrives, such as 80 us")
    estimates: tuple[str, ...] = Field(default=(), description="figures of it that are guesses of the catalog")

    @model_serializer(mode="wrap")
    def _without_absent_estimates(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave estimates out where there are none: hashes of tiers written before they were known still hold."""
        fields: dict[str, Any] = handler(self)
        return {name: value for name, value in fields.items() if name != "estimates" or value}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the fields, which a serializer of its own would hide."""
        return handler(without_serializer(core_schema))

    @field_validator("name")
    @classmethod
    def _is_free(cls, name: str) -> str:
        if name in RESERVED:
            raise ValueError(f'a tier cannot be called "{name}": it is no tier below the one ops run from')
        return name


class Retention(BaseModel):
    """What a plan may keep of paused sessions, beyond the tiers its devices have in the catalog."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tiers: Annotated[tuple[RetentionTier, ...], Field(max_length=MOST_TIERS)] = Field(
        default=(), description="tiers of every device that holds KV cache; one replaces a device's own namesake"
    )
    paused: Annotated[int, Field(ge=1, le=10**12)] | None = Field(
        default=None,
        description="sessions paused at once, all replicas; null = those a full plan leaves waiting: "
        "users x think time / time of an answer",
    )
    draft: ModelSpec | None = Field(
        default=None, description="draft model on the devices of the LM head, whose KV cache sessions keep as well"
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Retention:
        names = [tier.name for tier in self.tiers]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise ValueError(f'tiers[{index}].name: "{name}" is taken by tiers[{names.index(name)}]')
        return self

    @property
    def is_default(self) -> bool:
        """Whether nothing was said: such a retention is no input of its own."""
        return self == Retention()
