"""Where the step of a plan goes, in parts that sum to it."""

from __future__ import annotations

from placer.compare.subject import Subject
from placer.plan.comparison import TimePair

WAITING = "waiting for turns and other microbatches"
CHUNKS = "chunks of prompts"


def step_parts(of: Subject) -> dict[str, float]:
    """Return the parts of the step time [s]: the critical path by op class, chunks of prompts, and waits.

    What drafts is counted with embedding and LM head, as plans have it.
    """
    time, step = of.context.time, of.metrics.step_time_s
    parts = {
        "attention": time.attention_s,
        "FFN and experts": time.ffn_s,
        "embedding, LM head, drafting": time.embedding_and_head_s,
        "links between groups and stages": time.links_s,
        "floors (launches, latencies)": time.floors_s,
    }
    colocated = None if of.plan.phases is None else of.plan.phases.colocated
    decode = step if colocated is None else colocated.decode_step_s
    parts[WAITING] = decode - sum(parts.values())
    if colocated is not None:
        parts[CHUNKS] = step - decode
    return parts


def time_pairs(a: Subject, b: Subject) -> tuple[TimePair, ...]:
    """Return the parts of both steps."""
    return _paired(step_parts(a), step_parts(b))


def busy_pairs(a: Subject, b: Subject) -> tuple[TimePair, ...]:
    """Return how long every resource is busy in a step."""
    busy = [{each.resource: each.busy_s for each in side.plan.occupancy} for side in (a, b)]
    return _paired(busy[0], busy[1])


def _paired(in_a: dict[str, float], in_b: dict[str, float]) -> tuple[TimePair, ...]:
    names = dict.fromkeys([*in_a, *in_b])
    return tuple(TimePair(name=name, a_s=in_a.get(name), b_s=in_b.get(name)) for name in names)
