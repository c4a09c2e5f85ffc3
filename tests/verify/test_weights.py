import pytest

from placer.catalog.device import Device, MemoryTier
from placer.catalog.kernel import KernelModel
from placer.graph.op import Matrix, Op, OpKind, ParameterKind, Vector
from placer.model.precision import WeightFormat
from placer.verify.recompute.weights import shard_bytes, shard_flops

ATTENTION = ParameterKind.ATTENTION


def make_device(*peaks, dequantises=True):
    return Device(
        name="chip",
        memory=(MemoryTier(tier="hbm", capacity="1 GB", bandwidth="1 GB/s"),),
        peak=dict.fromkeys(peaks, "1 TFLOP/s"),
        dequantises=dequantises,
        kernels=tuple(
            KernelModel(family=family, floor="1 us", mbu=1.0, mfu=1.0) for family in ("gemm", "attention", "moe")
        ),
        power="1 W",
        price={"tco": "1 USD/h"},
    )


def make_op(weight_format):
    """A 32x64 matrix in up to 8 parts, one in up to 2, a replicated one, and ten numbers in BF16."""
    matrices = tuple(Matrix(32, 64, weight_format, ATTENTION, parts) for parts in (8, 2, 1))
    return Op(OpKind.ATTENTION_PROJECTION, matrices, (Vector(10, ATTENTION),))


def test_the_largest_of_uneven_parts_counts():
    # 4096 B over three and five are 1365.33 and 819.2: some device has the next whole byte
    for cuts, largest in ((3, 1366), (5, 820)):
        assert shard_bytes(make_op(WeightFormat.BF16), make_device("bf16"), cuts) == 20 + largest + 2048 + 4096


@pytest.mark.parametrize(("cuts", "parts"), [(1, 3), (2, 2), (4, 1.75), (8, 1.625), (16, 1.625)])
def test_matrices_are_cut_as_often_as_they_allow_and_vectors_never(cuts, parts):
    op = make_op(WeightFormat.BF16)
    assert shard_bytes(op, make_device("bf16"), cuts) == 20 + 4096 * parts
    assert shard_flops(op, cuts) == 4096 * parts


@pytest.mark.parametrize(
    ("weight_format", "peaks", "dequantises", "matrix_bytes"),
    [
        (WeightFormat.MXFP4, ("bf16",), True, 1024 + 64),  # 4 bits, a byte of scale per 32 columns
        (WeightFormat.MXFP4, ("bf16", "fp8"), False, 2048 + 4),  # stored wider: FP8, one scale
        (WeightFormat.FP8_BLOCK, ("bf16", "fp8"), False, 2048 + 4),
        (WeightFormat.FP8_BLOCK, ("bf16",), False, 4096),
    ],
)
def test_formats_a_device_cannot_multiply_are_stored_wider(weight_format, peaks, dequantises, matrix_bytes):
    device = make_device(*peaks, dequantises=dequantises)
    assert shard_bytes(make_op(weight_format), device, 1) == 20 + 3 * matrix_bytes
