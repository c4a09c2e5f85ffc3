"""How hard to search for the answers of a sweep, and by what means."""

from __future__ import annotations

from dataclasses import dataclass

from placer.errors import InputError
from placer.scenario.scenario import Scenario
from placer.sweep.engine import Engine
from placer.sweep.question import Question
from placer.sweep.solve import AnswerSink
from placer.sweep.store import Store


@dataclass(frozen=True)
class How:
    """How hard every question is searched.

    Attributes
    ----------
    relative_gap, budget_s, seed
        As of `Question`.
    """

    relative_gap: float = 0.009
    budget_s: float = 60.0
    seed: int = 0

    def assert_sane(self, saving: float) -> None:
        """Refuse numbers out of range.

        Parameters
        ----------
        saving
            Share of the cost a pool must save to pay.

        Raises
        ------
        InputError
            Naming the number.
        """
        if not 0.0 <= self.relative_gap < 1.0:
            raise InputError(f"expected a share in [0, 1), got {self.relative_gap!r}", where="gap")
        if not 0.0 < self.budget_s <= 1e6:
            raise InputError(f"expected seconds between 0 and 1e6, got {self.budget_s!r}", where="budget-s")
        if not self.relative_gap <= saving < 1.0:
            raise InputError(
                f"expected a share from the gap, {self.relative_gap:g}, to 1, got {saving:g}: with plans that far "
                "from their bounds no smaller saving can be ruled out",
                where="saving",
            )

    def question(self, scenario: Scenario) -> Question:
        """Return a scenario as a question; of refusals nobody asks the reason."""
        return Question(
            scenario=scenario,
            relative_gap=self.relative_gap,
            budget_s=self.budget_s,
            seed=self.seed,
            with_reason=False,
        )


@dataclass(frozen=True)
class Means:
    """Where to solve, where to keep answers, and who is told of them."""

    engine: Engine
    store: Store | None = None
    sink: AnswerSink | None = None
