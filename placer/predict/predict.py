"""Predicting TTFT, TPOT, rates and memory of a configuration: no search."""

from __future__ import annotations

from dataclasses import dataclass

from placer.catalog.engine import ServingEngine
from placer.catalog.fleet import Fleet
from placer.catalog.loader import load_engine
from placer.cost.group import Group
from placer.errors import InputError
from placer.graph.model_graph import ModelGraph
from placer.predict.configuration import Configuration
from placer.predict.hardware import group_of
from placer.predict.memory import MemoryModel
from placer.predict.parts import OpClass, Parts
from placer.predict.prediction import Prediction
from placer.predict.step import Prompts, StepModel
from placer.scenario.routing import RoutingProfile

#: Prefill may claim this share of an engine's time before its queue counts as endless.
_MOST_BUSY = 0.9

#: Which factor of the engine an op class is scaled with; the rest with that of matrices.
_FACTORS = {
    OpClass.ATTENTION_CORE: "attention",
    OpClass.EXPERTS: "experts",
    OpClass.ALL_REDUCE: "collectives",
    OpClass.ALL_TO_ALL: "collectives",
    OpClass.PIPELINE: "collectives",
}


@dataclass(frozen=True)
class Steps:
    """Kernel times of a configuration, before the engine's figures are applied.

    Attributes
    ----------
    decode, prefill
        One decode step of the running requests; the prefill of one prompt on every data-parallel rank.
    num_layers, running, concurrency
        Layers; requests that decode on each data-parallel rank; requests in the replica.
    layer_overhead_s
        The device's own, or None.
    output_tokens, ranks
        Of a request; data-parallel ranks.
    is_prefill_elsewhere
        Whether decode steps are free of prefill.
    """

    decode: Parts
    prefill: Parts
    num_layers: int
    running: float
    concurrency: int
    layer_overhead_s: float | None
    output_tokens: int
    ranks: int
    is_prefill_elsewhere: bool


@dataclass(frozen=True)
class Times:
    """TTFT and TPOT, and what they are made of."""

    ttft_s: float
    tpot_s: float
    decode_s: dict[OpClass, float]
    prefill_s: dict[OpClass, float]


def kernel_steps(
    model: ModelGraph, group: Group, configuration: Configuration, running: int, routing: RoutingProfile
) -> Steps:
    """Return the kernel times of a configuration with so many requests running on each data-parallel rank."""
    step = StepModel(model, group, routing)
    context = configuration.isl + configuration.osl // 2
    return Steps(
        decode=step.decode(max(1.0, running / configuration.pp), context),
        prefill=step.prefill(Prompts(1.0, configuration.isl)),
        num_layers=len(model.layer_ops),
        running=running,
        concurrency=configuration.concurrency,
        layer_overhead_s=group.device.layer_overhead,
        output_tokens=configuration.osl,
        ranks=configuration.dp,
        is_prefill_elsewhere=configuration.is_prefill_elsewhere,
    )


def times(steps: Steps, engine: ServingEngine) -> Times:
    """Return TTFT and TPOT of a configuration on an engine.

    A decode step is the scaled time of its kernels, an overhead per layer, per step and per request. Where the same
    devices prefill, each of a request's output tokens waits for ``(running - 1) / osl`` prompts of the others.
    """
    decode = _scaled(steps.decode, engine)
    per_layer = engine.layer_overhead if steps.layer_overhead_s is None else steps.layer_overhead_s
    decode[OpClass.GLUE] = steps.num_layers * per_layer
    decode[OpClass.STEP_OVERHEAD] = engine.step_overhead + steps.running * engine.sequence_overhead
    step_s = sum(decode.values())
    prefill_work, prefill_floors = sum(steps.prefill.work_s.values()), sum(steps.prefill.floors_s.values())
    waited = engine.prefill_work * prefill_work + engine.prefill_launches * prefill_floors
    between = 0.0 if steps.is_prefill_elsewhere else max(0.0, steps.running - 1.0 / steps.ranks) / steps.output_tokens
    tpot_s = step_s + between * waited
    return Times(_ttft_s(steps, engine, step_s, tpot_s), tpot_s, decode, _scaled(steps.prefill, engine))


def _scaled(parts: Parts, engine: ServingEngine) -> dict[OpClass, float]:
    factors = {kind: getattr(engine, _FACTORS.get(kind, "matrices")) for kind in parts}
    return {kind: engine.launches * parts.floors_s[kind] + factors[kind] * parts.work_s[kind] for kind in parts}


