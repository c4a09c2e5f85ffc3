"""Speculative decoding: who drafts, how far, and how much of a draft is accepted."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from itertools import pairwise
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from placer.model.spec import ModelSpec

#: Tokens drafted at most; more are a slip of the pen.
MOST_DRAFT_TOKENS = 64
#: Tokens drafted at most unless told otherwise: beyond, another accepted token is rare (0.8 ** 9 = 13 %).
DEFAULT_DRAFT_TOKENS = 8
#: Modules for multi-token prediction a model may have.
MOST_MODULES = 16

Chance = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Chances = Annotated[tuple[Chance, ...], Field(min_length=1, max_length=MOST_DRAFT_TOKENS)]
Depth = Annotated[int, Field(ge=1, le=MOST_DRAFT_TOKENS)]
Lengths = Annotated[
    dict[Depth, Annotated[float, Field(ge=1.0, le=MOST_DRAFT_TOKENS + 1.0, allow_inf_nan=False)]],
    Field(min_length=1),
]


class DrafterKind(StrEnum):
    """Who drafts."""

    MTP = "mtp"
    MODEL = "model"


class Speculation(BaseModel):
    """Drafting ``g`` tokens and verifying them in one step; ``g`` is chosen by the search, 0 included.

    A step passes ``g + 1`` tokens of every sequence through the model and gains ``E`` of them on average
    (`gained`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: DrafterKind = Field(description="mtp = modules of the model's own, each like its last layer; or a model")
    draft: ModelSpec | None = Field(default=None, description="the draft model, in full; null for mtp")
    modules: Annotated[int, Field(ge=1, le=MOST_MODULES)] = Field(
        default=1, description="modules of mtp, run one after the other, the last of them for all further tokens"
    )
    acceptance: Chance | Chances | Lengths = Field(
        description="chance that a drafted token is accepted if all before it were: one for all, or one for each; or "
        "tokens gained a step by tokens drafted"
    )
    pool: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="pool whose devices draft; null = the devices of the LM head"
    )
    overlap: bool = Field(
        default=False, description="draft for the next step while this one is verified; on a pool of its own only"
    )
    max_draft_tokens: Annotated[int, Field(ge=1, le=MOST_DRAFT_TOKENS)] = Field(
        default=DEFAULT_DRAFT_TOKENS, description="most tokens drafted"
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> Speculation:
        if (self.draft is None) is (self.kind is DrafterKind.MODEL):
            raise ValueError("draft: expected a model with kind model, and none with kind mtp")
        if self.kind is DrafterKind.MODEL and self.modules != 1:
            raise ValueError("modules: a draft model has none, expected 1")
        if self.pool is not None and self.kind is DrafterKind.MTP:
            raise ValueError("pool: modules of mtp need hidden states, not only token ids; expected kind model")
        if self.overlap and self.pool is None:
            raise ValueError("overlap: expected a pool of its own; devices of the LM head cannot do both at once")
        if isinstance(self.acceptance, Mapping):
            _assert_lengths(self.acceptance)
        return self

    @property
    def depths(self) -> tuple[int, ...]:
        """Numbers of tokens that may be drafted, 0 (none) first; only those whose acceptance is known."""
        most = self.max_draft_tokens
        if isinstance(self.acceptance, Mapping):
            return (0, *(depth for depth in sorted(self.acceptance) if depth <= most))
        if isinstance(self.acceptance, tuple):
            most = min(most, len(self.acceptance))
        return tuple(range(most + 1))

    def gained(self, depth: int) -> float:
        """Return the tokens a sequence gains in a step, on average, with so many drafted.

        The accepted ones, and one of the model's own: ``1 + a_1 + a_1 a_2 + ...``, which is
        ``(1 - a^(g+1)) / (1 - a)`` for one chance ``a`` (Leviathan et al., arXiv 2211.17192, eq. 1).

        Raises
        ------
        KeyError
            If a table does not say.

        Examples
        --------
        >>> [round(Speculation(kind="mtp", acceptance=0.8).gained(depth), 2) for depth in (0, 2, 4)]
        [1.0, 2.44, 3.36]
        """
        if depth == 0:
            return 1.0
        if isinstance(self.acceptance, Mapping):
            return self.acceptance[depth]
        chances = self.acceptance if isinstance(self.acceptance, tuple) else (self.acceptance,) * depth
        total, all_accepted = 1.0, 1.0
        for chance in chances[:depth]:
            all_accepted *= chance
            total += all_accepted
        return total


def _assert_lengths(lengths: Mapping[int, float]) -> None:
    """Refuse a table that no acceptance can give."""
    for depth, length in lengths.items():
        if length > depth + 1:
            raise ValueError(f"acceptance: {depth} drafted tokens gain at most {depth + 1} a step, got {length:g}")
    for before, after in pairwise(sorted(lengths)):
        if lengths[after] < lengths[before]:
            raise ValueError(f"acceptance: {after} drafted tokens gain no less than {before}, got {lengths[after]:g}")
