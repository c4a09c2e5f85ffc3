"""Reading devices, links and fleets from the catalog or from a user's file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from placer.catalog.device import Device
from placer.catalog.engine import ServingEngine
from placer.catalog.fleet import Fleet
from placer.catalog.link import Link
from placer.catalog.template import assert_filled_in, find_template, template_paths
from placer.catalog.tier import KvTier
from placer.errors import CatalogError, InputError, nearest_hint
from placer.files import is_existing, read_mapping
from placer.paths import catalog_root
from placer.validate import validated

Read = TypeVar("Read")


@cache
def _paths(folder: str) -> dict[str, Path]:
    return {path.stem: path for path in sorted((catalog_root() / "fleets" / folder).glob("*.yaml"))}


def device_names() -> tuple[str, ...]:
    """Return the devices of the catalog."""
    return tuple(_paths("devices"))


def link_names() -> tuple[str, ...]:
    """Return the links of the catalog."""
    return tuple(_paths("links"))


def fleet_names() -> tuple[str, ...]:
    """Return the fleets of the catalog."""
    return tuple(_paths("fleets"))


@cache
def load_device(name: str) -> Device:
    """Return a device of the catalog.

    Raises
    ------
    CatalogError
        If there is none of that name.
    """
    path = _find("devices", name, "device")
    return _as_catalog_error(lambda: validated(Device, read_mapping(path), str(path)))


@cache
def load_link(name: str) -> Link:
    """Return a link of the catalog.

    Raises
    ------
    CatalogError
        If there is none of that name.
    """
    path = _find("links", name, "link")
    return _as_catalog_error(lambda: validated(Link, read_mapping(path), str(path)))


def engine_names() -> tuple[str, ...]:
    """Return the serving engines of the catalog."""
    return tuple(_paths("engines"))


def tier_names() -> tuple[str, ...]:
    """Return the KV tiers of the catalog."""
    return tuple(_paths("tiers"))


@cache
def load_tier(name: str) -> KvTier:
    """Return a KV tier of the catalog.

    Raises
    ------
    CatalogError
        If there is none of that name.
    """
    path = _find("tiers", name, "tier")
    return _as_catalog_error(lambda: validated(KvTier, read_mapping(path), str(path)))


@cache
def load_engine(name: str) -> ServingEngine:
    """Return a serving engine of the catalog, or one of a file of one's own.

    Raises
    ------
    CatalogError
        If there is none of that name, or the file is wrong.
    """
    given = Path(name)
    path = given if given.suffix in {".yaml", ".yml", ".json"} else _find("engines", name, "engine")
    return _as_catalog_error(lambda: validated(ServingEngine, read_mapping(path), str(path)))


def load_fleet(name: str) -> Fleet:
    """Return a fleet by catalog name or path.

    Parameters
    ----------
    name
        Such as ``vera-rubin-nvl72-lpx``, or the path of a YAML or JSON file of one's own.

    Returns
    -------
    Fleet
        With every device and link it names filled in.

    Raises
    ------
    CatalogError
        If there is no such fleet or file, or it is wrong, or figures of it are still to be filled in; the message
        names file and field.
    """
    path = Path(name)
    is_named = name.casefold() in {known.casefold() for known in (*fleet_names(), *template_paths())}
    if path.suffix in {".yaml", ".yml", ".json"} or "/" in name or (not is_named and is_existing(path)):
        return _as_catalog_error(lambda: parse_fleet(read_mapping(path), str(path)))
    found = find_template(name) or _find("fleets", name, "fleet")
    return _as_catalog_error(lambda: parse_fleet(read_mapping(found), str(found)))


@cache
def fleet_with(device: str) -> Fleet:
    """Return the catalog's fleet that has a device and least besides.

    Raises
    ------
    CatalogError
        If the device is unknown, or no fleet has it.
    """
    if device not in device_names():
        raise CatalogError(f'unknown device "{device}"{nearest_hint(device, device_names())}', where="device")
    fleets = [load_fleet(name) for name in fleet_names()]
    having = [fleet for fleet in fleets if any(pool.device == device for pool in fleet.pools)]
    if not having:
        raise CatalogError(
            f"no fleet of the catalog says how {device} is linked; give one with --fleet", where="device"
        )
    return min(having, key=lambda fleet: (len(fleet.pools), fleet.name))


def parse_fleet(raw: dict[str, Any], where: str) -> Fleet:
    """Return a fleet from its fields, devices and links filled in from the catalog.

    Raises
    ------
    InputError
        Naming the field that is wrong.
    """
    assert_filled_in(raw, where)
    _check_names(raw, where)
    filled = dict(raw)
    filled["devices"] = _filled(raw, "devices", _named(raw, "pools", ("device",)))
    filled["link_types"] = _filled(
        raw, "link_types", _named(raw, "pools", ("scale_up", "scale_out")) | _named(raw, "links", ("link",))
    )
    for field in ("devices", "link_types"):
        for name, definition in filled[field].items():
            if isinstance(definition, dict):
                definition.setdefault("name", name)
    return validated(Fleet, filled, where)


def _mentions(raw: dict[str, Any], section: str, fields: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield field and value of every name a section mentions."""
    entries = raw.get(section)
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        for field in fields:
            if isinstance(entry, dict) and isinstance(entry.get(field), str):
                yield f"{section}[{index}].{field}", entry[field]


def _named(raw: dict[str, Any], section: str, fields: tuple[str, ...]) -> set[str]:
    return {name for _, name in _mentions(raw, section, fields)}


def _check_names(raw: dict[str, Any], where: str) -> None:
    """Refuse a device or link that neither the file defines nor the catalog knows."""
    own_devices, own_links = (_keys(raw.get(field)) for field in ("devices", "link_types"))
    mentions = (
        ("device", _mentions(raw, "pools", ("device",)), {*own_devices, *device_names()}),
        ("link", _mentions(raw, "pools", ("scale_up", "scale_out")), {*own_links, *link_names()}),
        ("link", _mentions(raw, "links", ("link",)), {*own_links, *link_names()}),
    )
    for what, mentioned, known in mentions:
        for field, name in mentioned:
            if name not in known:
                raise CatalogError(
                    f'unknown {what} "{name}"{nearest_hint(name, sorted(known))}', where=f"{where}: {field}"
                )


def _keys(section: object) -> list[str]:
    return [str(key) for key in section] if isinstance(section, dict) else []


def _filled(raw: dict[str, Any], field: str, named: set[str]) -> Any:
    own = raw.get(field) or {}
    if not isinstance(own, dict):
        return own
    known, load = (device_names(), load_device) if field == "devices" else (link_names(), load_link)
    merged: dict[str, Any] = {
        name: dict(definition) if isinstance(definition, dict) else definition for name, definition in own.items()
    }
    for name in sorted(named - own.keys()):
        if name in known:
            merged[name] = load(name)
    return merged


def _find(folder: str, name: str, what: str) -> Path:
    paths = _paths(folder)
    folded = {known.casefold(): path for known, path in paths.items()}
    found = folded.get(name.casefold())
    if found is None:
        hint = nearest_hint(name, [*paths, *(template_paths() if folder == "fleets" else ())])
        raise CatalogError(f'unknown {what} "{name}"{hint}; `placer {what}s list` shows them')
    return found


def _as_catalog_error(read: Callable[[], Read]) -> Read:
    try:
        return read()
    except CatalogError:
        raise
    except InputError as error:
        raise CatalogError(error.message, where=error.where) from error
