"""The declared decision space: every bound a plan reports holds over exactly this set of plans."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.catalog.fleet import Pool

#: Most shares the experts of a layer may be split into.
MOST_SPLIT_PARTS = 64
#: Most slots of a rank for copies of experts.
MOST_SPARE_SLOTS = 64


class Space(BaseModel):
    """Limits of what is searched; ``docs/method.md`` section 2 spells the space out.

    A replica has one group, or two of different pools (``max_groups``). A group is a number of pipeline
    stages of equal width. Experts of a split layer are divided in ``split_parts`` equal shares, the hottest
    on the sidecar. With ``context_parallel``, tensor-parallel ranks that would keep copies of the same KV cache may
    each keep part of every sequence instead. Where experts are not equally popular, those heavier than the mean rank
    may have copies in slots that are left.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_groups: Annotated[int, Field(ge=1, le=2)] = Field(default=2, description="groups of a replica")
    max_microbatches: Annotated[int, Field(ge=1, le=512)] = Field(default=128, description="microbatches in flight")
    max_rank_batch: Annotated[int, Field(ge=1, le=65_536)] = Field(
        default=8_192, description="sequences of a data-parallel rank"
    )
    max_stages: Annotated[int, Field(ge=1, le=2_000)] = Field(default=128, description="pipeline stages of a group")
    max_width: Annotated[int, Field(ge=1, le=1_000_000)] = Field(default=1_000_000, description="devices of a stage")
    split_parts: Annotated[int, Field(ge=1, le=MOST_SPLIT_PARTS)] = Field(
        default=4, description="equal shares experts of a layer may be split into"
    )
    context_parallel: bool = Field(
        default=True, description="whether sequences may be cut over ranks that would keep copies of their KV cache"
    )

    max_spare_slots: Annotated[int, Field(ge=0, le=MOST_SPARE_SLOTS)] = Field(
        default=0, description="slots for copies of experts on a rank, beyond the fewest that hold all experts once"
    )

    def hashed_json(self) -> str:
        """Return the JSON text whose hash plans state: what there was not before is left out where it is not used."""
        unused = {
            "context_parallel": not self.context_parallel,
            "max_spare_slots": not self.max_spare_slots,
        }
        return self.model_dump_json(exclude={name for name, is_unused in unused.items() if is_unused})

    def widths(self, pool: Pool) -> tuple[int, ...]:
        """Return the widths a stage may have.

        Inside a scale-up domain: divisors of the domain and powers of two; beyond it: whole domains.
        """
        inside = min(pool.domain, pool.count)
        narrow = {width for width in range(1, inside + 1) if pool.domain % width == 0}
        narrow |= {1 << bit for bit in range(inside.bit_length()) if 1 << bit <= inside}
        wide = range(pool.domain, pool.count + 1, pool.domain) if pool.count > pool.domain else ()
        return tuple(sorted(width for width in narrow.union(wide) if width <= self.max_width))

    def stage_counts(self, num_layers: int) -> tuple[int, ...]:
        """Return the stage counts that matter: up to eight, and those that shorten the longest stage.

        One or two stages more than layers leave embedding and LM head a stage of their own.
        """
        counts = set(range(1, min(8, num_layers) + 1)) | {num_layers + 1, num_layers + 2}
        counts |= {-(-num_layers // size) for size in range(1, num_layers + 1)}
        return tuple(sorted(count for count in counts if count <= self.max_stages))

    def microbatches(self, stages: Iterable[int]) -> tuple[int, ...]:
        """Return how many microbatches groups of so many stages may have in flight.

        No more than a group has stages, or as many for each of them.
        """
        counts = tuple(stages)
        every = range(1, self.max_microbatches + 1)
        return tuple(number for number in every if all(number <= count or number % count == 0 for count in counts))

    def hot_counts(self, num_experts: int) -> tuple[int, ...]:
        """Return how many of the hottest experts of a layer may go to the sidecar."""
        shares = {num_experts * part // self.split_parts for part in range(1, self.split_parts)}
        return tuple(sorted(count for count in shares if 0 < count < num_experts))
