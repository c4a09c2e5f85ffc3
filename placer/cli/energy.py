"""``--pue`` and ``--electricity``: what a site adds to the power and the price of its devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from placer.catalog.fleet import Fleet

PueOption = Annotated[
    float | None,
    typer.Option(metavar="RATIO", help="What the site draws over what its devices draw; that of the fleet, else 1."),
]
ElectricityOption = Annotated[
    str | None,
    typer.Option(metavar="PRICE", help="Price of electricity, such as '0.08 USD/kWh'; for owned devices."),
]


def powered_fleet(name: str, pue: float | None, electricity: str | None) -> Fleet:
    """Return a fleet by name or path, its energy changed by what is given.

    Raises
    ------
    InputError
        If there is no such fleet, a PUE is below 1 or a price has no unit.
    """
    from placer.catalog.loader import load_fleet
    from placer.catalog.price import Energy
    from placer.validate import validated

    fleet = load_fleet(name)
    given = {"pue": pue, "electricity": electricity}
    changes = {field: value for field, value in given.items() if value is not None}
    if not changes:
        return fleet
    stated = fleet.energy.model_dump(mode="json") if fleet.energy else {}
    where = "--pue, --electricity" if len(changes) > 1 else f"--{next(iter(changes))}"
    return fleet.model_copy(update={"energy": validated(Energy, stated | changes, where)})
