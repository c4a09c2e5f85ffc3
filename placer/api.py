"""The library: nine functions, typed results.

>>> from placer import lower
>>> lower("llama-3.1-8b").parameters.total
8030261248
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from placer.catalog.fleet import Fleet
from placer.catalog.loader import load_fleet
from placer.certify import certify
from placer.compare.compare import compare_plans
from placer.errors import ScenarioError
from placer.files import write_atomic
from placer.graph.lower import lower as lower_model
from placer.kv.ask import kv_tiers
from placer.model.catalog import load_model
from placer.model.spec import ModelSpec
from placer.plan.comparison import Comparison
from placer.plan.files import load_plan
from placer.plan.plan import Plan
from placer.predict.ask import predict
from placer.progress import ProgressSink, ignore
from placer.report.lowering_json import Lowering, summarize
from placer.scenario.retention import Retention
from placer.scenario.robust import Robust
from placer.scenario.scenario import Scenario
from placer.scenario.service import Service
from placer.scenario.space import Space
from placer.scenario.speculation import Speculation
from placer.scenario.workload import Target, Workload
from placer.simulate.outcome import Mode, SimulationReport
from placer.simulate.simulate import DEFAULT_JITTER, DEFAULT_STEPS, Options, simulate_plan
from placer.validate import validated
from placer.verify.finding import VerificationReport

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from placer.balance.result import BalanceReport

__all__ = [
    "balance",
    "build_scenario",
    "compare",
    "kv_tiers",
    "load_fleet",
    "load_model",
    "lower",
    "plan",
    "plan_scenario",
    "predict",
    "simulate",
    "verify",
]

#: Gap at which a search stops unless told otherwise.
DEFAULT_GAP = 0.009


def lower(model: ModelSpec | str, *, context: int = 8192, batch: int = 1) -> Lowering:
    """Lower a model and return what it weighs and costs.

    Parameters
    ----------
    model
        A spec, a catalog id or alias, or the path of a ``config.json``.
    context, batch
        Tokens in the KV cache, and sequences decoded together.

    Returns
    -------
    Lowering
        The contents of ``placer lower --json``.

    Raises
    ------
    InputError
        If there is no such model, or it cannot be lowered exactly.
    """
    return summarize(lower_model(_model(model)), context=context, batch=batch)


def build_scenario(  # noqa: PLR0913 the question has this many parts, all but the first four with defaults
    model: ModelSpec | str,
    fleet: Fleet | str,
    *,
    workload: dict[str, object],
    target: dict[str, object],
    retention: dict[str, object] | None = None,
    robust: dict[str, object] | None = None,
    speculation: dict[str, object] | None = None,
    space: dict[str, object] | None = None,
    service: dict[str, object] | None = None,
) -> Scenario:
    """Return a question to the planner.

    Parameters
    ----------
    model, fleet
        Objects, catalog names or paths.
    workload
        Fields of `placer.scenario.workload.Workload`; ``input_tokens`` and ``output_tokens`` are needed.
    target
        Fields of `placer.scenario.workload.Target`; ``tokens_per_s_per_user`` is needed.
    retention
        Fields of `placer.scenario.retention.Retention`, for workloads with ``sessions``.
    robust
        Fields of `placer.scenario.robust.Robust`, for several routings at once.
    speculation
        Fields of `placer.scenario.speculation.Speculation`, for plans that may draft tokens.
    service
        Fields of `placer.scenario.service.Service`, for plans of the whole service; decode only where None.
    space
        Fields of `placer.scenario.space.Space`; those left out have their defaults.

    Raises
    ------
    InputError
        Naming the field that is wrong.
    """
    return Scenario(
        model=_model(model),
        fleet=load_fleet(fleet) if isinstance(fleet, str) else fleet,
        workload=validated(Workload, workload, "workload"),
        target=validated(Target, target, "target"),
        retention=validated(Retention, retention or {}, "retention"),
        robust=None if robust is None else validated(Robust, robust, "robust"),
        speculation=None if speculation is None else validated(Speculation, speculation, "speculation"),
        service=None if service is None else validated(Service, service, "service"),
        space=validated(Space, space or {}, "space"),
    )


def plan(  # noqa: PLR0913 the question has this many parts, all but the first five with defaults
    model: ModelSpec | str,
    fleet: Fleet | str,
    *,
    tps_user: float,
    isl: int,
    osl: int,
    tps: float | None = None,
    ttft: str | None = None,
    decode_only: bool = False,
    budget_s: float = 60.0,
    gap: float = DEFAULT_GAP,
    seed: int = 0,
    progress: ProgressSink = ignore,
) -> Plan:
    """Plan the service of a model on a fleet at a target speed, for the least cost per request.

    Parameters
    ----------
    model, fleet
        Objects, catalog names or paths.
    tps_user
        Tokens per second every user must get.
    isl, osl
        Input and output tokens of a request.
    tps
        Tokens per second the fleet must serve; as many as are cheapest where None.
    ttft
        Most mean time to first token, such as ``"2 s"``; any where None.
    decode_only
        Leave prefill out, for the least cost per output token.
    budget_s
        Wall seconds for the search.
    gap
        Relative gap between plan and bound at which the search stops; 0 asks for proof.
    seed
        Of CP-SAT.
    progress
        Told of incumbents and bounds.

    Returns
    -------
    Plan
        With status ``planned``, ``infeasible`` or ``undecided``; its JSON is that of ``placer plan --json``.

    Raises
    ------
    InputError
        If a name is unknown, a figure absurd, or the parts do not go together.
    """
    scenario = build_scenario(
        model,
        fleet,
        workload={"input_tokens": isl, "output_tokens": osl},
        target={"tokens_per_s_per_user": tps_user, "tokens_per_s": tps},
        service=None if decode_only else {"ttft": ttft},
    )
    return plan_scenario(scenario, budget_s=budget_s, gap=gap, seed=seed, progress=progress)


def plan_scenario(
    scenario: Scenario,
    *,
    budget_s: float = 60.0,
    gap: float = DEFAULT_GAP,
    seed: int = 0,
    progress: ProgressSink = ignore,
) -> Plan:
    """Plan a scenario; see `plan` for the parameters.

    Raises
    ------
    ScenarioError
        If the parts do not go together, or a parameter is out of range.
    """
    from placer.planner.speculate import plan_any  # noqa: PLC0415 loads the solver
    from placer.search.params import SolveParams  # noqa: PLC0415

    if not (0.0 <= gap < 1.0):
        raise ScenarioError(f"expected a share in [0, 1), got {gap!r}", where="gap")
    if not (0.0 < budget_s <= 1e6):
        raise ScenarioError(f"expected seconds between 0 and 1e6, got {budget_s!r}", where="budget_s")
    params = SolveParams(relative_gap=gap, budget_s=budget_s, seed=seed)
    if scenario.robust is not None:
        from placer.robust.choose import plan_robust  # noqa: PLC0415 loads the solver

        return plan_robust(scenario, params, progress)
    return plan_any(scenario, params, progress)


def balance(  # noqa: PLR0913 the question has this many parts, all but the first three with defaults
    counts: NDArray[np.float64] | ArrayLike,
    ranks: int,
    slots: int,
    nodes: int = 1,
    affinity: NDArray[np.float64] | None = None,
    *,
    groups: int | None = None,
    seed: int = 0,
    work: float = 1.0,
) -> BalanceReport:
    """Place and replicate experts on the ranks of an expert-parallel group, layer by layer, with a proven bound.

    Parameters
    ----------
    counts : ndarray, shape (layers, experts)
        Tokens routed to every expert.
    ranks, slots
        Expert-parallel ranks, and slots for experts on all of them: as many on each.
    nodes
        Nodes of equally many ranks.
    affinity : ndarray, shape (layers - 1, experts, experts)
        Tokens that chose an expert in a layer and another in the next.
    groups
        Expert groups that routing keeps together (8 in DeepSeek-V3); none where None.
    seed
        Of the random choices.
    work
        How long to search, relative to the default.

    Returns
    -------
    BalanceReport
        The contents of ``placer balance --json``.

    Raises
    ------
    InputError
        Naming the argument that is wrong, and what was expected.

    Examples
    --------
    >>> report = balance([[8.0, 3.0, 2.0, 1.0]], ranks=2, slots=4)
    >>> report.max_load, report.bound, report.layers[0].physical_to_logical
    (9.0, 9.0, (0, 3, 1, 2))
    """
    from placer.balance.report import balance_layers  # noqa: PLC0415 a package of the same name as this function

    return balance_layers(counts, ranks, slots, nodes, affinity, groups=groups, seed=seed, work=work)


def verify(plan: Plan | Path | str) -> VerificationReport:
    """Check a plan: re-derive every number from the plan alone, with code the search has no part in, and simulate it.

    Parameters
    ----------
    plan
        A plan, or the path of its file.

    Raises
    ------
    InputError
        If the file is no plan; a plan that is wrong gives a report that says so.
    """
    return certify(plan if isinstance(plan, Plan) else load_plan(Path(plan)))


def compare(a: Plan | Path | str, b: Plan | Path | str) -> Comparison:
    """Compare two plans: what differs, why one is cheaper, what is proven of it, what moving from a to b takes.

    Parameters
    ----------
    a, b
        Plans or refusals, or the paths of their files; of any two questions.

    Returns
    -------
    Comparison
        The contents of ``placer compare --json``.

    Raises
    ------
    InputError
        If a file is no plan, or a plan is rejected by `verify`.
    """
    plans = [side if isinstance(side, Plan) else load_plan(Path(side)) for side in (a, b)]
    labels = [name if isinstance(side, Plan) else str(side) for name, side in (("a", a), ("b", b))]
    return compare_plans(plans[0], plans[1], (labels[0], labels[1]))


def simulate(
    plan: Plan | Path | str,
    *,
    deterministic: bool = False,
    steps: int = DEFAULT_STEPS,
    seed: int = 0,
    jitter: float = DEFAULT_JITTER,
    trace: Path | str | None = None,
) -> SimulationReport:
    """Simulate the placed shards of a plan, event by event.

    Parameters
    ----------
    plan
        A plan, or the path of its file.
    deterministic
        Take the times of the cost model, and run until steps repeat themselves; nothing is drawn.
    steps, seed, jitter
        Steps of every microbatch to measure, the seed of the draws, and the relative standard deviation of op times.
    trace
        Where to write a timeline of two steps that opens in Perfetto.

    Returns
    -------
    SimulationReport
        The contents of ``placer simulate --json``.

    Raises
    ------
    InputError
        If there is no such plan, it has no placement, or a parameter is out of range.
    """
    mode = Mode.DETERMINISTIC if deterministic else Mode.STOCHASTIC
    options = Options(mode=mode, steps=steps, seed=seed, jitter=jitter)
    outcome = simulate_plan(plan if isinstance(plan, Plan) else load_plan(Path(plan)), options)
    if trace is not None:
        write_atomic(Path(trace), outcome.trace.text())
    return outcome.report


def _model(model: ModelSpec | str) -> ModelSpec:
    return load_model(model) if isinstance(model, str) else model
