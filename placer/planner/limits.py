"""The limits of a scenario that may conflict, and how to move them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from placer.plan.refusal import Relief
from placer.scenario.scenario import Scenario
from placer.units import format_seconds, format_watts

#: Slower than any user would wait.
SLOWEST = 1e-2


@dataclass(frozen=True)
class Limit:
    """One limit.

    Attributes
    ----------
    name
        What it is called.
    is_active
        Whether a scenario has it.
    describe
        The limit in words.
    value
        Its number.
    set_to
        The scenario with another number; None where there is none.
    relaxed
        The scenario without the limit.
    relief
        What to tell the user about a number that works.
    falls
        Whether it gets easier as the number falls.
    least
        Smallest number that makes sense.
    is_whole
        Whether only whole numbers make sense.
    """

    name: str
    is_active: Callable[[Scenario], bool]
    describe: Callable[[Scenario], str]
    value: Callable[[Scenario], float]
    set_to: Callable[[Scenario, float], Scenario] | None
    relaxed: Callable[[Scenario], Scenario]
    relief: Callable[[float, Scenario], Relief]
    falls: bool = True
    least: float = SLOWEST
    is_whole: bool = False


def _target(scenario: Scenario, **changes: object) -> Scenario:
    return scenario.model_copy(update={"target": scenario.target.model_copy(update=changes)})


def _context(scenario: Scenario, tokens: float) -> Scenario:
    workload = scenario.workload
    outputs = min(workload.output_tokens, max(1, int(tokens) // 2))
    changes = {"input_tokens": max(1, int(tokens) - outputs), "output_tokens": outputs}
    return scenario.model_copy(update={"workload": workload.model_copy(update=changes)})


def _rate_relief(value: float, scenario: Scenario) -> Relief:
    del scenario
    text = f"at most {value:.4g} tokens/s for the fleet"
    return Relief(change="target.tokens_per_s", value=value, unit="tokens/s", text=text)


def _required(scenario: Scenario) -> str:
    return f"pools {', '.join(scenario.target.required_pools)} in every replica"


def _service(scenario: Scenario, **changes: object) -> Scenario:
    assert scenario.service is not None
    return scenario.model_copy(update={"service": scenario.service.model_copy(update=changes)})


def _first_token(field: str, name: str) -> Limit:
    """Return the limit on a figure of the time to first token."""

    def value(scenario: Scenario) -> float:
        limit = getattr(scenario.service, field, None)
        return 0.0 if limit is None else float(limit)

    return Limit(
        field,
        lambda scenario: getattr(scenario.service, field, None) is not None,
        lambda scenario: f"{name} <= {format_seconds(value(scenario))}",
        value,
        lambda scenario, seconds: _service(scenario, **{field: seconds}),
        lambda scenario: _service(scenario, **{field: None}),
        lambda seconds, _: Relief(
            change=f"service.{field}", value=seconds, unit="s", text=f"{name} within {format_seconds(seconds)}"
        ),
        falls=False,
        least=1e-6,
    )


LIMITS: tuple[Limit, ...] = (
    _first_token("ttft", "a mean time to first token"),
    _first_token("ttft_p99", "a 99th percentile of the time to first token"),
    Limit(
        "required_pools",
        lambda scenario: bool(scenario.target.required_pools),
        _required,
        lambda _: 0.0,
        None,
        lambda scenario: _target(scenario, required_pools=()),
        lambda value, _: Relief(change="target.required_pools", value=value, unit="", text="drop required pools"),
    ),
    Limit(
        "power_cap",
        lambda scenario: scenario.target.power_cap is not None,
        lambda scenario: f"power <= {format_watts(scenario.target.power_cap or 0.0)}",
        lambda scenario: scenario.target.power_cap or 0.0,
        lambda scenario, value: _target(scenario, power_cap=value),
        lambda scenario: _target(scenario, power_cap=None),
        lambda value, _: Relief(
            change="target.power_cap", value=value, unit="W", text=f"a power cap of {format_watts(value)}"
        ),
        falls=False,
    ),
    Limit(
        "cost_cap",
        lambda scenario: scenario.target.cost_cap is not None,
        lambda scenario: f"cost <= ${scenario.target.cost_cap:g}/h",
        lambda scenario: scenario.target.cost_cap or 0.0,
        lambda scenario, value: _target(scenario, cost_cap=value),
        lambda scenario: _target(scenario, cost_cap=None),
        lambda value, _: Relief(
            change="target.cost_cap", value=value, unit="USD/h", text=f"a cost cap of ${value:.4g}/h"
        ),
        falls=False,
    ),
    Limit(
        "rate",
        lambda scenario: scenario.target.tokens_per_s is not None,
        lambda scenario: f"fleet rate >= {scenario.target.tokens_per_s:g} tokens/s",
        lambda scenario: scenario.target.tokens_per_s or 0.0,
        lambda scenario, value: _target(scenario, tokens_per_s=value),
        lambda scenario: _target(scenario, tokens_per_s=None),
        _rate_relief,
    ),
    Limit(
        "speed",
        lambda _: True,
        lambda scenario: f"speed >= {scenario.target.tokens_per_s_per_user:g} tokens/s/user",
        lambda scenario: scenario.target.tokens_per_s_per_user,
        lambda scenario, value: _target(scenario, tokens_per_s_per_user=value),
        lambda scenario: _target(scenario, tokens_per_s_per_user=SLOWEST),
        lambda value, _: Relief(
            change="target.tokens_per_s_per_user",
            value=value,
            unit="tokens/s/user",
            text=f"at most {value:.4g} tokens/s/user",
        ),
    ),
    Limit(
        "context",
        lambda _: True,
        lambda scenario: f"context of {scenario.workload.capacity_context} tokens",
        lambda scenario: float(scenario.workload.capacity_context),
        _context,
        lambda scenario: _context(scenario, 2.0),
        lambda value, _: Relief(
            change="workload.context",
            value=value,
            unit="tokens",
            text=f"a context of at most {value:.0f} tokens",
        ),
        least=2.0,
        is_whole=True,
    ),
)
