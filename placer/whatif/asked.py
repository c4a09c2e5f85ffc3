"""Figures of the question itself: speed, context, routing, acceptance. None is of the catalog."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from placer.scenario.routing import RoutingKind, RoutingProfile
from placer.scenario.scenario import Scenario
from placer.scenario.speculation import Speculation
from placer.whatif.devices import LEAST
from placer.whatif.knob import Effect, Knob, Unit

#: Most tokens of a prompt, as `placer.scenario.workload` takes them, and largest exponent of zipf.
MOST_TOKENS, MOST_EXPONENT = 1e8, 10.0


def asked_knobs(scenario: Scenario) -> Iterator[Knob]:
    """Yield the figures of a question that are no figures of the catalog."""
    yield speed_knob(scenario)
    yield _context(scenario)
    yield from _skew(scenario)
    yield from _acceptance(scenario)


def speed_knob(scenario: Scenario) -> Knob:
    """Return the tokens per second that every user must get."""

    def write(value: float) -> Scenario:
        target = scenario.target.model_copy(update={"tokens_per_s_per_user": value})
        return scenario.model_copy(update={"target": target})

    return Knob(
        key="speed",
        title="tokens/s/user",
        unit=Unit.TOKENS_PER_SECOND,
        value=scenario.target.tokens_per_s_per_user,
        base=scenario,
        write=write,
        lowest=LEAST,
        highest=1e12,
        effect=Effect.RISES,
        serves_below=True,
    )


def _context(scenario: Scenario) -> Knob:
    def write(value: float) -> Scenario:
        workload = scenario.workload.model_copy(update={"input_tokens": round(value)})
        return scenario.model_copy(update={"workload": workload})

    return Knob(
        key="context",
        title="input tokens of a request",
        unit=Unit.TOKENS,
        value=float(scenario.workload.input_tokens),
        base=scenario,
        write=write,
        lowest=1.0,
        highest=MOST_TOKENS,
        is_whole=True,
    )


def _skew(scenario: Scenario) -> Iterator[Knob]:
    """Yield the exponent of the routing's law, for models with experts; measured counts have none."""
    routing = scenario.workload.routing
    has_experts = any(ffn.kind == "moe" for ffn in scenario.model.ffns.values())
    if not has_experts or routing.kind not in {RoutingKind.UNIFORM, RoutingKind.ZIPF}:
        return

    def write(value: float) -> Scenario:
        profile = RoutingProfile(kind=RoutingKind.ZIPF, exponent=value)
        return scenario.model_copy(update={"workload": scenario.workload.model_copy(update={"routing": profile})})

    yield Knob(
        key="skew",
        title="zipf exponent of the routing",
        unit=Unit.NUMBER,
        value=routing.exponent,
        base=scenario,
        write=write,
        lowest=0.0,
        highest=MOST_EXPONENT,
        zero_step=1.0,
    )


def _acceptance(scenario: Scenario) -> Iterator[Knob]:
    """Yield what is accepted of the tokens drafted; nothing where nothing is drafted."""
    speculation = scenario.speculation
    if speculation is None:
        return
    given = speculation.acceptance
    # Of a table the tokens gained beyond the model's own; otherwise the chance, of several the largest.
    if isinstance(given, Mapping):
        value = max(given.values()) - 1.0
        room = min((depth / (length - 1.0) for depth, length in given.items() if length > 1.0), default=0.0)
        highest, title = value * room, "tokens that drafting gains a step, the most"
    else:
        chances = given if isinstance(given, tuple) else (given,)
        value, highest, title = max(chances), 1.0, "chance that a drafted token is accepted, the largest"
    if value == 0.0:
        return

    def write(to: float) -> Scenario:
        return scenario.model_copy(update={"speculation": _accepting(speculation, to, value)})

    # A pool that drafts beside the others is one more thing that could be in the way.
    effect = Effect.FALLS if speculation.pool is None else Effect.OPEN
    yield Knob(
        key="acceptance",
        title=title,
        unit=Unit.NUMBER,
        value=value,
        base=scenario,
        write=write,
        lowest=0.0,
        highest=highest,
        effect=effect,
        pools=frozenset() if speculation.pool is None else frozenset({speculation.pool}),
        is_estimate=True,
    )


def _accepting(speculation: Speculation, to: float, value: float) -> Speculation:
    given = speculation.acceptance
    if isinstance(given, Mapping):
        lengths = {depth: min(depth + 1.0, 1.0 + (length - 1.0) * (to / value)) for depth, length in given.items()}
        return speculation.model_copy(update={"acceptance": lengths})
    if isinstance(given, tuple):
        chances = tuple(to if chance == value else chance * (to / value) for chance in given)
        return speculation.model_copy(update={"acceptance": chances})
    return speculation.model_copy(update={"acceptance": to})
