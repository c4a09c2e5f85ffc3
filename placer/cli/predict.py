"""``placer predict``: TTFT, TPOT, rates and memory of a configuration that somebody already runs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from placer.cli.model import ModelArgument
from placer.cli.output import emit_json, render
from placer.cli.precision import ExpertsOption, KvOption, WeightsOption


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("predict")(predict_command)


def predict_command(  # noqa: PLR0913 the parameters are the options of the command
    *,
    model: ModelArgument,
    device: Annotated[str, typer.Option(metavar="DEVICE", help="Device of the catalog, such as h200-sxm.")],
    batch: Annotated[str, typer.Option(metavar="NUMBER", help="Requests decoding at once on each data-parallel rank.")],
    isl: Annotated[str, typer.Option(metavar="TOKENS", help="Input tokens of a request, such as 1024 or 8k.")],
    osl: Annotated[str, typer.Option(metavar="TOKENS", help="Output tokens of a request.")],
    num_devices: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Devices of the replica; tp x dp x pp by default.")
    ] = None,
    tp: Annotated[str, typer.Option(metavar="NUMBER", help="Tensor-parallel degree.")] = "1",
    pp: Annotated[str, typer.Option(metavar="NUMBER", help="Pipeline stages.")] = "1",
    ep: Annotated[
        str | None,
        typer.Option(metavar="NUMBER", help="Expert-parallel ranks; by default 1, or tp x dp if dp > 1."),
    ] = None,
    dp: Annotated[str, typer.Option(metavar="NUMBER", help="Data-parallel ranks of attention.")] = "1",
    weights: WeightsOption = None,
    experts: ExpertsOption = None,
    kv: KvOption = None,
    routing: Annotated[
        str,
        typer.Option(
            metavar="PROFILE",
            help="How tokens spread over experts: uniform, mixtral, mixed, domain, zipf:EXPONENT, or FILE.json[#NAME].",
        ),
    ] = "uniform",
    prefill_elsewhere: Annotated[
        bool, typer.Option("--prefill-elsewhere", help="Other devices prefill: steps only decode.")
    ] = False,
    fleet: Annotated[
        str | None,
        typer.Option(metavar="FLEET", help="Fleet that says how devices are linked; else the catalog's."),
    ] = None,
    engine: Annotated[
        str | None, typer.Option(metavar="ENGINE", help="Serving engine of the catalog, or a file; else the device's.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Predict TTFT, TPOT, rates and memory of a configuration, without a search."""
    from placer.api import predict
    from placer.cli import workload as given
    from placer.model.catalog import load_model
    from placer.model.served import served_as
    from placer.scenario.routing import RoutingProfile
    from placer.units import parse_count
    from placer.validate import validated

    asked = {"tp": tp, "pp": pp, "dp": dp, "ep": ep, "num_devices": num_devices, "batch": batch, "isl": isl, "osl": osl}
    counts: dict[str, Any] = {
        name: parse_count(text, "--" + name.replace("_", "-")) for name, text in asked.items() if text
    }
    prediction = predict(
        served_as(load_model(model), weights=weights, experts=experts, kv=kv, prefix="--"),
        device,
        **counts,
        routing=validated(RoutingProfile, given.routing(routing), "--routing"),
        is_prefill_elsewhere=prefill_elsewhere,
        fleet=fleet,
        engine=engine,
    )
    if json_:
        emit_json(prediction.model_dump(mode="json"))
    else:
        from placer.report.prediction import render_prediction

        render(render_prediction(prediction))
