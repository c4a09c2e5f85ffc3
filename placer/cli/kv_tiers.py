"""``placer kv-tiers``: where the KV cache of paused sessions waits."""

from __future__ import annotations

from typing import Annotated

import typer

from placer.cli.model import ModelArgument
from placer.cli.output import emit, render
from placer.cli.precision import ExpertsOption, KvOption, WeightsOption, with_formats


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("kv-tiers")(kv_tiers_command)


def kv_tiers_command(  # noqa: PLR0913 the parameters are the options of the command
    *,
    model: ModelArgument,
    device: Annotated[str, typer.Option(metavar="DEVICE", help="Device of the catalog, or of --fleet.")],
    context: Annotated[
        str, typer.Option(metavar="TOKENS", help="Tokens of a session at its pause, such as 32768 or 32k.")
    ],
    think_time: Annotated[str, typer.Option(metavar="TIME", help="Pause between two turns, such as 60s.")],
    turns: Annotated[int, typer.Option(metavar="NUMBER", help="Turns of a session.")] = 8,
    hit_rate: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of the turns that go on from what was kept.")
    ] = 1.0,
    compression: Annotated[
        float, typer.Option(metavar="FACTOR", help="How much smaller a KV cache is in tiers below HBM.")
    ] = 1.0,
    paused: Annotated[str, typer.Option(metavar="NUMBER", help="Sessions paused at once on a rank.")] = "1",
    tier: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TIER",
            help="A tier below HBM: a name of `placer tiers`, or per device nvme:8TB@12GB/s+80us; repeatable.",
        ),
    ] = None,
    draft: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Draft model on the same devices; its KV cache is counted.")
    ] = None,
    tp: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Devices of a rank; as few as hold a session by default.")
    ] = None,
    dp: Annotated[int, typer.Option(metavar="NUMBER", help="Data-parallel ranks that share the experts.")] = 1,
    cp: Annotated[
        str | None,
        typer.Option(metavar="NUMBERS", help="Also weigh splitting sequences over so many ranks, as 2,4,8."),
    ] = None,
    batch: Annotated[str, typer.Option(metavar="NUMBER", help="Sequences decoded at once, for --cp.")] = "1",
    fleet: Annotated[
        str | None, typer.Option(metavar="FLEET", help="Where links and prices are from; the catalog by default.")
    ] = None,
    weights: WeightsOption = None,
    experts: ExpertsOption = None,
    kv: KvOption = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say where the KV cache of paused sessions should wait: in HBM, in a tier below, or nowhere."""
    from placer.kv.ask import kv_tiers
    from placer.model.catalog import load_model
    from placer.report.kv_tiers import render_kv_tiers
    from placer.units import parse_count

    formats = {"weights": weights, "experts": experts, "kv": kv}
    answer = kv_tiers(
        with_formats(load_model(model), **formats),
        device,
        context=parse_count(context, "--context"),
        sessions={
            "turns": turns,
            "think_time": think_time,
            "prefix_hit_rate": hit_rate,
            "compression": compression,
        },
        paused=parse_count(paused, "--paused"),
        tiers=tuple(tier or ()),
        draft=with_formats(load_model(draft), kv=kv) if draft else None,
        tp=tp,
        dp=dp,
        cp=tuple(parse_count(one.strip(), "--cp") for one in cp.split(",")) if cp else (),
        batch=parse_count(batch, "--batch"),
        fleet=fleet,
    )
    if json_:
        emit(answer.to_json(), None)
    else:
        render(render_kv_tiers(answer))
