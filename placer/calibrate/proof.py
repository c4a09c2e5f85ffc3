"""The proof: a real decoder's time per token against what the planner says for the device just measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from placer.calibrate.decoder import Decoder
from placer.calibrate.measure import Call, Sample
from placer.calibrate.predict import step_s
from placer.calibrate.result import Proof, ProofPoint
from placer.calibrate.shapes import Shape
from placer.catalog.device import Device

#: No shape that is measured for the fit; its weights are several times a last-level cache.
SHAPE = Shape(1024, 16, 4, 64, 2816, vocab_size=32000, num_layers=8)
TITLE = "Llama, 8 layers, hidden 1024, 16 heads over 4 KV heads, FFN 2816, vocabulary 32000, BF16, random weights"
BATCHES = (1, 2, 4, 8, 16)
CONTEXTS = (128, 512, 1024, 2048)


@dataclass(frozen=True)
class Point:
    """Sequences, and tokens each of them has."""

    batch: int
    context: int


def proof_tasks(decoder: Decoder) -> dict[Point, Callable[[], Call]]:
    """Return a step at every batch and context."""
    points = [Point(batch, context) for batch in BATCHES for context in CONTEXTS]
    return {point: partial(decoder.step, point.batch, point.context) for point in points}


def compare(device: Device, decoder: Decoder, measured: Mapping[Point, Sample]) -> Proof:
    """Return the decoder's times beside their predictions.

    Parameters
    ----------
    device
        As calibrated, without the decoder.
    decoder
        What ran.
    measured
        Its steps.
    """
    return Proof(
        decoder=TITLE,
        software=decoder.software,
        points=tuple(
            ProofPoint(
                batch=point.batch,
                context=point.context,
                measured_s=sample.seconds,
                spread=sample.spread,
                predicted_s=step_s(device, decoder.graph, point.batch, point.context),
            )
            for point, sample in measured.items()
        ),
    )
