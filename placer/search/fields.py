"""The columns of an option table, by name.

For every layer class a group has the time of its attention block (``attention``), of its FFN with tokens at hand
(``ffn``) and, for a mixture of experts, of all experts for tokens from elsewhere (``direct``), of the cold part and
of the hot part of every split level. An FFN with tokens at hand is ``exchange`` (its all-to-alls, which keep the fabric
busy) plus ``busy`` (which keeps the devices busy). Bytes follow the same names.
"""

from __future__ import annotations

from dataclasses import dataclass

from placer.graph.layer_class import LayerClass
from placer.scenario.space import Space


@dataclass(frozen=True)
class ClassFields:
    """Column numbers of one layer class; ``cold`` and ``hot`` have one column per split level."""

    attention: int
    ffn: int
    ffn_busy: int
    exchange: int
    direct: int
    cold: tuple[int, ...]
    cold_busy: tuple[int, ...]
    cold_exchange: tuple[int, ...]
    hot: tuple[int, ...]
    attention_bytes: int
    kv_bytes: int
    ffn_bytes: int
    cold_bytes: tuple[int, ...]
    hot_bytes: tuple[int, ...]
    direct_copies: int
    hot_copies: tuple[int, ...]


@dataclass(frozen=True)
class Fields:
    """Column numbers of a table; columns from ``num_base`` on are the first ones divided by the stages."""

    classes: tuple[ClassFields, ...]
    embedding: int
    lm_head: int
    embedding_bytes: int
    lm_head_bytes: int
    gather: int
    buffer_bytes: int
    port: int
    stage_hop: int
    num_base: int

    def per_stage(self, column: int) -> int:
        """Return the column that holds ``column`` divided by the number of stages."""
        return column + self.num_base


def build_fields(classes: tuple[LayerClass, ...], space: Space) -> Fields:
    """Return the columns for a model's layer classes."""
    numbers = iter(range(10_000))

    def take(count: int) -> tuple[int, ...]:
        return tuple(next(numbers) for _ in range(count))

    by_class = []
    for entry in classes:
        levels = len(space.hot_counts(entry.ops.moe.num_experts)) if entry.ops.moe else 0
        times, volumes = take(5), take(3)
        by_class.append(
            ClassFields(
                *times,
                *(take(levels) for _ in range(4)),
                *volumes,
                *(take(levels) for _ in range(2)),
                *take(1),
                take(levels),
            )
        )
    single = take(8)
    return Fields(tuple(by_class), *single, num_base=next(numbers))
