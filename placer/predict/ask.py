"""Predicting from names and degrees: what ``placer predict`` and the library ask."""

from __future__ import annotations

from placer.catalog.engine import ServingEngine
from placer.catalog.fleet import Fleet
from placer.catalog.loader import load_engine, load_fleet
from placer.graph.lower import lower
from placer.model.catalog import load_model
from placer.model.served import served_as
from placer.model.spec import ModelSpec
from placer.predict.prediction import Prediction
from placer.scenario.routing import RoutingProfile
from placer.validate import validated


def predict(  # noqa: PLR0913 a deployment has this many parts, most with defaults
    model: ModelSpec | str,
    device: str,
    *,
    batch: int,
    isl: int,
    osl: int,
    tp: int = 1,
    pp: int = 1,
    dp: int = 1,
    ep: int | None = None,
    num_devices: int | None = None,
    weights: str | None = None,
    experts: str | None = None,
    kv: str | None = None,
    routing: RoutingProfile | None = None,
    is_prefill_elsewhere: bool = False,
    fleet: Fleet | str | None = None,
    engine: ServingEngine | str | None = None,
) -> Prediction:
    """Predict TTFT, TPOT, rates and memory of a deployment that somebody already runs; no search.

    Parameters
    ----------
    model
        A spec, a catalog id or alias, or a path.
    device
        Device of the catalog, or of ``fleet``.
    batch
        Requests decoding at once on each data-parallel rank.
    isl, osl
        Input and output tokens of a request.
    tp, pp, dp, ep
        Tensor-parallel degree, pipeline stages, data-parallel ranks of attention, expert-parallel ranks; ``ep`` is 1
        by default, or ``tp x dp`` where there are data-parallel ranks.
    num_devices
        Must be ``tp x dp x pp``.
    weights, experts, kv
        How the model is served; ``fp8`` and ``fp4`` of weights are widths: what the checkpoint stores narrower stays,
        and the KV cache is FP8. As the checkpoint by default.
    routing
        How tokens spread over experts; uniform by default.
    is_prefill_elsewhere
        Whether other devices prefill, so that steps only decode.
    fleet
        Where links are taken from; the catalog by default.
    engine
        Serving engine, or its name in the catalog; the device's by default.

    Returns
    -------
    Prediction
        The contents of ``placer predict --json``.

    Raises
    ------
    InputError
        If a name is unknown, the degrees do not go together, or the weights do not fit.
    """
    from placer.predict.configuration import Configuration  # noqa: PLC0415
    from placer.predict.predict import predict as predict_lowered  # noqa: PLC0415

    degrees = {"tp": tp, "pp": pp, "dp": dp, "ep": ep or (tp * dp if dp > 1 else 1)}
    fields = {"device": device, "num_devices": num_devices or tp * dp * pp, "batch": batch, "isl": isl, "osl": osl}
    asked = {**fields, **degrees, "is_prefill_elsewhere": is_prefill_elsewhere}
    spec = load_model(model) if isinstance(model, str) else model
    return predict_lowered(
        lower(served_as(spec, weights=weights, experts=experts, kv=kv)),
        validated(Configuration, asked, "configuration"),
        load_engine(engine) if isinstance(engine, str) else engine,
        fleet=load_fleet(fleet) if isinstance(fleet, str) else fleet,
        routing=routing,
    )
