"""Mutants of plans for several routings.

Columns: name, plan, changes, checks that must fail.
"""

_ONE = "robust.profiles.1"

MUTANTS = tuple(
    (name, "drifting", changes, ("robust",))
    for name, changes in (
        ("routings asked for, none answered", {"robust": None}),
        ("routing left out", {f"-{_ONE}": None}),
        ("routing of another name", {f"{_ONE}.name": "odd"}),
        ("law of a routing too short", {f"{_ONE}.law_step_time_s": "*0.9"}),
        ("step of a routing below its law", {f"{_ONE}.step_time_s": "*0.9"}),
        ("price of a routing too low", {f"{_ONE}.usd_per_million_output_tokens": "*0.9"}),
        ("loss too small", {f"{_ONE}.loss": 0.5}),
        ("bound of an own plan above its price", {f"{_ONE}.own_bound_usd_per_million_output_tokens": "*2.5"}),
        ("mean of the prices too low", {"robust.usd_per_million_output_tokens": "*0.9"}),
        ("mean of the own plans too low", {"robust.hindsight_usd_per_million_output_tokens": "*0.9"}),
        ("worst instead of mean", {"scenario.robust.objective": "worst"}),
        ("shares that add up to more", {"robust.mixture": [0.5, 0.6]}),
        ("choice left out", {"-robust.choices.1": None}),
        ("price of a choice left out", {"-robust.choices.0.usd_per_million_output_tokens.1": None}),
        ("loss of a choice too small", {"robust.choices.1.worst_loss": 0.5}),
        ("loss of the plan too small", {"robust.worst_loss": 0.1}),
        ("choice misses a routing nobody asked for", {"robust.choices.0.misses": ["odd"]}),
        ("another routing than the one priced", {"scenario.robust.profiles.1.routing.counts": [1, 1, 9]}),
        ("target missed under a routing", {f"{_ONE}.step_time_s": "*1.2"}),
    )
)
