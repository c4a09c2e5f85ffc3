"""How weights, KV cache and activations are stored, to the byte.

A format says bits per element and the scales that travel with them. What a device computes in is another
matter (``catalog.device``): an H100 holds MXFP4 experts and multiplies in BF16.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class WeightFormat(StrEnum):
    """Storage of a weight matrix."""

    BF16 = "bf16"
    FP8 = "fp8"
    FP8_BLOCK = "fp8-block128"
    INT8 = "int8"
    MXFP4 = "mxfp4"
    NVFP4 = "nvfp4"


class ElementFormat(StrEnum):
    """Storage of KV cache or activations."""

    BF16 = "bf16"
    FP8 = "fp8"

    @property
    def element_bytes(self) -> int:
        """Bytes per element."""
        return 2 if self is ElementFormat.BF16 else 1


class ComputePrecision(StrEnum):
    """What the multipliers of a device work in."""

    BF16 = "bf16"
    FP8 = "fp8"
    INT8 = "int8"
    FP4 = "fp4"


@dataclass(frozen=True)
class FormatLayout:
    """Bits and scales of a format: one scale per block of rows x columns; 0 rows means the whole matrix."""

    bits: int
    native_compute: ComputePrecision
    block_rows: int = 0
    block_columns: int = 0
    scale_bytes: int = 0


#: FP8 block: DeepSeek-V3 report section 3.3; MXFP4: OCP MX v1.0; NVFP4: 16-element FP8 scales and one FP32.
LAYOUTS: dict[WeightFormat, FormatLayout] = {
    WeightFormat.BF16: FormatLayout(16, ComputePrecision.BF16),
    WeightFormat.FP8: FormatLayout(8, ComputePrecision.FP8, scale_bytes=4),
    WeightFormat.FP8_BLOCK: FormatLayout(8, ComputePrecision.FP8, 128, 128, 4),
    WeightFormat.INT8: FormatLayout(8, ComputePrecision.INT8, scale_bytes=4),
    WeightFormat.MXFP4: FormatLayout(4, ComputePrecision.FP4, 1, 32, 1),
    WeightFormat.NVFP4: FormatLayout(4, ComputePrecision.FP4, 1, 16, 1),
}


def matrix_bytes(rows: int, columns: int, weight_format: WeightFormat) -> int:
    """Return the bytes of one stored matrix, its scales included.

    Parameters
    ----------
    rows, columns
        Output and input features.
    weight_format
        How it is stored.

    Examples
    --------
    >>> matrix_bytes(128, 256, WeightFormat.FP8_BLOCK)  # two blocks, two FP32 scales
    32776
    """
    layout = LAYOUTS[weight_format]
    elements = -(-rows * columns * layout.bits // 8)
    if not layout.scale_bytes:
        return elements
    if not layout.block_rows:
        return elements + layout.scale_bytes
    blocks = -(-rows // layout.block_rows) * -(-columns // layout.block_columns)
    return elements + blocks * layout.scale_bytes


class Precision(BaseModel):
    """Storage per module; norms, biases and attention sinks are always BF16."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attention: WeightFormat = WeightFormat.BF16
    dense_ffn: WeightFormat = WeightFormat.BF16
    experts: WeightFormat = WeightFormat.BF16
    shared_experts: WeightFormat = WeightFormat.BF16
    ssm: WeightFormat = WeightFormat.BF16
    router: WeightFormat = WeightFormat.BF16
    embedding: WeightFormat = WeightFormat.BF16
    lm_head: WeightFormat = WeightFormat.BF16
    kv: ElementFormat = ElementFormat.BF16
    dispatch: ElementFormat = ElementFormat.BF16

    def with_weights(self, weight_format: WeightFormat) -> Precision:
        """Return this with the linear layers of attention and FFN stored otherwise.

        Router, embedding and LM head keep their format, as published quantised checkpoints do.
        """
        names = ("attention", "dense_ffn", "experts", "shared_experts")
        update: dict[str, WeightFormat | ElementFormat] = dict.fromkeys(names, weight_format)
        if LAYOUTS[weight_format].bits <= 8:
            update["dispatch"] = ElementFormat.FP8
        return self.model_copy(update=update)

    def with_kv(self, element_format: ElementFormat) -> Precision:
        """Return this with the KV cache stored otherwise."""
        return self.model_copy(update={"kv": element_format})
