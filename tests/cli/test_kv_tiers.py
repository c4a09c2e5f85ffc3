import json

import pytest

from placer.api import kv_tiers

ASKED = ("kv-tiers", "llama-3.1-70b", "--device", "h200-sxm", "--context", "32Ki", "--think-time", "60s")
DDR = ("--tier", "ddr:256GB@55GB/s")


def test_json_is_what_the_library_returns(placer):
    more = ("--turns", "4", "--compression", "2", "--hit-rate", "0.9", "--paused", "20", "--cp", "2,4", "--batch", "3")
    result = placer(*ASKED, *DDR, *more, "--draft", "llama-3.1-8b", "--json")
    assert result.code == 0
    sessions = {"turns": 4, "think_time": "60 s", "compression": 2, "prefix_hit_rate": 0.9}
    answer = kv_tiers(
        "llama-3.1-70b",
        "h200-sxm",
        context=32_768,
        sessions=sessions,
        paused=20,
        tiers=DDR[1:],
        draft="llama-3.1-8b",
        cp=(2, 4),
        batch=3,
    )
    assert result.out == answer.to_json()


def test_a_person_reads_tiers_policy_and_context_parallelism(placer):
    out = placer(*ASKED, *DDR, "--paused", "50", "--cp", "8").out
    for part in ("hbm", "ddr", "recompute", "policy: 47 of 50 in ddr, 3 of 50 dropped and recomputed", "8 ranks"):
        assert part in " ".join(out.split())


def test_lacking_figures_are_told(placer):
    assert "no ddr and nvme figures for h200-sxm" in placer(*ASKED).out
    assert "no nvme figures for h200-sxm" in placer(*ASKED, *DDR).out
    assert "figures for h200-sxm" not in placer(*ASKED, *DDR, "--tier", "nvme:1TB@7GB/s").out


def test_kv_in_fp8_is_half(placer):
    whole, half = (json.loads(placer(*ASKED, "--json", *more).out) for more in ((), ("--kv", "fp8")))
    assert whole["session_bytes"] == 2 * half["session_bytes"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--tier", "nvme:8@12GB/s"), "--tier nvme"),
        (("--turns", "0"), "turns"),
        (("--think-time", "60"), "think_time"),
        (("--device", "h200-sxn"), 'did you mean "h200-sxm"?'),
        (("--fleet", "b200-8x"), 'has no device "h200-sxm"'),
        (("--compression", "0.5"), "compression"),
        (("--cp", "0"), "--cp"),
        (("--tp", "1"), "--tp"),
        (("--paused", "none"), "--paused"),
        (("--draft", "llama-9b"), 'unknown model "llama-9b"'),
    ],
)
def test_bad_input_is_named(placer, more, message):
    result = placer(*ASKED, *more)
    assert result.code == 2
    assert message in result.err
    assert not result.out
