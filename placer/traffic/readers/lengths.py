"""Lengths given by hand, in YAML or JSON: a list of requests with weights, or a lognormal law each.

``requests: [[input, output, weight], ...]``, or ``input: {mean: 8000, cv: 0.8}`` and ``output: {mean: 500, cv: 1}``.
"""

from __future__ import annotations

import re
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from placer.parse import parse_mapping
from placer.traffic.source import TraceSource
from placer.traffic.trace import MOST_TOKENS, Lognormal, LognormalLengths, Trace, Traffic, read_only
from placer.validate import validated

NAME = "lengths"
ABOUT = "YAML or JSON with requests: [[input, output, weight], ...], or input and output: {mean, cv}"

_TOP_LEVEL = re.compile(r"^(?:\s*\{\s*)?[\"']?(?:requests|input|output)[\"']?\s*:", re.MULTILINE)

InputTokens = Annotated[int, Field(strict=True, ge=0, le=MOST_TOKENS)]
OutputTokens = Annotated[int, Field(strict=True, ge=1, le=MOST_TOKENS)]
Weight = Annotated[float, Field(strict=True, gt=0, le=1e12, allow_inf_nan=False)]


class LengthLaw(BaseModel):
    """A lognormal law."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean: Annotated[float, Field(strict=True, ge=1, le=MOST_TOKENS, allow_inf_nan=False, description="[tokens]")]
    cv: Annotated[
        float, Field(strict=True, ge=0, le=10, allow_inf_nan=False, description="standard deviation over mean")
    ]


class LengthsFile(BaseModel):
    """What a user writes: `requests`, or `input` and `output`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: tuple[tuple[InputTokens, OutputTokens, Weight], ...] | None = Field(default=None, min_length=1)
    input: LengthLaw | None = None
    output: LengthLaw | None = None

    @model_validator(mode="after")
    def _one_form(self) -> LengthsFile:
        given = tuple(field is not None for field in (self.requests, self.input, self.output))
        if given not in {(True, False, False), (False, True, True)}:
            raise ValueError("expected either requests, or both input and output")
        return self


def matches(head: str) -> bool:
    """Return whether a file that starts like this is one of lengths."""
    return bool(_TOP_LEVEL.search(head))


def read(source: TraceSource) -> Traffic:
    """Return what the file says about lengths.

    Raises
    ------
    InputError
        With the field for whatever is not as expected.
    """
    lengths = validated(LengthsFile, parse_mapping(source.text(), source.where), source.where)
    if lengths.input and lengths.output:
        prompt, answer = lengths.input, lengths.output
        return LognormalLengths(Lognormal(prompt.mean, prompt.cv), Lognormal(answer.mean, answer.cv))
    inputs, outputs, weights = zip(*(lengths.requests or ()), strict=True)
    return Trace(
        input_tokens=read_only(inputs, np.int64),
        output_tokens=read_only(outputs, np.int64),
        weight=read_only(weights, np.float64),
    )
