"""Check `order`: layers are dealt to stages in order, embedding first, LM head last."""

from __future__ import annotations

from collections.abc import Iterator

from placer.plan.placement import Location, Role
from placer.verify.context import Context
from placer.verify.finding import Finding

NAME = "order"
WHAT = "later layers lie in later stages; embedding in the first stage of its group, LM head in the last"


def check_order(context: Context) -> Iterator[Finding]:
    """Yield layers that go back to an earlier stage, and a misplaced embedding or LM head."""
    reached: dict[Role, int] = {}
    for placed in context.placement.layers:
        for at in (placed.attention, *(part.at for part in placed.ffn)):
            if at.stage < reached.get(at.role, 0):
                yield Finding(
                    check=NAME,
                    where=f"placement.layers[{placed.layer}]",
                    message=f"goes back to an earlier stage of the {at.role}",
                    expected=f"stage {reached[at.role]} or later",
                    found=f"stage {at.stage}",
                )
            reached[at.role] = max(at.stage, reached.get(at.role, 0))
    yield from _check_end(context, "embedding", context.placement.embedding, 0)
    head = context.placement.lm_head
    if head.role in context.groups:
        last = context.groups[head.role].shape.stages - 1
        yield from _check_end(context, "lm_head", head, last)


def _check_end(context: Context, name: str, at: Location, stage: int) -> Iterator[Finding]:
    exists = at.role in context.groups and at.stage < context.groups[at.role].shape.stages
    if exists and at.stage != stage:
        yield Finding(
            check=NAME,
            where=f"placement.{name}",
            message=f"not in the {'first' if name == 'embedding' else 'last'} stage of its group",
            expected=f"stage {stage}",
            found=f"stage {at.stage}",
        )
