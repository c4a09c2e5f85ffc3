"""Options with a unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placer.errors import InputError, UnitError

if TYPE_CHECKING:
    from placer.units import Dimension


def quantity(text: str, dimension: Dimension, option: str) -> float:
    """Return a quantity of an option in its base unit.

    Raises
    ------
    InputError
        If it is none, or not above zero; the message names the option.
    """
    from placer.units import parse_quantity

    try:
        value = parse_quantity(text, dimension)
    except UnitError as error:
        raise InputError(error.message, where=option) from error
    if value <= 0:
        raise InputError(f"expected more than nothing, got {text!r}", where=option)
    return value
