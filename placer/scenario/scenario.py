"""Model, fleet, workload and target together: everything a plan answers for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field

from placer.catalog.fleet import Fleet
from placer.catalog.price import Ownership
from placer.errors import ScenarioError, nearest_hint
from placer.model.precision import Precision, WeightFormat
from placer.model.spec import ModelSpec
from placer.scenario.retention import Retention
from placer.scenario.robust import Robust
from placer.scenario.routing import is_uneven
from placer.scenario.service import Mode, Service
from placer.scenario.space import Space
from placer.scenario.speculation import Speculation
from placer.scenario.workload import Target, Workload


class Scenario(BaseModel):
    """A question to the planner, self-contained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: ModelSpec = Field(description="the model, in full")
    fleet: Fleet = Field(description="the fleet, devices and links filled in")
    workload: Workload = Field(description="what users send")
    target: Target = Field(description="what they expect, and what may be spent")
    space: Space = Field(default=Space(), description="limits of the declared space")
    retention: Retention = Field(
        default=Retention(), description="what may keep the KV cache of paused sessions; for workloads with sessions"
    )
    robust: Robust | None = Field(
        default=None,
        description="routings that one plan must serve, in place of the workload's; null = that of the workload",
    )
    service: Service | None = Field(default=None, description="the service around decode; null = decode only")
    speculation: Speculation | None = Field(
        default=None, description="drafting tokens and verifying several in one step; null = plain decode"
    )

    @property
    def speedless_key(self) -> str:
        """Name of all of the question but the speed users must get: what does not depend on it is worked out once."""
        target = self.target.model_copy(update={"tokens_per_s_per_user": 1.0})
        return hashlib.sha256(self.model_copy(update={"target": target}).model_dump_json().encode()).hexdigest()

    def is_uneven(self, expert_layers: Mapping[tuple[int, int], Sequence[int]]) -> bool:
        """Return whether some expert of some layer is wanted more than another of it.

        ``expert_layers`` are the model's layers with experts, by (experts of a layer, experts a token visits).
        """
        return is_uneven(self.workload.routing.by_layer(expert_layers).values())


def _check_prices(scenario: Scenario) -> Iterator[str]:
    basis = scenario.fleet.price_basis
    for pool in scenario.fleet.pools:
        device = scenario.fleet.device_of(pool.name)
        if basis not in device.price:
            yield (
                f'pool "{pool.name}": {device.name} has no price on the basis "{basis}" (it has '
                f"{', '.join(sorted(device.price))}); bases are never mixed"
            )


def _check_ownership(scenario: Scenario) -> Iterator[str]:
    """Yield owned devices nobody can price, and owned ones beside rented ones: margins and electricity differ."""
    fleet = scenario.fleet
    prices = {pool.name: fleet.device_of(pool.name).price.get(fleet.price_basis) for pool in fleet.pools}
    owned = [name for name, price in prices.items() if isinstance(price, Ownership)]
    rented = [name for name, price in prices.items() if isinstance(price, float)]
    if owned and rented:
        yield (
            f'basis "{fleet.price_basis}" mixes owned devices ({", ".join(owned)}: electricity on top) and rented '
            f"ones ({', '.join(rented)}: electricity in the rent); expected one of the two for all pools"
        )
    if owned and (fleet.energy is None or fleet.energy.electricity is None):
        yield (
            f"pool{'s' if len(owned) > 1 else ''} {', '.join(owned)}: owned, so electricity is paid for; "
            "expected energy.electricity in the fleet or --electricity, such as 0.08 USD/kWh"
        )


def _check_required_pools(scenario: Scenario) -> Iterator[str]:
    names = [pool.name for pool in scenario.fleet.pools]
    for name in scenario.target.required_pools:
        if name not in names:
            yield f'target.required_pools: unknown pool "{name}"{nearest_hint(name, names)}'
    if len(scenario.target.required_pools) > scenario.space.max_groups:
        yield f"target.required_pools: a replica has at most {scenario.space.max_groups} groups"


def _formats(precision: Precision) -> set[WeightFormat]:
    return {
        precision.attention,
        precision.dense_ffn,
        precision.experts,
        precision.embedding,
        precision.lm_head,
        precision.router,
        precision.shared_experts,
    }


