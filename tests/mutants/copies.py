"""Mutants that break copies of experts.

Columns: name, plan, changes, checks that must fail.
"""

_LAYOUT = "placement.experts.both.experts_by_rank"

MUTANTS = (
    ("copy dropped", "copied", {_LAYOUT: [[0, 1], [2]]}, ("timing", "occupancy", "money")),
    ("copy twice on a rank", "copied", {_LAYOUT: [[0, 0], [1, 2]]}, ("residency",)),
    ("copy beyond the slots", "copied", {_LAYOUT: [[0, 1, 2], [0, 2]]}, ("residency",)),
    ("copy in place of the last of another", "copied", {_LAYOUT: [[0, 1], [0, 1]]}, ("residency",)),
    ("copy of an expert light enough", "copied", {_LAYOUT: [[0, 1], [1, 2]]}, ("residency",)),
    ("copies where all are equally popular", "copied", {"scenario.workload.routing.counts": [1, 1, 1]}, ("residency",)),
    (
        "copies of the wrong expert for the routing",
        "copied",
        {"scenario.workload.routing.counts": [1, 6, 1]},
        ("residency",),
    ),
    ("slots to spare the space has not", "copied", {"groups.0.spare_slots": 1}, ("space",)),
    (
        "slots to spare that take no bytes",
        "copied",
        {"groups.0.spare_slots": 1, "scenario.space.max_spare_slots": 1},
        ("capacity",),
    ),
    ("copies of an expert that does not exist", "copied", {_LAYOUT: [[0, 3], [0, 3]]}, ("residency",)),
)
