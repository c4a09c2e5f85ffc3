"""A decoder as data: what ``graphs/`` holds and every reader returns."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from placer.errors import nearest_hint
from placer.model.ffn import Ffn
from placer.model.mixer import Mixer
from placer.model.precision import Precision

MAX_LAYERS = 2_000
MAX_OPS = 200_000
_Names = Field(min_length=1, max_length=64)
_Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class LayerKind(BaseModel):
    """Which mixer and which FFN make up a layer, by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mixer: str
    ffn: str


class LayerRun(BaseModel):
    """A pattern of layers, repeated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repeat: Annotated[int, Field(ge=1, le=MAX_LAYERS, strict=True)]
    pattern: Annotated[tuple[LayerKind, ...], Field(min_length=1)]


class ExpectedParameters(BaseModel):
    """Parameter counts the lowering must reproduce, from a source other than placer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    total: int
    active: int | None = Field(default=None, description="touched by one token, input embedding included")
    source: str


class ModelSpec(BaseModel):
    """A decoder: layers in order, vocabulary, storage formats, and where the facts come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _Text
    aliases: tuple[_Text, ...] = ()
    source: str = Field(description="where the configuration was read")
    hidden_size: Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
    vocab_size: Annotated[int, Field(ge=1, le=100_000_000, strict=True)]
    max_context: Annotated[int, Field(ge=1, le=10**12, strict=True)] | None = None
    tie_word_embeddings: bool = False
    norm_bias: bool = Field(default=False, description="norms of layers and of the head have a bias (LayerNorm)")
    lm_head_bias: bool = False
    residual_streams: Annotated[int, Field(ge=1, le=64, strict=True)] = Field(
        default=1, description="parallel residual streams, mixed before and after every block (hyper-connections)"
    )
    mixers: Annotated[dict[str, Mixer], _Names]
    ffns: Annotated[dict[str, Ffn], _Names]
    layers: Annotated[tuple[LayerRun, ...], Field(min_length=1)]
    precision: Precision = Precision()
    expected: ExpectedParameters | None = None
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _kinds_exist(self) -> ModelSpec:
        for run in self.layers:
            for kind in run.pattern:
                if kind.mixer not in self.mixers:
                    raise ValueError(f'layers: unknown mixer "{kind.mixer}"{nearest_hint(kind.mixer, self.mixers)}')
                if kind.ffn not in self.ffns:
                    raise ValueError(f'layers: unknown ffn "{kind.ffn}"{nearest_hint(kind.ffn, self.ffns)}')
        if self.num_layers > MAX_LAYERS:
            raise ValueError(f"layers: {self.num_layers} of them, at most {MAX_LAYERS}")
        num_experts = {name: ffn.num_experts for name, ffn in self.ffns.items() if ffn.kind == "moe"}
        num_ops = sum(run.repeat * (num_experts.get(kind.ffn, 1) + 5) for run in self.layers for kind in run.pattern)
        if num_ops > MAX_OPS:
            raise ValueError(f"layers: {num_ops} ops, experts included; at most {MAX_OPS}")
        return self

    @property
    def norm_size(self) -> int:
        """Parameters of one norm of the hidden state."""
        return self.hidden_size * (2 if self.norm_bias else 1)

    @property
    def num_layers(self) -> int:
        """Number of decoder layers."""
        return sum(run.repeat * len(run.pattern) for run in self.layers)

    def layer_kinds(self) -> tuple[LayerKind, ...]:
        """Return the kind of every layer, in order."""
        return tuple(kind for run in self.layers for _ in range(run.repeat) for kind in run.pattern)


#: Longest pattern that is looked for in the layers of a model.
_LONGEST_PERIOD = 16


def runs_of(kinds: list[LayerKind]) -> tuple[LayerRun, ...]:
    """Compress a list of layer kinds into runs: from the front, the repeated pattern that covers most.

    >>> a, b = LayerKind(mixer="a", ffn="f"), LayerKind(mixer="b", ffn="f")
    >>> [(run.repeat, len(run.pattern)) for run in runs_of([a, a, a, b, a, b, a])]
    [(3, 1), (2, 2)]
    """
    runs: list[LayerRun] = []
    start = 0
    while start < len(kinds):
        repeat, period = max(
            ((_repeats(kinds, start, period), period) for period in range(1, _LONGEST_PERIOD + 1)),
            key=lambda one: (one[0] * one[1] if one[0] > 1 else 1, -one[1]),
        )
        if repeat == 1:
            period = 1
        runs.append(LayerRun(repeat=repeat, pattern=tuple(kinds[start : start + period])))
        start += repeat * period
    return tuple(runs)


def _repeats(kinds: list[LayerKind], start: int, period: int) -> int:
    """Return how often the pattern of some length that begins at a layer comes in a row."""
    pattern, end = kinds[start : start + period], start + period
    repeat = 1
    while len(pattern) == period and kinds[end : end + period] == pattern:
        repeat, end = repeat + 1, end + period
    return repeat
