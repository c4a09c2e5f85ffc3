"""What one step does for a sequence: tokens that pass through the model, tokens it gains, and who drafts them."""

from __future__ import annotations

from dataclasses import dataclass

from placer.cost.shape import GroupShape
from placer.graph.drafter import Drafter, lower_drafter
from placer.scenario.scenario import Scenario


@dataclass(frozen=True)
class StepLoad:
    """A step with so many drafted tokens.

    Attributes
    ----------
    draft_tokens
        Tokens drafted of every sequence, ``g``; 0 is plain decode.
    gained
        Tokens a sequence gains on average, ``E``.
    drafter
        What drafts; None in plain decode.
    beside
        Devices of another pool that draft for a replica, one stage; None where those of the LM head do.
    is_overlapped
        Whether those draft for the next step while this one is verified.
    """

    draft_tokens: int = 0
    gained: float = 1.0
    drafter: Drafter | None = None
    beside: GroupShape | None = None
    is_overlapped: bool = False

    @property
    def width(self) -> int:
        """Tokens of a sequence that pass through the model together."""
        return self.draft_tokens + 1

    @property
    def ids(self) -> int:
        """Token ids of a sequence that go to the drafter, the model's own and accepted ones, and come back."""
        return self.width + self.draft_tokens


#: A step of plain decode.
PLAIN = StepLoad()


def step_load(scenario: Scenario, draft_tokens: int, beside: GroupShape | None = None) -> StepLoad:
    """Return the step of a scenario with so many drafted tokens; ``beside`` drafts, if not the LM head's devices."""
    if draft_tokens == 0 or scenario.speculation is None:
        return PLAIN
    speculation = scenario.speculation
    drafter, gained = lower_drafter(speculation, scenario.model), speculation.gained(draft_tokens)
    return StepLoad(draft_tokens, gained, drafter, beside, speculation.overlap)


def in_steps(scenario: Scenario, gained: float) -> Scenario:
    """Return a scenario whose unit of output is a step of a sequence, not a token.

    A sequence that gains ``E`` tokens in a step needs ``E`` times fewer steps: targets in tokens become targets in
    steps. A price per step of it is a price per token times ``E``.
    """
    if gained == 1.0:
        return scenario
    target = scenario.target
    rate = None if target.tokens_per_s is None else target.tokens_per_s / gained
    per_user = target.tokens_per_s_per_user / gained
    changed = target.model_copy(update={"tokens_per_s_per_user": per_user, "tokens_per_s": rate})
    return scenario.model_copy(update={"target": changed})