def _ttft_s(steps: Steps, engine: ServingEngine, step_s: float, tpot_s: float) -> float:
    """Return the mean wait for the first token: own prefill, steps under way, a start-up burst, an M/D/1 queue.

    Requests that do not fit wait until one that runs has ended.
    """
    prefill_s = sum(steps.prefill.work_s.values()) + sum(steps.prefill.floors_s.values())
    per_rank = steps.concurrency / steps.ranks
    busy = min(_MOST_BUSY, per_rank / steps.output_tokens * prefill_s / tpot_s)
    queue = busy / (2.0 * (1.0 - busy)) * prefill_s
    running = max(1.0, steps.running)
    turns = max(0.0, per_rank / running - 1.0)
    return (
        engine.first_token_overhead
        + engine.first_token_prefill * prefill_s
        + engine.first_token_steps * step_s
        + engine.first_token_burst * per_rank * prefill_s
        + engine.first_token_queue * queue
        + engine.first_token_request * steps.concurrency
        + turns * steps.output_tokens * tpot_s
    )


def predict(
    model: ModelGraph,
    configuration: Configuration,
    engine: ServingEngine | None = None,
    *,
    fleet: Fleet | None = None,
    routing: RoutingProfile | None = None,
) -> Prediction:
    """Predict a configuration that somebody already runs.

    Parameters
    ----------
    model
        Lowered, in the formats it is served in.
    configuration
        What runs where, under which load.
    engine
        The engine's figures; those of the engine the device usually runs by default.
    fleet
        Where links are taken from; the catalog's by default.
    routing
        How tokens spread over experts; uniform by default.

    Raises
    ------
    InputError
        If the device is unknown, cannot hold the model's formats, keeps KV cache in a tier of its own, or has no memory
        even for the weights.
    """
    group = group_of(configuration, fleet)
    engine = engine or load_engine(group.device.engine)
    _check_formats(model, group)
    if group.device.is_split:
        raise InputError(f"{group.device.name} keeps KV cache in a tier of its own; expected one tier", where="device")
    memory = MemoryModel(model, group, configuration, engine)
    most = memory.most_running()
    if not most:
        need, have = memory.use(1).total, memory.use(1).capacity
        raise InputError(
            f"one request needs {need / 1e9:.1f} GB on every {group.device.name}, which has {have / 1e9:.1f} GB; "
            "expected more devices, narrower weights or shorter requests",
            where="num_devices",
        )
    running = min(configuration.batch, most)
    steps = kernel_steps(model, group, configuration, running, routing or RoutingProfile())
    result = times(steps, engine)
    short = f"{running} of {configuration.batch} requests fit on a data-parallel rank; the rest queue"
    notes = () if running == configuration.batch else (short,)
    rate = running * configuration.dp / result.tpot_s
    return Prediction(
        model=model.spec.name,
        configuration=configuration,
        engine=engine.name,
        ttft_s=result.ttft_s,
        tpot_s=result.tpot_s,
        tokens_per_s_per_user=1.0 / result.tpot_s,
        tokens_per_s_per_device=rate / configuration.num_devices,
        concurrency=configuration.concurrency,
        running=running * configuration.dp,
        memory_bytes=memory.use(running),
        fits=running == configuration.batch,
        decode_s_by_op_class={str(kind): seconds for kind, seconds in result.decode_s.items()},
        prefill_s_by_op_class={str(kind): seconds for kind, seconds in result.prefill_s.items()},
        estimates=_estimates(group, configuration),
        notes=notes,
    )


def _check_formats(model: ModelGraph, group: Group) -> None:
    ops = [op for ops in model.layer_ops for op in (*ops.attention, *((ops.moe.expert,) if ops.moe else ()))]
    for matrix in {matrix.weight_format for op in ops for matrix in op.matrices}:
        if group.device.holding(matrix) is None:
            raise InputError(f"{group.device.name} cannot hold {matrix}", where="weights")


def _estimates(group: Group, configuration: Configuration) -> tuple[str, ...]:
    names = [f"{group.device.name}.{figure}" for figure in group.device.guesses]
    if configuration.num_devices > 1:
        links = {link.name: link for link in (group.scale_up, group.scale_out) if link is not None}
        names += [f"{name}.{figure}" for name, link in links.items() for figure in link.estimates()]
    return tuple(names)
