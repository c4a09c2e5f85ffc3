"""Options shared by the commands that ask what if: the question, how hard to search, where answers are kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from placer.cli.service import Phase
from placer.errors import InputError

if TYPE_CHECKING:
    from placer.scenario.scenario import Scenario

ModelArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL", help="Catalog id, alias, path of a config.json or model file; needed unless --plan is given."
    ),
]
FleetOption = Annotated[
    str | None,
    typer.Option(metavar="FLEET", help="Catalog name, or path of a fleet file; needed unless --plan is given."),
]
SpeedOption = Annotated[
    float | None,
    typer.Option(metavar="RATE", help="Tokens per second every user must get; needed unless --plan is given."),
]
PlanOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Take the whole question from a plan, with everything placer plan was told; no other option about the "
        "question goes with it.",
    ),
]
IslOption = Annotated[
    str | None, typer.Option(metavar="TOKENS", help="Input tokens of a request, such as 8192 or 8k; 8192 by default.")
]
RoutingOption = Annotated[
    str | None,
    typer.Option(metavar="PROFILE", help="How tokens spread over experts, as with placer plan; uniform by default."),
]
SavingOption = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE", help="A pool pays where it saves more than this share of the cost; 0.01, or the gap if larger."
    ),
]
#: What a pool must save to pay, where the gap is no larger.
SAVING = 0.01


@dataclass(frozen=True)
class Asked:
    """The options about the question, as given."""

    model: str | None
    fleet: str | None
    tps_user: float | None
    plan: Path | None
    isl: str | None = None
    osl: str | None = None
    phase: Phase | None = None
    ttft: str | None = None
    tps: float | None = None
    routing: str | None = None
    weights: str | None = None
    experts: str | None = None
    kv: str | None = None


def scenario_of(asked: Asked) -> Scenario:
    """Return the question that options, or a plan file, ask.

    Raises
    ------
    InputError
        Naming what is missing, wrong, or said twice.
    """
    if asked.plan is not None:
        return _scenario_of_plan(asked, asked.plan)
    if asked.model is None or asked.fleet is None or asked.tps_user is None:
        given = {"argument MODEL": asked.model, "option --fleet": asked.fleet, "option --tps-user": asked.tps_user}
        missing = ", ".join(name for name, value in given.items() if value is None)
        raise InputError(f"missing {missing} (or --plan FILE)", where="question")
    from placer.api import build_scenario
    from placer.cli import service as whole
    from placer.cli import workload as given_workload
    from placer.cli.precision import with_formats
    from placer.model.catalog import load_model

    workload = given_workload.lengths(asked.isl, asked.osl, None)
    workload["routing"] = given_workload.routing(asked.routing or "uniform")
    target: dict[str, object] = {"tokens_per_s_per_user": asked.tps_user, "tokens_per_s": asked.tps}
    spec = with_formats(load_model(asked.model), weights=asked.weights, experts=asked.experts, kv=asked.kv)
    service = whole.service(asked.phase, None, {"ttft": asked.ttft}, has_several_routings=False)
    scenario = build_scenario(spec, asked.fleet, workload=workload, target=target)
    return scenario.model_copy(update={"service": service})


def _scenario_of_plan(asked: Asked, path: Path) -> Scenario:
    from placer.plan.files import load_plan

    options = {"model": "MODEL"} | {
        name: f"--{name.replace('_', '-')}" for name in vars(asked) if name not in {"model", "plan"}
    }
    for name, option in options.items():
        if getattr(asked, name) is not None:
            raise InputError("does not go with --plan: the plan has the whole question in it", where=option)
    return load_plan(path).scenario


def saving_or_default(saving: float | None, gap: float) -> float:
    """Return what a pool must save to pay: as given, else one percent, or the gap where that is larger."""
    if saving is not None:
        return saving
    return 0.0 if gap == 0.0 else max(SAVING, gap)