def _check_holding(scenario: Scenario) -> Iterator[str]:
    formats = _formats(scenario.model.precision)
    for pool in scenario.fleet.pools:
        device = scenario.fleet.device_of(pool.name)
        lacking = sorted(name for name in formats if device.holding(name) is None)
        if lacking:
            yield (
                f'pool "{pool.name}": {device.name} multiplies in {", ".join(device.peak)} and cannot run '
                f"{', '.join(lacking)} weights; choose narrower ones with --weights"
            )


def _check_routing(scenario: Scenario) -> Iterator[str]:
    for ffn in scenario.model.ffns.values():
        if ffn.kind == "moe":
            try:
                scenario.workload.routing.selection_probability(ffn.num_experts, ffn.top_k)
            except ScenarioError as error:
                yield str(error)


def _check_retention(scenario: Scenario) -> Iterator[str]:
    retention = scenario.retention
    if scenario.workload.sessions is None and not retention.is_default:
        yield "retention: nothing pauses; expected workload.sessions with turns and think_time"
    if retention.draft is None:
        return
    formats = _formats(retention.draft.precision)
    for pool in scenario.fleet.pools:
        device = scenario.fleet.device_of(pool.name)
        lacking = sorted(name for name in formats if device.holding(name) is None)
        if lacking:
            yield f'retention.draft: {device.name} of pool "{pool.name}" cannot run {", ".join(lacking)} weights'


def _check_service(scenario: Scenario) -> Iterator[str]:
    service = scenario.service
    if service is None:
        return
    if scenario.robust is not None:
        yield "service: several routings at once are planned for decode only; expected --phase decode"
    if not service.allows(Mode.COLOCATED) and not service.allows(Mode.DISAGGREGATED):
        yield "service.forbidden_modes: prompts must be computed somewhere; expected colocated or disaggregated"


def _check_speculation(scenario: Scenario) -> Iterator[str]:
    speculation = scenario.speculation
    if speculation is None:
        return
    if scenario.workload.sessions is not None:
        yield "speculation: sessions that pause are planned without; expected no workload.sessions"
    if scenario.robust is not None:
        yield "speculation: several routings are planned without; expected one routing"
    yield from _check_draft_pool(scenario, speculation.pool)
    if speculation.draft is None:
        return
    formats = _formats(speculation.draft.precision)
    for pool in scenario.fleet.pools:
        if speculation.pool not in {None, pool.name}:
            continue
        device = scenario.fleet.device_of(pool.name)
        lacking = sorted(name for name in formats if device.holding(name) is None)
        if lacking:
            yield f'speculation.draft: {device.name} of pool "{pool.name}" cannot run {", ".join(lacking)} weights'


def _check_draft_pool(scenario: Scenario, name: str | None) -> Iterator[str]:
    names = [pool.name for pool in scenario.fleet.pools]
    if name is None:
        return
    if scenario.service is not None:
        yield "speculation.pool: the whole service is planned with drafts on the LM head's devices; expected no pool"
    if name not in names:
        yield f'speculation.pool: unknown pool "{name}"{nearest_hint(name, names)}'
    elif len(names) == 1:
        yield f'speculation.pool: "{name}" is the only pool; expected another one for the model itself'
    elif name in scenario.target.required_pools:
        yield f'speculation.pool: "{name}" drafts and cannot be a required pool of replicas'
    elif not any(name in cross.between for cross in scenario.fleet.links):
        yield f'speculation.pool: no link joins "{name}" to another pool'


CHECKS: tuple[Callable[[Scenario], Iterator[str]], ...] = (
    _check_prices,
    _check_ownership,
    _check_required_pools,
    _check_holding,
    _check_routing,
    _check_retention,
    _check_service,
    _check_speculation,
)


def assert_consistent(scenario: Scenario) -> None:
    """Raise one error that lists everything that does not go together.

    Raises
    ------
    ScenarioError
        With all findings.
    """
    findings = [finding for check in CHECKS for finding in check(scenario)]
    if findings:
        raise ScenarioError("; ".join(findings))
