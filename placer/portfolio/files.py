"""Portfolios on disk: one document, or a folder with every plan beside it."""

from __future__ import annotations

import json
from pathlib import Path

from placer.errors import InputError
from placer.files import parse_mapping, read_text, validated, write_atomic
from placer.plan.files import save_plan
from placer.plan.portfolio import PORTFOLIO_VERSION, Portfolio


def portfolio_json(portfolio: Portfolio) -> str:
    """Return a portfolio as JSON text, indented, with a line break at the end."""
    return json.dumps(portfolio.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"


def save_portfolio(portfolio: Portfolio, folder: Path) -> tuple[Path, ...]:
    """Write ``portfolio.json`` and every plan into a folder, which is made if it is not there.

    Returns
    -------
    tuple of Path
        What was written.

    Raises
    ------
    InputError
        If the place cannot be written to.
    """
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"expected a folder to write to: {error.strerror}", where=str(folder)) from error
    written = [folder / "portfolio.json"]
    write_atomic(written[0], portfolio_json(portfolio))
    plans = [(each.model, each.plan) for each in portfolio.deployments]
    plans += [(member.model, member.plan) for slot in portfolio.slots for member in slot.members]
    for index, (model, plan) in enumerate(plans):
        number = sum(other == model for other, _ in plans[:index])
        written.append(folder / (f"plan-{model}-{number + 1}.json" if number else f"plan-{model}.json"))
        save_plan(plan, written[-1])
    return tuple(written)


def is_portfolio(path: Path) -> bool:
    """Return whether a file says that it is a portfolio."""
    return parse_mapping(read_text(path), str(path)).get("kind") == "portfolio"


def load_portfolio(path: Path) -> Portfolio:
    """Read a portfolio.

    Raises
    ------
    InputError
        Naming file and field of what is wrong.
    """
    raw = parse_mapping(read_text(path), str(path))
    if raw.get("schema_version") != PORTFOLIO_VERSION:
        found = raw.get("schema_version")
        raise InputError(f"expected version {PORTFOLIO_VERSION}, got {found!r}", where=f"{path}: schema_version")
    return validated(Portfolio, raw, str(path))
