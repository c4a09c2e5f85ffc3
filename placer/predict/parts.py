"""Time of a step by op class, floors apart from what grows with work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from enum import StrEnum


class OpClass(StrEnum):
    """What time is reported by."""

    ATTENTION_PROJECTION = "attention_projection"
    ATTENTION_CORE = "attention_core"
    ATTENTION_OUTPUT = "attention_output"
    DENSE_FFN = "dense_ffn"
    ROUTER = "router"
    EXPERTS = "experts"
    SHARED_EXPERTS = "shared_experts"
    EMBEDDING = "embedding"
    LM_HEAD = "lm_head"
    GLUE = "glue"
    ALL_REDUCE = "all_reduce"
    ALL_TO_ALL = "all_to_all"
    PIPELINE = "pipeline"
    STEP_OVERHEAD = "step_overhead"


class Parts:
    """Seconds by op class: launches and latencies, and work."""

    def __init__(self) -> None:
        self.floors_s: defaultdict[OpClass, float] = defaultdict(float)
        self.work_s: defaultdict[OpClass, float] = defaultdict(float)

    def add(self, kind: OpClass, floor_s: float, total_s: float, times: float = 1.0) -> None:
        """Add an op that takes ``total_s``, of which ``floor_s`` whatever its work."""
        self.floors_s[kind] += times * floor_s
        self.work_s[kind] += times * (total_s - floor_s)

    def __iter__(self) -> Iterator[OpClass]:
        """Yield the classes that were added."""
        return iter(dict.fromkeys([*self.floors_s, *self.work_s]))
