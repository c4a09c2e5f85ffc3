"""Figures of links: latency, bandwidth, and the share of it that transfers reach, place by place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from placer.catalog.link import Link, StartUp
from placer.catalog.source import is_estimate
from placer.scenario.scenario import Scenario
from placer.whatif.devices import LEAST, MOST
from placer.whatif.knob import Effect, Knob, Unit
from placer.whatif.parts import Place, cross_at, link_name, places_of, with_link


def link_knobs(scenario: Scenario) -> Iterator[Knob]:
    """Yield the figures of every link, at every place it is used."""
    for place in places_of(scenario.fleet):
        yield _latency(scenario, place)
        yield _bandwidth(scenario, place)
        yield _efficiency(scenario, place)


def hop_latency_knob(scenario: Scenario, pool: str) -> Knob | None:
    """Return the latency of the links that join a pool with others, None where nothing joins it.

    The longest, where they differ; the others keep their ratio to it.
    """
    places = [place for place in places_of(scenario.fleet) if not place.side and pool in place.pools]
    if not places:
        return None
    singles = [_latency(scenario, place) for place in places]
    longest = max(single.value for single in singles)

    def write(value: float) -> Scenario:
        changed = scenario
        for place, single in zip(places, singles, strict=True):
            share = single.value / longest if longest else 1.0
            changed = _latency(changed, place).write(value * share if share < 1.0 else value)
        return changed

    return Knob(
        key=f"hop:{pool}",
        title=f"hop latency between {pool} and the other pools",
        unit=Unit.SECONDS,
        value=longest,
        base=scenario,
        write=write,
        lowest=0.0,
        highest=MOST[Unit.SECONDS],
        effect=Effect.RISES,
        pools=frozenset({pool}),
        figures=tuple(dict.fromkeys(figure for single in singles for figure in single.figures)),
        is_estimate=any(single.is_estimate for single in singles),
    )


def _latency(scenario: Scenario, place: Place) -> Knob:
    """Return the latency of a link; start-ups of collectives are multiplied by the same factor."""
    link = scenario.fleet.link_types[link_name(scenario.fleet, place)]

    def change(link: Link, value: float) -> Link:
        factor = value / link.latency if link.latency else 1.0
        return link.model_copy(
            update={
                "latency": value,
                "all_reduce": _slowed(link.all_reduce, factor),
                "all_to_all": _slowed(link.all_to_all, factor),
            }
        )

    tables = [name for name in ("all_reduce", "all_to_all") if getattr(link, name)]
    figure = _Figure("latency", Unit.SECONDS, link.latency, ("latency", *tables), Effect.RISES)
    return _knob(scenario, place, figure, change)


def _slowed(table: tuple[StartUp, ...], factor: float) -> tuple[StartUp, ...]:
    return tuple(entry.model_copy(update={"latency": entry.latency * factor}) for entry in table)


def _bandwidth(scenario: Scenario, place: Place) -> Knob:
    link = scenario.fleet.link_types[link_name(scenario.fleet, place)]

    def change(link: Link, value: float) -> Link:
        return link.model_copy(update={"bandwidth": value})

    figure = _Figure("bandwidth", Unit.BYTES_PER_SECOND, link.bandwidth, ("bandwidth",), Effect.FALLS)
    return _knob(scenario, place, figure, change)


def _efficiency(scenario: Scenario, place: Place) -> Knob:
    link = scenario.fleet.link_types[link_name(scenario.fleet, place)]
    stated = [entry.efficiency for entry in (*link.all_reduce, *link.all_to_all) if entry.efficiency is not None]
    value = max(link.efficiency, *stated) if stated else link.efficiency

    def change(link: Link, to: float) -> Link:
        def moved(share: float) -> float:
            return to if share == value else share * (to / value)

        def table(entries: tuple[StartUp, ...]) -> tuple[StartUp, ...]:
            return tuple(
                entry if entry.efficiency is None else entry.model_copy(update={"efficiency": moved(entry.efficiency)})
                for entry in entries
            )

        changes = {"efficiency": moved(link.efficiency)}
        tables = {"all_reduce": table(link.all_reduce), "all_to_all": table(link.all_to_all)}
        return link.model_copy(update={**changes, **tables})

    tables = [name for name in ("all_reduce", "all_to_all") if any(entry.efficiency for entry in getattr(link, name))]
    figure = _Figure("efficiency", Unit.NUMBER, value, ("efficiency", *tables), Effect.FALLS)
    return _knob(scenario, place, figure, change)


@dataclass(frozen=True)
class _Figure:
    """What a knob of a link is called, and what it stands for."""

    name: str
    unit: Unit
    value: float
    covers: tuple[str, ...]
    effect: Effect


def _knob(scenario: Scenario, place: Place, figure: _Figure, change: Callable[[Link, float], Link]) -> Knob:
    fleet = scenario.fleet
    link = fleet.link_types[link_name(fleet, place)]
    is_port = figure.name == "bandwidth"

    def write(value: float) -> Scenario:
        factor = value / figure.value if is_port else 1.0
        return with_link(scenario, place, figure.covers, lambda before: change(before, value), factor)

    is_guess = any(is_estimate(name, link.sources) for name in figure.covers)
    if is_port and not place.side:
        cross = cross_at(fleet, place)
        is_guess = is_guess or (bool(cross.bandwidth) and is_estimate("bandwidth", cross.sources))
    return Knob(
        key=f"{figure.name}:{place.label}",
        title=f"link {figure.name} {place.title}",
        unit=figure.unit,
        value=figure.value,
        base=scenario,
        write=write,
        lowest=0.0 if figure.unit is Unit.SECONDS else LEAST,
        highest=MOST.get(figure.unit, 1.0),
        effect=figure.effect,
        pools=frozenset(place.pools),
        figures=tuple(f"{link.name}.{name}" for name in figure.covers),
        is_estimate=is_guess,
    )
