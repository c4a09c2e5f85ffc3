"""Whether two plans answer the same question, and what differs if not."""

from __future__ import annotations

from collections.abc import Iterable

from placer.catalog.fleet import Fleet
from placer.compare.fields import Fields, question_fields, readable
from placer.compare.looser import effect_of
from placer.plan.comparison import Effect, FieldDifference, PriceBasis, QuestionComparison, Relation
from placer.scenario.scenario import Scenario

_BASIS = "fleet.price_basis"


def compare_questions(first: Scenario, second: Scenario) -> QuestionComparison:
    """Return what differs in the questions of two plans, a's and b's."""
    fields = (question_fields(first), question_fields(second))
    same_model = not any(place.startswith("model.") for place in _differing(*fields))
    places = _summarised(_differing(*fields), first, second)
    differences = tuple(
        FieldDifference(
            field=place,
            a=_shown(place, first, fields[0]),
            b=_shown(place, second, fields[1]),
            effect=effect_of(place, first, second),
        )
        for place in places
    )
    return QuestionComparison(
        relation=_relation(each.effect for each in differences),
        same_model=same_model,
        prices=_prices(fields[0], fields[1], first.fleet, second.fleet),
        decode_only=(first.service is None) is not (second.service is None),
        differences=differences,
    )


def _differing(a: Fields, b: Fields) -> list[str]:
    """Return the places of fields that differ or that one side lacks, in order of both."""
    return [place for place in dict.fromkeys([*a, *b]) if a.get(place) != b.get(place)]


def _relation(effects: Iterable[Effect]) -> Relation:
    found = {effect for effect in effects if effect is not Effect.NONE}
    if not found:
        return Relation.SAME
    if found == {Effect.A_LOOSER}:
        return Relation.A_WIDER
    return Relation.B_WIDER if found == {Effect.B_LOOSER} else Relation.OTHER


def _summarised(places: list[str], a: Scenario, b: Scenario) -> list[str]:
    """Return places with whole things in place of their fields, where one side lacks them or models are others."""
    wholes = ["model"] if a.model.name != b.model.name else []
    wholes += [
        part
        for part in ("service", "speculation", "robust")
        if (getattr(a, part) is None) is not (getattr(b, part) is None)
    ]
    if (a.workload.sessions is None) is not (b.workload.sessions is None):
        wholes.append("workload.sessions")
    sides = (_things(a.fleet), _things(b.fleet))
    wholes += [*(sides[0] ^ sides[1])]
    # Kinds of devices and links that only one side uses are told of by their pools and links.
    silent = {place for place in wholes if place.startswith(("fleet.devices[", "fleet.link_types["))}
    found: dict[str, None] = {}
    for place in places:
        whole = next((each for each in wholes if place == each or place.startswith((f"{each}.", f"{each}["))), place)
        if whole not in silent:
            found[whole] = None
    return list(found)


def _things(fleet: Fleet) -> set[str]:
    """Return the places of all pools, links and their kinds."""
    links = {name for pool in fleet.pools for name in (pool.scale_up, pool.scale_out) if name}
    return {
        *(f"fleet.pools[{pool.name}]" for pool in fleet.pools),
        *(f"fleet.links[{', '.join(sorted(cross.between))}]" for cross in fleet.links),
        *(f"fleet.devices[{pool.device}]" for pool in fleet.pools),
        *(f"fleet.link_types[{name}]" for name in links | {cross.link for cross in fleet.links}),
    }


def _shown(place: str, scenario: Scenario, fields: Fields) -> str | None:
    """Return the value of a field, or of a whole thing in one line."""
    if place in fields:
        return readable(fields[place])
    if place == "model":
        return scenario.model.name
    pool = next((each for each in scenario.fleet.pools if place == f"fleet.pools[{each.name}]"), None)
    if pool is not None:
        return f"{pool.count} x {pool.device}, unit {pool.unit}, domain {pool.domain}"
    inner = {name.removeprefix(place).lstrip("."): value for name, value in fields.items() if name.startswith(place)}
    return "; ".join(f"{name} {readable(value)}" for name, value in inner.items() if value != "none") or None


def _prices(a: Fields, b: Fields, first: Fleet, second: Fleet) -> PriceBasis:
    """Return whether dollars can be compared: on one basis, and with the same figures for pools both have."""
    if a[_BASIS] != b[_BASIS]:
        return PriceBasis.OTHER_BASIS
    shared = {pool.name for pool in first.pools} & {pool.name for pool in second.pools}
    same_devices = [name for name in shared if first.pool(name).device == second.pool(name).device]
    if any(first.usd_per_hour(name) != second.usd_per_hour(name) for name in same_devices):
        return PriceBasis.OTHER_FIGURES
    energies = [[value for place, value in side.items() if place.startswith("fleet.energy")] for side in (a, b)]
    return PriceBasis.OTHER_FIGURES if energies[0] != energies[1] else PriceBasis.SAME
