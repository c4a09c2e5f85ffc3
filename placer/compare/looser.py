"""Which of two questions allows more, field by field.

A rule may call a side looser only if every plan of the other side is a plan of it, at no higher price, as far as this
field goes: then the optimum of the looser side is no dearer, and its bound holds for the other side too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from placer.catalog.fleet import Fleet
from placer.plan.comparison import Effect
from placer.scenario.scenario import Scenario
from placer.scenario.service import Service

#: What names a thing, or says which sessions pause and what may be kept of them: no price or bound has that in it.
_WITHOUT_EFFECT = re.compile(r"fleet\.name$|(retention|workload\.sessions)(\.|\[|$)")
_POOL = re.compile(r"fleet\.pools\[([^\]]+)\](\.count)?$")
_CROSS = re.compile(r"fleet\.links\[([^\]]+), ([^\]]+)\]$")
_INFINITE = float("inf")


def _order(a: float, b: float) -> Effect:
    """Return which side is looser where more is."""
    return Effect.NONE if a == b else Effect.A_LOOSER if a > b else Effect.B_LOOSER


def _limit(value: float | None) -> float:
    return _INFINITE if value is None else value


def _sets(a: Collection[object], b: Collection[object]) -> Effect:
    """Return which side is looser where fewer members are."""
    first, second = set(a), set(b)
    if first == second:
        return Effect.NONE
    return Effect.A_LOOSER if first < second else Effect.B_LOOSER if second < first else Effect.OTHER


def _parts(a: int, b: int) -> Effect:
    """Return which side has all shares of the other: the one whose number of parts is a multiple."""
    return Effect.A_LOOSER if a % b == 0 else Effect.B_LOOSER if b % a == 0 else Effect.OTHER


Rule = Callable[[Scenario, Scenario], Effect]


def _of_service(rule: Callable[[Service, Service], Effect]) -> Rule:
    def applied(a: Scenario, b: Scenario) -> Effect:
        return Effect.OTHER if a.service is None or b.service is None else rule(a.service, b.service)

    return applied


def _of_space(name: str) -> Rule:
    return lambda a, b: _order(getattr(a.space, name), getattr(b.space, name))


#: By field: which side is looser. Fields that are not here make questions that allow different things.
_RULES: dict[str, Rule] = {
    "target.tokens_per_s_per_user": lambda a, b: _order(
        -a.target.tokens_per_s_per_user, -b.target.tokens_per_s_per_user
    ),
    "target.power_cap": lambda a, b: _order(_limit(a.target.power_cap), _limit(b.target.power_cap)),
    "target.cost_cap": lambda a, b: _order(_limit(a.target.cost_cap), _limit(b.target.cost_cap)),
    "target.required_pools": lambda a, b: _sets(a.target.required_pools, b.target.required_pools),
    "service.ttft": _of_service(lambda a, b: _order(_limit(a.ttft), _limit(b.ttft))),
    "service.ttft_p99": _of_service(lambda a, b: _order(_limit(a.ttft_p99), _limit(b.ttft_p99))),
    "service.max_prefill_load": _of_service(lambda a, b: _order(a.max_prefill_load, b.max_prefill_load)),
    "service.forbidden_modes": _of_service(lambda a, b: _sets(a.forbidden_modes, b.forbidden_modes)),
    "space.split_parts": lambda a, b: _parts(a.space.split_parts, b.space.split_parts),
    **{
        f"space.{name}": _of_space(name)
        for name in (
            "max_groups",
            "max_microbatches",
            "max_rank_batch",
            "max_stages",
            "max_width",
            "context_parallel",
            "max_spare_slots",
        )
    },
}


def effect_of(field: str, a: Scenario, b: Scenario) -> Effect:
    """Return what a field that differs does to the plans that are allowed.

    Parameters
    ----------
    field
        Its place, as in `placer.compare.fields.question_fields`; of a pool or link that only one side has, the place of
        the pool or link.
    a, b
        The questions.
    """
    if _WITHOUT_EFFECT.match(field):
        return Effect.NONE
    if field in _RULES:
        return _RULES[field](a, b)
    if field == "speculation":
        return _drafting(a, b)
    pool, cross = _POOL.match(field), _CROSS.match(field)
    if pool:
        return _inventory(a.fleet, b.fleet, pool.group(1))
    if cross:
        joined = [fleet.cross_link(*cross.groups()) is not None for fleet in (a.fleet, b.fleet)]
        return _order(*joined)
    return Effect.OTHER


def _drafting(a: Scenario, b: Scenario) -> Effect:
    """Return which side is looser where one may draft: nothing is one of its choices.

    A pool of its own that drafts is one that replicas may not use: then neither side is.
    """
    drafting = a.speculation or b.speculation
    if drafting is None or drafting.pool is not None:
        return Effect.OTHER
    return Effect.B_LOOSER if a.speculation is None else Effect.A_LOOSER


def _inventory(a: Fleet, b: Fleet, name: str) -> Effect:
    """Return which side is looser by the inventory of a pool, none at all included.

    A pool of one scale-up domain sends KV cache over another link than one of several: these are never compared.
    """
    pools = [next((pool for pool in fleet.pools if pool.name == name), None) for fleet in (a, b)]
    counts = [0 if pool is None else pool.count for pool in pools]
    if None not in pools and len({pool.count > pool.domain for pool in pools if pool is not None}) > 1:
        return Effect.OTHER
    return _order(counts[0], counts[1])
