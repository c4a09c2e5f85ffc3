"""What a person reads of a verification."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from placer.report.table import new_table
from placer.verify.finding import VerificationReport


def render_verification(report: VerificationReport) -> Group:
    """Return the checks, what they looked at, and every finding."""
    table = new_table("check", "result", "what")
    for check in report.checks:
        result = "skipped" if check.skipped else "passed" if check.passed else "FAILED"
        table.add_row(check.name, result, check.what)
    parts: list[RenderableType] = [table, ""]
    parts += [Text(str(finding)) for finding in report.findings]
    parts.append(Text(f"{report.status}", style="bold"))
    return Group(*parts)
