"""``placer balance``: experts and their replicas on the ranks of an expert-parallel group."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from placer.cli.output import emit, render


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("balance")(balance_command)


def balance_command(  # noqa: PLR0913 the parameters are the options of the command
    *,
    counts: Annotated[
        str,
        typer.Option(metavar="FILE", help="Tokens routed, [layer][expert]; FILE#NAME for one entry of a collection."),
    ],
    ranks: Annotated[int, typer.Option(metavar="NUMBER", help="Ranks of the expert-parallel group.")],
    slots: Annotated[
        int, typer.Option(metavar="NUMBER", help="Slots for experts on all ranks: a multiple of the ranks.")
    ],
    nodes: Annotated[int, typer.Option(metavar="NUMBER", help="Nodes of equally many ranks.")] = 1,
    groups: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER", help="Expert groups that routing keeps together; kept in one node where that is free."
        ),
    ] = None,
    affinity: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Tokens that chose an expert in a layer and another in the next, [layer][expert][expert]: ranks are "
            "relabelled so that tokens stay in their node.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="NUMBER", help="Seed of the search.")] = 0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write JSON to this file.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Place and replicate experts on ranks, layer by layer: the fullest rank, and what none can beat."""
    from placer.balance.files import read_affinity, read_counts
    from placer.balance.report import balance_layers
    from placer.report.balance import render_balance

    table = read_counts(counts)
    together = None if affinity is None else read_affinity(affinity)
    report = balance_layers(table, ranks, slots, nodes, together, groups=groups, seed=seed)
    if output is not None:
        emit(report.to_json(), output)
    if json_:
        emit(report.to_json(), None)
    else:
        render(render_balance(report))
