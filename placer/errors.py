"""The errors placer raises; infeasible and undecided are answers, not errors.

PlacerError
├─ InputError            exit 2: the user can fix it; says where, what was expected, the nearest name
│  ├─ UnitError          a quantity without a unit, or with the wrong one
│  ├─ CatalogError       a device, link, pool or fleet
│  │  └─ MissingFiguresError  a fleet file with figures still to be filled in
│  ├─ ModelConfigError   a model file
│  └─ ScenarioError      model, fleet, workload and target do not go together
├─ VerificationError     exit 4: a plan and its certificate disagree
└─ InternalError         exit 70: our bug
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable


class PlacerError(Exception):
    """Root of everything placer raises on purpose."""

    exit_code = 70


class InputError(PlacerError):
    """Raised for input the user can fix.

    Parameters
    ----------
    message
        What is wrong and what was expected, one line.
    where
        File and field, such as ``fleets/lab.yaml: pools[1].device``.
    """

    exit_code = 2

    def __init__(self, message: str, *, where: str = "") -> None:
        self.where = where
        self.message = message
        super().__init__(f"{where}: {message}" if where else message)

    def located(self, where: str) -> InputError:
        """Return the same error with its place put in front."""
        inner = f"{where}: {self.where}" if self.where else where
        return type(self)(self.message, where=inner)


class UnitError(InputError):
    """Raised for a quantity without a unit, or with one of another kind."""


class CatalogError(InputError):
    """Raised for a device, link, pool or fleet that cannot be read."""


class MissingFiguresError(CatalogError):
    """Raised for a fleet file with figures still to be filled in.

    Parameters
    ----------
    message
        What it is, one line.
    figures
        Every figure: its field, and what is wanted there.
    where
        The file, or the template.
    """

    def __init__(self, message: str, figures: tuple[tuple[str, str], ...], *, where: str = "") -> None:
        self.figures = figures
        super().__init__(message, where=where)


class ModelConfigError(InputError):
    """Raised for a model configuration that cannot be lowered exactly."""


class ScenarioError(InputError):
    """Raised when model, fleet, workload and target contradict each other."""


class VerificationError(PlacerError):
    """Raised when a plan and its certificate disagree."""

    exit_code = 4


class InternalError(PlacerError):
    """Raised when placer catches itself being wrong."""


def clipped(value: object) -> str:
    """Return a value as a message shows it: quoted, at most sixty characters.

    >>> clipped("h200-sxn")
    "'h200-sxn'"
    """
    shortened = reprlib.Repr()
    shortened.maxstring = shortened.maxother = shortened.maxlong = 60
    text = shortened.repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def nearest_hint(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean "x"?`` for the nearest known name, or nothing.

    >>> nearest_hint("h200-sxn", ["h200-sxm", "gb200"])
    '; did you mean "h200-sxm"?'
    """
    folded = {candidate.casefold(): candidate for candidate in known}
    matches = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    return f'; did you mean "{folded[matches[0]]}"?' if matches else ""
