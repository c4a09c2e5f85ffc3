"""What a calibration found: data only, for reports, files and JSON."""

from __future__ import annotations

import statistics

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from placer.catalog.device import Device
from placer.catalog.kernel import KernelFamily


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Machine(_Data):
    """What was measured, and with what."""

    title: str = Field(description="processor or accelerator")
    kind: str = Field(description="cpu or cuda")
    threads: int
    memory_bytes: int
    reserve: float = Field(description="share of the memory that was taken before anything was measured")
    software: str = Field(description="versions the kernels come from")
    date: str


class MeasuredRate(_Data):
    """A peak, in bytes or FLOPs a second."""

    name: str
    per_s: float
    spread: float = Field(description="interquartile range of the undisturbed timings over their median")


class MeasuredRow(_Data):
    """One measured block, for those who want to fit it otherwise."""

    family: KernelFamily
    what: str
    launches: int
    moved_bytes: float
    flops: float
    seconds: float = Field(description="what the fit saw: of decoder steps, without attention")
    spread: float = Field(description="interquartile range over the median")


class FamilyResult(_Data):
    """A kernel family: what was fitted, and how wrong it is on rows the fit did not see."""

    family: KernelFamily
    floor_s: float
    bytes_per_s: float
    flop_per_s: float
    sharpness: float | None = Field(default=None, description="1: streaming and computing follow each other")
    num_fitted: int
    num_held_out: int
    median_error: float
    p90_error: float
    spread: float = Field(description="of the rows' timings, the median over rows")


class ProofPoint(_Data):
    """One batch and context of the real decoder."""

    batch: int
    context: int
    measured_s: float = Field(description="median of its undisturbed steps")
    spread: float = Field(description="interquartile range over the median")
    predicted_s: float

    @property
    def error(self) -> float:
        """Predicted over measured, less one."""
        return self.predicted_s / self.measured_s - 1.0


class Proof(_Data):
    """A real decoder against its prediction."""

    decoder: str
    software: str
    points: tuple[ProofPoint, ...]

    @property
    def median_error(self) -> float:
        """Median of the absolute errors."""
        return statistics.median(abs(point.error) for point in self.points)

    @property
    def p90_error(self) -> float:
        """90th percentile of the absolute errors."""
        return float(np.quantile([abs(point.error) for point in self.points], 0.9))


class Calibration(_Data):
    """All that was measured of a machine."""

    machine: Machine
    rates: tuple[MeasuredRate, ...]
    bandwidth_bytes_per_s: float
    peak_flop_per_s: float
    families: tuple[FamilyResult, ...]
    rows: tuple[MeasuredRow, ...] = ()


class CalibrationResult(_Data):
    """The answer of ``placer calibrate``."""

    device: Device
    calibration: Calibration
    proof: Proof | None = None
    median_error: float | None = Field(default=None, description="of the proof, over its points")
    p90_error: float | None = Field(default=None, description="of the proof, over its points")

    def to_json(self) -> str:
        """Return JSON text with a line break at the end."""
        return self.model_dump_json(indent=2) + "\n"
