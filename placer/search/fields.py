"""The columns of an option table, by name.

For every layer class a group has the time of its attention block (``attention``), of its FFN with tokens at hand
(``ffn``) and, for a mixture of experts, of all experts for tokens from elsewhere (``direct``), of the cold part and
of the hot part of every split level. An FFN with tokens at hand is ``exchange`` (its all-to-alls, which keep the fabric
busy; ``dispatch`` is the way there) plus ``busy`` (which keeps the devices busy; ``experts`` is what comes between the
all-to-alls). Bytes follow the same names. What drafts tokens is part of the LM head, but for its KV cache and buffers,
``draft_bytes``, which grow with the microbatches in flight.
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
    experts: int
    exchange: int
    dispatch: int
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
    """Column numbers of a table; ``num_base`` is how many there are."""

    classes: tuple[ClassFields, ...]
    embedding: int
    lm_head: int
    embedding_bytes: int
    lm_head_bytes: int
    draft_bytes: int
    gather: int
    buffer_bytes: int
    port: int
    stage_hop: int
    num_base: int


def build_fields(classes: tuple[LayerClass, ...], space: Space) -> Fields:
    """Return the columns for a model's layer classes."""
    numbers = iter(range(10_000))

    def take(count: int) -> tuple[int, ...]:
        return tuple(next(numbers) for _ in range(count))

    def take_one() -> int:
        return next(numbers)

    by_class = []
    for entry in classes:
        levels = len(space.hot_counts(entry.ops.moe.num_experts)) if entry.ops.moe else 0
        by_class.append(
            ClassFields(
                attention=take_one(),
                ffn=take_one(),
                ffn_busy=take_one(),
                experts=take_one(),
                exchange=take_one(),
                dispatch=take_one(),
                direct=take_one(),
                cold=take(levels),
                cold_busy=take(levels),
                cold_exchange=take(levels),
                hot=take(levels),
                attention_bytes=take_one(),
                kv_bytes=take_one(),
                ffn_bytes=take_one(),
                cold_bytes=take(levels),
                hot_bytes=take(levels),
                direct_copies=take_one(),
                hot_copies=take(levels),
            )
        )
    return Fields(
        classes=tuple(by_class),
        embedding=take_one(),
        lm_head=take_one(),
        embedding_bytes=take_one(),
        lm_head_bytes=take_one(),
        draft_bytes=take_one(),
        gather=take_one(),
        buffer_bytes=take_one(),
        port=take_one(),
        stage_hop=take_one(),
        num_base=take_one(),
    )
