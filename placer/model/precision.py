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
    FP8_CHANNEL = "fp8-channel"
    INT8 = "int8"
    INT8_CHANNEL = "int8-channel"
    INT4_G32 = "int4-g32"
    INT4_G64 = "int4-g64"
    INT4_G128 = "int4-g128"
    INT4_G32_ZERO = "int4-g32-zero"
    INT4_G64_ZERO = "int4-g64-zero"
    INT4_G128_ZERO = "int4-g128-zero"
    MXFP4 = "mxfp4"
    NVFP4 = "nvfp4"
    FP32 = "fp32"
    Q8_0 = "q8_0"
    Q5_0 = "q5_0"
    Q4_0 = "q4_0"
    Q6_K = "q6_k"
    Q5_K = "q5_k"
    Q4_K = "q4_k"
    Q3_K = "q3_k"
    Q2_K = "q2_k"
    IQ4_NL = "iq4_nl"
    IQ4_XS = "iq4_xs"


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
    """Bits and scales of a format: one scale per block of rows x columns; 0 means all rows, or all columns.

    ``zero_bits`` are those of a zero point per block; ``tensor_bytes`` belong to a whole stored tensor.
    """

    bits: int
    native_compute: ComputePrecision
    block_rows: int = 0
    block_columns: int = 0
    scale_bytes: int = 0
    zero_bits: int = 0
    tensor_bytes: int = 0


def _int4(group: int, zero_bits: int = 0) -> FormatLayout:
    return FormatLayout(4, ComputePrecision.BF16, 1, group, 2, zero_bits)


def _ggml(bits: int, block: int, block_bytes: int) -> FormatLayout:
    return FormatLayout(bits, ComputePrecision.BF16, 1, block, block_bytes - block * bits // 8)


#: FP8 block: DeepSeek-V3 report section 3.3. Channel: a BF16 scale per row (compressed-tensors, ``strategy: channel``).
#: INT4: 16-bit scales per group of inputs, with 4-bit zero points where asymmetric (AWQ, GPTQ, compressed-tensors);
#: weights only, so multiplied in BF16. MXFP4: OCP MX v1.0. NVFP4: an FP8 scale per 16 elements, and per tensor FP32
#: scales of weights and inputs (modelopt's ``weight_scale_2``, ``input_scale``). Q and IQ: blocks of GGUF files with
#: all their scales (ggml's ``GGML_QUANT_SIZES``).
LAYOUTS: dict[WeightFormat, FormatLayout] = {
    WeightFormat.BF16: FormatLayout(16, ComputePrecision.BF16),
    WeightFormat.FP8: FormatLayout(8, ComputePrecision.FP8, scale_bytes=4),
    WeightFormat.FP8_BLOCK: FormatLayout(8, ComputePrecision.FP8, 128, 128, 4),
    WeightFormat.FP8_CHANNEL: FormatLayout(8, ComputePrecision.FP8, 1, 0, 2),
    WeightFormat.INT8: FormatLayout(8, ComputePrecision.INT8, scale_bytes=4),
    WeightFormat.INT8_CHANNEL: FormatLayout(8, ComputePrecision.INT8, 1, 0, 2),
    WeightFormat.INT4_G32: _int4(32),
    WeightFormat.INT4_G64: _int4(64),
    WeightFormat.INT4_G128: _int4(128),
    WeightFormat.INT4_G32_ZERO: _int4(32, 4),
    WeightFormat.INT4_G64_ZERO: _int4(64, 4),
    WeightFormat.INT4_G128_ZERO: _int4(128, 4),
    WeightFormat.MXFP4: FormatLayout(4, ComputePrecision.FP4, 1, 32, 1),
    WeightFormat.NVFP4: FormatLayout(4, ComputePrecision.FP4, 1, 16, 1, tensor_bytes=8),
    WeightFormat.FP32: FormatLayout(32, ComputePrecision.BF16),
    WeightFormat.Q8_0: _ggml(8, 32, 34),
    WeightFormat.Q5_0: _ggml(5, 32, 22),
    WeightFormat.Q4_0: _ggml(4, 32, 18),
    WeightFormat.Q6_K: _ggml(6, 256, 210),
    WeightFormat.Q5_K: _ggml(5, 256, 176),
    WeightFormat.Q4_K: _ggml(4, 256, 144),
    WeightFormat.Q3_K: _ggml(3, 256, 110),
    WeightFormat.Q2_K: _ggml(2, 256, 84),
    WeightFormat.IQ4_NL: _ggml(4, 32, 18),
    WeightFormat.IQ4_XS: _ggml(4, 256, 136),
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
    elements = -(-rows * columns * layout.bits // 8) + layout.tensor_bytes
    if not layout.scale_bytes:
        return elements
    blocks = -(-rows // (layout.block_rows or rows)) * -(-columns // (layout.block_columns or columns))
    return elements + blocks * layout.scale_bytes + -(-blocks * layout.zero_bits // 8)


def dispatch_format(experts: WeightFormat) -> ElementFormat:
    """Return the format tokens are sent to experts in: FP8 where those multiply in eight bits or fewer."""
    is_narrow = LAYOUTS[experts].native_compute is not ComputePrecision.BF16
    return ElementFormat.FP8 if is_narrow else ElementFormat.BF16


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
        names = ("attention", "dense_ffn", "experts", "shared_experts", "ssm")
        update: dict[str, WeightFormat | ElementFormat] = dict.fromkeys(names, weight_format)
        update["dispatch"] = dispatch_format(weight_format)
        return self.model_copy(update=update)

    def with_experts(self, weight_format: WeightFormat) -> Precision:
        """Return this with the routed experts stored otherwise; tokens travel to them as they are multiplied."""
        return self.model_copy(update={"experts": weight_format, "dispatch": dispatch_format(weight_format)})

    def with_kv(self, element_format: ElementFormat) -> Precision:
        """Return this with the KV cache stored otherwise."""
        return self.model_copy(update={"kv": element_format})
