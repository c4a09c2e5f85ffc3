"""Check `colocated`: what chunks of prompts add to decode steps, how long prompts wait, and that there is room."""

from __future__ import annotations

from collections.abc import Iterator

from placer.verify.checks.prefill import first_token_findings
from placer.verify.compare import DERIVED, Figure, Tolerance, mismatch
from placer.verify.finding import Finding
from placer.verify.service import ColocatedView, ServiceView

NAME = "colocated"
WHAT = "chunks between decode steps: what they add, the mean step, load, waits, and room on every stage"


def check_colocated(view: ServiceView) -> Iterator[Finding]:
    """Yield figures of prefill between decode steps that do not follow from placement and chunks."""
    colocated = view.colocated
    if colocated is None:
        return
    stated, where = colocated.stated, "phases.colocated"
    for field, exact, unit in (
        ("decode_step_s", colocated.decode_step_s, "s"),
        ("added_s", colocated.added_s, "s"),
        ("mean_step_s", colocated.mean_step_s, "s"),
        ("load", colocated.lanes.load(colocated.replica_prompts_per_s), ""),
    ):
        yield from mismatch(NAME, Figure(f"{where}.{field}", getattr(stated, field), exact, unit), DERIVED)
    yield from first_token_findings(NAME, where, stated.first_token, colocated.first_token)
    yield from _check_memory(where, colocated)


def _check_memory(where: str, colocated: ColocatedView) -> Iterator[Finding]:
    held, layers = colocated.held_by_stage, len(colocated.decode.placement.layers)
    most, decode = max(held), colocated.decode
    rounded = Tolerance(below=1e-9, above=1e-9 + layers * decode.batch.microbatches_in_flight / max(most, 1.0))
    yield from mismatch(NAME, Figure(f"{where}.held_bytes", colocated.stated.held_bytes, most, "B"), rounded)
    for memory in decode.memory:
        role, stage = memory.place
        device = decode.groups[role].device
        if memory.total + held[stage] > device.usable_bytes + memory.items:
            yield Finding(
                check=NAME,
                where=f"{where}.held_bytes",
                message=f"does not fit beside decode on stage {stage}",
                expected=f"at most {device.usable_bytes - memory.total:.0f} B",
                found=f"{held[stage]:.0f} B",
            )
