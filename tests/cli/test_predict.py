"""``placer predict``: the JSON contract, the table, and what the user can get wrong."""

import json

import pytest

from placer import predict

ASKED = ("llama-3.1-70b", "--device", "h200-sxm", "--tp", "8", "--batch", "64", "--isl", "1024", "--osl", "1024")


def test_json_has_what_accuracy_is_measured_with(placer):
    result = placer("predict", *ASKED, "--num-devices", "8", "--weights", "fp8", "--kv", "fp8", "--json")
    assert result.code == 0
    found = json.loads(result.out)
    for name in ("ttft_s", "tpot_s", "tokens_per_s_per_user", "tokens_per_s_per_device"):
        assert found[name] > 0
    assert found["memory_bytes"]["total"] > found["memory_bytes"]["weights"] > 70e9 / 8
    assert sum(found["decode_s_by_op_class"].values()) < found["tpot_s"]


def test_command_and_library_agree(placer):
    found = json.loads(placer("predict", *ASKED, "--weights", "fp8", "--json").out)
    assert found == predict("llama-3.1-70b", "h200-sxm", tp=8, batch=64, isl=1024, osl=1024, weights="fp8").model_dump(
        mode="json"
    )


def test_the_table_says_where_time_goes(placer):
    result = placer("predict", *ASKED)
    assert result.code == 0
    for text in ("TTFT", "TPOT", "tokens/s/device", "attention core", "all reduce", "KV cache"):
        assert text in result.out


def test_underscores_and_widths_are_understood(placer):
    name = ("nvidia/DeepSeek-R1-NVFP4", "--device", "b200_sxm", "--tp", "8", "--ep", "8", "--batch", "32")
    result = placer("predict", *name, "--isl", "1k", "--osl", "1k", "--weights", "fp4", "--json")
    assert result.code == 0
    assert json.loads(result.out)["memory_bytes"]["weights"] < 671e9 / 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("--num-devices", "16"), "num_devices is 16"),
        (("--ep", "3"), "does not divide"),
        (("--device", "h200-sx"), 'unknown device "h200-sx"; did you mean "h200-sxm"?'),
        (("--weights", "fp9"), '--weights: unknown format "fp9"'),
        (("--batch", "0"), "--batch"),
        (("--engine", "genric"), 'did you mean "generic"?'),
        (("--fleet", "gb200-nvl72"), "has no device"),
        (("--tp", "1", "--weights", "bf16"), "one request needs"),
    ],
)
def test_bad_input_gets_one_clear_line(placer, change, message):
    result = placer("predict", *ASKED, *change)
    assert result.code == 2
    assert message in result.err
    assert result.err.count("\n") == 1
