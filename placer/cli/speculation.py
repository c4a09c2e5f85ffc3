"""Options of ``placer plan`` about speculative decoding: who drafts, how far, how much is accepted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Annotated

import typer

from placer.errors import InputError

if TYPE_CHECKING:
    from placer.scenario.speculation import Speculation

#: The name of a model's own modules.
MTP = "mtp"
#: Options by the field they set.
_OPTIONS = {"max_draft_tokens": "--max-draft", "pool": "--draft-pool", "overlap": "--draft-overlap"}
_EXPECTED = "a number such as 0.8, one for each token such as 0.9,0.8,0.7, or a file"

SpeculateOption = Annotated[
    str | None,
    typer.Option(
        metavar="DRAFTER",
        help="Draft tokens and verify them together: mtp (modules of the model's own) or a draft model.",
    ),
]
AcceptanceOption = Annotated[
    str | None,
    typer.Option(
        metavar="CHANCE",
        help="Chance that a drafted token is accepted if all before it were: one for all, such as 0.8, one for each, "
        "such as 0.9,0.8,0.7, or a file with tokens gained a step by tokens drafted.",
    ),
]
MaxDraftOption = Annotated[
    int | None, typer.Option(metavar="NUMBER", help="Most tokens drafted in a step; 8 by default.")
]
DraftPoolOption = Annotated[
    str | None,
    typer.Option(metavar="POOL", help="Pool whose devices run the draft model; those of the LM head by default."),
]
DraftOverlapOption = Annotated[
    bool,
    typer.Option("--draft-overlap", help="Draft for the next step while this one is verified; with --draft-pool."),
]


def speculation(drafter: str | None, acceptance: str | None, given: Mapping[str, object]) -> Speculation | None:
    """Return what the options say, None where nothing is drafted.

    Parameters
    ----------
    drafter, acceptance
        As written.
    given
        ``max_draft_tokens``, ``pool`` and ``overlap`` of `Speculation`; None = absent.

    Raises
    ------
    InputError
        Naming the option that is missing, senseless, or wrong.
    """
    if drafter is None:
        names = {"--acceptance": acceptance} | {_OPTIONS[name]: value for name, value in given.items()}
        for name, value in names.items():
            if value not in (None, False):
                raise InputError("expected --speculate beside it: without it nothing is drafted", where=name)
        return None
    if acceptance is None:
        raise InputError(f"expected --acceptance beside it: {_EXPECTED}", where="--speculate")
    from placer.model.catalog import load_model
    from placer.scenario.speculation import Speculation
    from placer.validate import validated

    is_mtp = drafter.casefold() == MTP
    fields: dict[str, object] = {"kind": MTP} if is_mtp else {"kind": "model", "draft": load_model(drafter)}
    fields["acceptance"] = _acceptance(acceptance)
    fields |= {name: value for name, value in given.items() if value is not None}
    return validated(Speculation, fields, "--speculate")


def _acceptance(text: str) -> object:
    """Return a number, several, or what a file holds."""
    from placer.files import parse_mapping, read_text

    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        path = Path(text)
        if not path.is_file():
            raise InputError(f"expected {_EXPECTED}, got {text!r}", where="--acceptance") from None
        # Numbers are no names of fields: the file becomes the value of one.
        held = parse_mapping(f"acceptance:\n{indent(read_text(path), '  ')}", text)["acceptance"]
        if not isinstance(held, dict):
            raise InputError("expected tokens gained a step by tokens drafted, such as 3: 2.9", where=text) from None
        return {_depth(key, text): value for key, value in held.items()}
    for number in numbers:
        if not 0.0 <= number <= 1.0:
            raise InputError(f"expected chances between 0 and 1, got {number:g}", where="--acceptance")
    return numbers[0] if len(numbers) == 1 else tuple(numbers)


def _depth(key: object, where: str) -> int:
    """Return a number of drafted tokens that is the key of a table."""
    try:
        return int(str(key))
    except ValueError:
        raise InputError(f"expected a whole number of drafted tokens, got {key!r}", where=where) from None
