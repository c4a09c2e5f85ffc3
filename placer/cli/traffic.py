"""``placer traffic``: what a trace tells about a workload."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from placer.cli.output import emit, render


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("traffic")(traffic_command)


def traffic_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Trace, benchmark result or file of lengths.")],
    *,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="mooncake, azure, burstgpt, vllm-bench or lengths; absent, the content tells.",
        ),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what a trace tells about a workload: lengths, contexts, prefix reuse, arrivals."""
    from placer.traffic.measure import measure
    from placer.traffic.readers.registry import read_traffic

    statistics = measure(read_traffic(file, format_))
    if json_:
        emit(statistics.model_dump_json(indent=2) + "\n", None)
        return
    from placer.report.traffic import render_traffic

    render(render_traffic(statistics))
