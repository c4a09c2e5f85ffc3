"""Check `scenario`: model, fleet, workload and target go together."""

from __future__ import annotations

from collections.abc import Iterator

from placer.scenario.scenario import CHECKS, Scenario
from placer.verify.context import Context
from placer.verify.finding import Finding

NAME = "scenario"
WHAT = "model, fleet, workload and target go together"


def check_scenario(context: Context) -> Iterator[Finding]:
    """Yield what contradicts itself in the question the plan answers."""
    return scenario_findings(context.scenario)


def scenario_findings(scenario: Scenario) -> Iterator[Finding]:
    """Yield what contradicts itself in a scenario."""
    for check in CHECKS:
        for message in check(scenario):
            yield Finding(check=NAME, where="scenario", message=message)
