import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.cost.shard import held_format, shard_flops_per_token, stored_shard_bytes
from placer.graph.op import Matrix, Op, OpKind, ParameterKind, Vector, matrix_flops
from placer.model.precision import ComputePrecision, WeightFormat

LAW = settings(derandomize=True, deadline=None)
KIND = ParameterKind.DENSE_FFN


def op_of(*matrices, vectors=()):
    return Op(OpKind.DENSE_FFN, tuple(matrices), tuple(vectors), flops_per_token=matrix_flops(tuple(matrices)))


def test_matrix_is_cut_and_vector_replicated(make_device):
    op = op_of(Matrix(1024, 512, WeightFormat.BF16, KIND, 1024), vectors=[Vector(100, KIND)])
    held = [stored_shard_bytes(op, shards, make_device()) for shards in (1, 2, 8)]
    assert held == [1_048_576 + 200, 524_288 + 200, 131_072 + 200]


def test_matrix_is_replicated_beyond_its_parts(make_device):
    # 8 KV heads over 16 ranks: every rank still holds a whole head.
    op = op_of(Matrix(1024, 512, WeightFormat.BF16, KIND, 8))
    assert stored_shard_bytes(op, 16, make_device()) == stored_shard_bytes(op, 8, make_device()) == 131_072
    assert shard_flops_per_token(op, 16) == shard_flops_per_token(op, 8) == 2 * 1024 * 512 / 8


def test_bytes_are_rounded_up(make_device):
    op = op_of(Matrix(3, 5, WeightFormat.BF16, KIND, 3))
    assert stored_shard_bytes(op, 4, make_device()) == 10
    assert stored_shard_bytes(op_of(Matrix(3, 5, WeightFormat.BF16, KIND, 4)), 4, make_device()) == 8


@pytest.mark.parametrize(
    ("peak", "dequantises", "stored", "bytes_held"),
    # 256 x 256 in MXFP4: 4 bits and a scale byte per 32, or as wide as the device must hold it.
    [
        ({"fp4": "1 TFLOP/s"}, True, WeightFormat.MXFP4, 256 * 256 // 2 + 256 * 8),
        ({"bf16": "1 TFLOP/s"}, True, WeightFormat.MXFP4, 256 * 256 // 2 + 256 * 8),
        ({"bf16": "1 TFLOP/s"}, False, WeightFormat.BF16, 256 * 256 * 2),
        ({"fp8": "1 TFLOP/s"}, False, WeightFormat.FP8, 256 * 256 + 4),
        ({"fp8": "1 TFLOP/s", "bf16": "1 TFLOP/s"}, False, WeightFormat.FP8, 256 * 256 + 4),
    ],
)
def test_device_holds_a_narrow_matrix_as_it_can(make_device, peak, dequantises, stored, bytes_held):
    op = op_of(Matrix(256, 256, WeightFormat.MXFP4, KIND, 256))
    device = make_device(peak=peak, dequantises=dequantises)
    assert held_format(op, device)[0] is stored
    assert stored_shard_bytes(op, 1, device) == bytes_held


def test_device_without_a_wide_enough_multiplier_refuses(make_device):
    op = op_of(Matrix(8, 8, WeightFormat.BF16, KIND, 8))
    with pytest.raises(LookupError, match="device cannot hold bf16"):
        stored_shard_bytes(op, 1, make_device(peak={"fp8": "1 TFLOP/s"}))


def test_attention_core_runs_in_bf16_where_the_device_can(make_device):
    core = Op(OpKind.ATTENTION_CORE)
    assert held_format(core, make_device()) == (None, ComputePrecision.BF16)
    only = make_device(peak={"int8": "1 TFLOP/s"})
    assert held_format(core, only) == (None, ComputePrecision.INT8)


@LAW
@given(
    rows=st.integers(1, 2_000),
    columns=st.integers(1, 2_000),
    parts=st.integers(1, 64),
    shards=st.integers(1, 128),
    weight_format=st.sampled_from(list(WeightFormat)),
)
def test_shards_hold_the_whole_and_shrink_with_their_number(make_device, rows, columns, parts, shards, weight_format):
    op = op_of(Matrix(rows, columns, weight_format, KIND, parts), vectors=[Vector(7, KIND)])
    device = make_device(peak=dict.fromkeys(("bf16", "fp8", "int8", "fp4"), "1 TFLOP/s"))
    whole, shard = stored_shard_bytes(op, 1, device), stored_shard_bytes(op, shards, device)
    assert whole == op.weight_bytes
    assert shards * shard >= whole
    assert stored_shard_bytes(op, shards + 1, device) <= shard <= whole
    assert shard_flops_per_token(op, 1) == op.flops_per_token
    assert shards * shard_flops_per_token(op, shards) >= op.flops_per_token * (1 - 1e-12)
