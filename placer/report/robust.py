"""What a person reads of a plan for several routings."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from placer.plan.plan import Plan
from placer.report.table import new_table
from placer.units import format_seconds


def robust_lines(plan: Plan) -> list[RenderableType]:
    """Return a table of the plan under every routing, with what other choices of experts cost; nothing for one."""
    report, asked = plan.robust, plan.scenario.robust
    if report is None or asked is None:
        return []
    table = new_table(
        "routing",
        ">share",
        ">step",
        ">$/M",
        ">own plan",
        ">loss",
        ">experts picked here: worst loss",
        title="under every routing",
    )
    for share, figures, choice in zip(report.mixture, report.profiles, report.choices, strict=True):
        missed = f", misses {len(choice.misses)}" if choice.misses else ""
        table.add_row(
            figures.name,
            f"{share:.0%}",
            format_seconds(figures.step_time_s),
            f"{figures.usd_per_million_output_tokens:.4g}",
            f"{figures.own_usd_per_million_output_tokens:.4g}",
            f"{figures.loss:+.1%}",
            f"{choice.worst_loss:+.1%}{missed}",
        )
    line = (
        f"{asked.objective} price ${report.usd_per_million_output_tokens:.4g}/M; if every routing had its own plan "
        f"${report.hindsight_usd_per_million_output_tokens:.4g}/M (bound "
        f"${report.hindsight_bound_usd_per_million_output_tokens:.4g}/M); against experts picked for each on these "
        f"groups, at most {report.worst_loss:+.1%}"
    )
    return ["", table, Text(line)]
