"""``placer roofline``: a decode step against the peaks of a device."""

from __future__ import annotations

from typing import Annotated

import typer

from placer.cli.model import ModelArgument
from placer.cli.output import emit, render
from placer.cli.precision import ExpertsOption, KvOption, WeightsOption, with_formats
from placer.errors import InputError


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("roofline")(roofline_command)


def roofline_command(  # noqa: PLR0913 the parameters are the options of the command
    *,
    model: ModelArgument,
    device: Annotated[str, typer.Option(metavar="DEVICE", help="Device of the catalog.")],
    batch: Annotated[str, typer.Option(metavar="NUMBER", help="Sequences decoded together; several as 1,8,64.")] = "1",
    context: Annotated[
        str, typer.Option(metavar="TOKENS", help="Tokens in the KV cache, such as 8192 or 8k; several as 1k,8k,128k.")
    ] = "8192",
    weights: WeightsOption = None,
    experts: ExpertsOption = None,
    kv: KvOption = None,
    routing: Annotated[
        str,
        typer.Option(metavar="PROFILE", help="How tokens spread over experts, for --hot; as placer plan takes it."),
    ] = "uniform",
    hot: Annotated[int, typer.Option(metavar="NUMBER", help="Hottest experts of a layer that lie elsewhere.")] = 0,
    tps_user: Annotated[
        float | None, typer.Option(metavar="RATE", help="Tell the time a layer has at this speed of a user.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what arithmetic alone allows: what binds each op, the least devices, the share of the FFN, experts, hops."""
    from placer.catalog.loader import load_device
    from placer.cli import workload as given
    from placer.graph import roofline as roof
    from placer.graph import what_if
    from placer.graph.lower import lower
    from placer.model.catalog import load_model
    from placer.report.roofline import RooflineAnswer, render_roofline
    from placer.scenario.routing import RoutingProfile
    from placer.units import parse_count
    from placer.validate import validated

    if hot < 0:
        raise InputError(f"expected a number of experts, got {hot}", where="--hot")
    if tps_user is not None and not 0 < tps_user < float("inf"):
        raise InputError(f"expected tokens per second above zero, got {tps_user}", where="--tps-user")
    batches = tuple(parse_count(one.strip(), "--batch") for one in batch.split(","))
    contexts = tuple(parse_count(one.strip(), "--context") for one in context.split(","))
    profile = validated(RoutingProfile, given.routing(routing), "--routing")
    spec = with_formats(load_model(model), weights=weights, experts=experts, kv=kv)
    lowered = lower(spec)
    found = roof.roofline(lowered, load_device(device), batches, contexts)
    answer = RooflineAnswer(
        roofline=found,
        experts=what_if.expert_use(lowered, profile, hot, batches),
        hops=what_if.hops(lowered, tps_user),
        ffn_speed_ups=what_if.ffn_speed_ups(found.ffn_time_share),
    )
    if json_:
        emit(answer.to_json(), None)
    else:
        render(render_roofline(answer))
