"""What a verification reports: findings, one result per check, and the figures derived anew."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Finding(BaseModel):
    """One thing that is wrong with a plan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    where: str
    message: str
    expected: str | None = None
    found: str | None = None

    def __str__(self) -> str:
        """Return the finding on one line."""
        values = [f"expected {self.expected}"] if self.expected is not None else []
        values += [f"found {self.found}"] if self.found is not None else []
        return f"{self.check}: {self.where}: {self.message}" + (f" ({', '.join(values)})" if values else "")


class CheckResult(BaseModel):
    """How one check ended; ``what`` says what it covers, or why it was skipped (then it did not pass)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    passed: bool
    what: str
    skipped: bool = False


class RecomputedMetrics(BaseModel):
    """Figures derived from the placement alone, and from the step time said to be achieved where the law allows it.

    Those of requests and input tokens only where prefill is planned.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    law_step_time_s: float
    step_time_s: float
    path_s: float
    tokens_per_s_per_user: float
    tokens_per_s: float
    capacity_tokens_per_s: float
    users: int
    usd_per_hour: float
    usd_per_million_output_tokens: float
    power_w: float
    joules_per_token: float
    tokens_per_s_per_mw: float | None
    requests_per_s: float | None = None
    ttft_s: float | None = None
    ttft_p99_s: float | None = None
    usd_per_million_input_tokens: float | None = None
    usd_per_request: float | None = None


class VerificationReport(BaseModel):
    """All checks of one plan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["verified", "rejected"]
    checks: tuple[CheckResult, ...]
    findings: tuple[Finding, ...] = ()
    recomputed: RecomputedMetrics | None = None
    note: str = ""

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that found something."""
        return tuple(check.name for check in self.checks if not check.passed and not check.skipped)
