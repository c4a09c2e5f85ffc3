"""A claim, the plans that decide it, and the verdict that follows from their proofs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from benchmarks.studies.ask import Ask
from benchmarks.studies.record import Record


class Verdict(StrEnum):
    """What the plans say of a claim."""

    RIGHT = "RIGHT"
    WRONG = "WRONG"
    DEPENDS = "DEPENDS"
    UNDECIDED = "UNDECIDED BY OUR PROOFS"
    NOT_DECIDABLE = "NOT DECIDABLE: unpublished"


class Check(BaseModel):
    """One statement of a claim that plans decide."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str = Field(description="the statement, with its threshold")
    figure: str = Field(description="what the plans say")
    brief: str = Field(default="", description="the same in few words; the figure where empty")
    is_proven: bool = Field(default=True, description="whether bounds settle it; else it is read off the plans found")
    holds: bool | None = Field(description="whether the claim holds here; None = the proofs do not settle it")


#: Answers by ask.
Answers: TypeAlias = Mapping[Ask, Record]


class Claim(BaseModel):
    """A claim of the survey.

    ``checks`` looks at the answers only; the verdict is that of the checks, the advice that of the verdict.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(description="row of the survey")
    said: str = Field(description="the claim, in our words")
    where: str = Field(description="who said it")
    asks: dict[str, Ask] = Field(description="questions that decide it, by what they are called in the table")
    checks: Callable[[Answers], tuple[Check, ...]] = Field(description="from answers to statements")
    labels: tuple[str, ...] = Field(description="what the statements are about, in few words each")
    advice: dict[Verdict, str] = Field(description="what to do, by verdict; of those without there is a general one")
    particular: dict[tuple[bool | None, ...], str] = Field(
        default_factory=dict, description="what to do where exactly these checks hold, fail or are open; goes first"
    )
    is_for_buyers: bool = Field(default=False, description="whether the advice is among the first on the page")
    shows_power: bool = Field(default=False, description="whether the table of plans has tokens/s per MW")
    hangs: str = Field(default="", description="what the verdict hangs on beside estimated figures")
    see: str = Field(default="", description="where more of it is")

    def what_to_do(self, checks: tuple[Check, ...]) -> str:
        """Return the advice that follows from what holds, else from the verdict."""
        verdict = verdict_of(checks)
        general = self.advice.get(verdict, _GENERAL.get(verdict, ""))
        return self.particular.get(tuple(check.holds for check in checks), general)


_GENERAL = {
    Verdict.DEPENDS: "See which of these hold, and plan your own case.",
    Verdict.UNDECIDED: "Do not act on it: bounds and prices are too far apart to tell.",
    Verdict.NOT_DECIDABLE: "Ask the vendor for the figures that are missing, put them in, and plan.",
}


def verdict_of(checks: tuple[Check, ...]) -> Verdict:
    """Return what checks come to: all hold, none does, some do, or not settled.

    A claim that holds in one case and provably fails in another depends, whatever the open ones say.
    """
    said = {check.holds for check in checks}
    if not checks:
        return Verdict.NOT_DECIDABLE
    if {True, False} <= said:
        return Verdict.DEPENDS
    if None in said:
        return Verdict.UNDECIDED
    return Verdict.RIGHT if True in said else Verdict.WRONG
