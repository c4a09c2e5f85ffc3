"""A question as a flat list of fields: what can be compared one by one, and said in a line."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from placer.catalog.device import Device
from placer.catalog.fleet import Fleet
from placer.scenario.scenario import Scenario

#: What is for people only, and changes no answer.
_FOR_PEOPLE = {"title", "notes", "note", "sources", "source", "vendor", "expected", "error"}
#: What says which of a list an entry is.
_NAMES = ("name", "tier", "family", "devices")
_LONGEST_LIST = 8
_LONGEST_TEXT = 60
#: Whole numbers are exact below.
_EXACT = 2.0**53
_QUANTITY = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?(?:e[+-]?\d+)?) (B/s|B|FLOP/s|W|s)(?![\w/])")
_SIZES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_TIMES = ((1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"))

Fields = dict[str, str]


def question_fields(scenario: Scenario) -> Fields:
    """Return the fields of a question by their place, as text; the model's are under ``model``.

    Figures of devices and links are those that pools use. Of prices only those on the fleet's basis count.
    """
    fields = dict(_flat("model", scenario.model.model_dump(mode="json")))
    fields |= dict(_fleet(scenario.fleet))
    for part in ("workload", "target", "service", "speculation", "space", "retention", "robust"):
        value = getattr(scenario, part)
        fields |= dict(_flat(part, value.model_dump(mode="json") if isinstance(value, BaseModel) else value))
    return fields


def _fleet(fleet: Fleet) -> Iterator[tuple[str, str]]:
    yield "fleet.name", fleet.name
    yield "fleet.price_basis", fleet.price_basis
    yield from _flat("fleet.energy", fleet.energy.model_dump(mode="json") if fleet.energy else None)
    for pool in fleet.pools:
        yield from _flat(f"fleet.pools[{pool.name}]", pool.model_dump(mode="json"), skip=("name",))
    for cross in fleet.links:
        place = f"fleet.links[{', '.join(sorted(cross.between))}]"
        yield from _flat(place, cross.model_dump(mode="json"), skip=("between",))
    for name in sorted({pool.device for pool in fleet.pools}):
        yield from _device(fleet.devices[name], f"fleet.devices[{name}]", fleet.price_basis)
    sides = [link for pool in fleet.pools for link in (pool.scale_up, pool.scale_out)]
    for name in sorted({*filter(None, sides), *(cross.link for cross in fleet.links)}):
        yield from _flat(f"fleet.link_types[{name}]", fleet.link_types[name].model_dump(mode="json"), skip=("name",))


def _device(device: Device, place: str, basis: str) -> Iterator[tuple[str, str]]:
    raw = device.model_dump(mode="json")
    price = raw.pop("price").get(basis)
    yield from _flat(place, raw, skip=("name", "engine"))
    yield from _flat(f"{place}.price.{basis}", price)


def _flat(place: str, value: Any, skip: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield every field below a value; null ones are left out: they say that nothing was said."""
    if value is None:
        return
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name not in _FOR_PEOPLE and name not in skip:
                yield from _flat(f"{place}.{name}", inner)
    elif isinstance(value, list | tuple) and value and all(isinstance(each, Mapping) for each in value):
        for index, inner in enumerate(value):
            yield from _flat(f"{place}[{_entry(inner, index)}]", inner)
    elif isinstance(value, list | tuple):
        yield place, _list(value)
    else:
        yield place, _text(value)


def _entry(entry: Mapping[str, Any], index: int) -> str:
    """Return what an entry of a list is called: its name, with its format where it has one, else its number."""
    name = next((entry[name] for name in _NAMES if entry.get(name) is not None), index)
    return f"{name}, {entry['weights']}" if isinstance(entry.get("weights"), str) else str(name)


def _list(value: list[Any] | tuple[Any, ...]) -> str:
    """Return a list in a line; a long one by its length and a hash."""
    text = ", ".join(map(_text, value)) or "none"
    if len(value) <= _LONGEST_LIST and len(text) <= _LONGEST_TEXT:
        return text
    digest = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
    return f"{len(value)} values, SHA-256 {digest[:12]}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return str(value)


def readable(text: str) -> str:
    """Return a field with its quantities as people write them; nothing is lost that twelve digits hold.

    >>> readable("4800000000000 B/s"), readable("link x; latency 1.5e-06 s")
    ('4.8 TB/s', 'link x; latency 1.5 us')
    """
    return _QUANTITY.sub(_scaled, text)


def _scaled(found: re.Match[str]) -> str:
    value, unit = float(found.group(1)), found.group(2)
    steps = _TIMES if unit == "s" else _SIZES
    scale, prefix = next(((scale, prefix) for scale, prefix in steps if abs(value) >= scale), (1.0, ""))
    return f"{value / scale:.12g} {prefix}{unit}"
