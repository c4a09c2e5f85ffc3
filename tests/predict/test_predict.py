"""Predictions: consistency with the cost model, laws, memory, refusals."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.catalog.loader import load_device, load_engine
from placer.errors import InputError
from placer.graph.lower import lower
from placer.model.catalog import load_model
from placer.model.served import with_served_width
from placer.predict.configuration import Configuration
from placer.predict.predict import predict

ENGINE = load_engine("generic")


def model_of(name, width="fp8"):
    spec = load_model(name)
    return lower(spec.model_copy(update={"precision": with_served_width(spec.precision, width)}))


LLAMA, DEEPSEEK = model_of("llama-3.1-70b"), model_of("deepseek-v3")


def ask(model=LLAMA, **changes):
    given_ = {"device": "h200-sxm", "tp": 8, "batch": 64, "isl": 1024, "osl": 1024} | changes
    devices = given_.get("tp", 1) * given_.get("dp", 1) * given_.get("pp", 1)
    return predict(model, Configuration(num_devices=devices, **given_), ENGINE)


def test_rates_follow_from_times():
    found = ask()
    assert found.tokens_per_s_per_user == pytest.approx(1 / found.tpot_s)
    assert found.tokens_per_s_per_device == pytest.approx(64 / found.tpot_s / 8)
    assert found.memory_bytes.total == sum(
        getattr(found.memory_bytes, name) for name in ("weights", "kv_cache", "activations", "runtime")
    )


def test_decode_alone_is_the_sum_of_its_parts():
    found = ask(is_prefill_elsewhere=True)
    assert found.tpot_s == pytest.approx(sum(found.decode_s_by_op_class.values()))
    assert ask().tpot_s > found.tpot_s


def test_weights_stream_no_faster_than_memory():
    # 70.6e9 parameters in FP8 over 8 H200 at 4.8 TB/s: at least 1.84 ms whatever the engine hides.
    assert ask(batch=1, is_prefill_elsewhere=True).tpot_s > 70.6e9 / 8 / 4.8e12


@settings(max_examples=40)
@given(batch=st.integers(1, 256), more=st.integers(0, 256), osl=st.integers(16, 4096))
def test_more_requests_are_never_faster_for_each(batch, more, osl):
    few, many = ask(batch=batch, osl=osl), ask(batch=batch + more, osl=osl)
    assert many.tpot_s >= few.tpot_s * (1 - 1e-9)
    assert many.ttft_s >= few.ttft_s * (1 - 1e-9)


def test_longer_prompts_wait_longer():
    times = [ask(isl=isl).ttft_s for isl in (128, 1024, 8192)]
    assert times == sorted(times)
    assert times[2] > 3 * times[1]


def test_kv_of_all_requests_in_whole_pages():
    # 2 x 80 layers x 8 heads x 128 x 1 B = 163,840 B a token; 2,000 tokens are 32 pages of 64.
    found = ask(isl=1000, osl=1000, batch=10)
    assert found.memory_bytes.kv_cache == 10 * 32 * 64 * 163840 // 8


def test_latent_caches_are_replicated_under_tensor_parallelism():
    one, eight = (ask(DEEPSEEK, tp=tp, ep=8, dp=8 // tp, batch=8) for tp in (1, 8))
    # 8 requests on each of 8 ranks, or 8 on all: each device holds the latents of 8 requests either way.
    assert one.memory_bytes.kv_cache == eight.memory_bytes.kv_cache
    assert one.concurrency == 8 * eight.concurrency


def test_what_does_not_fit_queues():
    found = ask(batch=4096, isl=8192)
    assert not found.fits
    assert found.running < 4096
    assert found.memory_bytes.total <= found.memory_bytes.capacity
    assert "queue" in found.notes[0]


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match=r"one request needs .* GB on every h200-sxm"):
        ask(DEEPSEEK, tp=1, batch=1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"device": "h200-sx"}, "h200-sxm"),
        ({"device": "h2000-sxm"}, "unknown device"),
    ],
)
def test_unknown_devices_name_the_nearest(changes, message):
    with pytest.raises(InputError, match=message):
        ask(**changes)


def test_degrees_must_multiply_to_the_devices():
    with pytest.raises(ValueError, match="they must be equal"):
        Configuration(device="h200-sxm", num_devices=8, tp=4, batch=1, isl=1, osl=1)
    with pytest.raises(ValueError, match="does not divide"):
        Configuration(device="h200-sxm", num_devices=8, tp=8, ep=3, batch=1, isl=1, osl=1)


def test_every_measured_device_holds_its_kernels_errors():
    for name in ("h100-sxm", "h200-sxm", "b200-sxm", "gb200"):
        assert all(kernel.error is not None for kernel in load_device(name).kernels)


def test_served_widths_keep_what_is_narrower():
    precision = load_model("gpt-oss-120b").precision
    assert with_served_width(precision, "fp4").experts == precision.experts
    assert with_served_width(precision, "fp8").experts == precision.experts
    assert with_served_width(load_model("deepseek-v3").precision, "fp8").experts == "fp8-block128"
    assert with_served_width(load_model("llama-3.1-8b").precision, "fp4").dense_ffn == "nvfp4"
