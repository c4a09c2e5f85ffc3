"""Tiny plans of whole services with every figure worked out by hand, as dicts; model and devices of `hand_plans`."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

_SPEC = importlib.util.spec_from_file_location("hand_plans", Path(__file__).with_name("hand_plans.py"))
_hand = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_hand)

NS = _hand.NS
NOTHING = (0.0, 0.0, 0.0)


def alone(load):
    """Return mean and 99th percentile of the wait of M/D/1 in services: Pollaczek-Khinchine, and Erlang's series."""
    low, high = 0.0, 8.0
    for _ in range(60):
        middle = (low + high) / 2
        terms = (
            (-load * (middle - k)) ** k / math.factorial(k) * math.exp(load * (middle - k))
            for k in range(math.floor(middle) + 1)
        )
        low, high = (middle, high) if (1 - load) * sum(terms) < 0.99 else (low, middle)
    return load / (2 * (1 - load)), high


def first_token(load, service_ns, parts_ns):
    mean, late = alone(load)
    names = ("reload_s", "prefill_s", "kv_transfer_s")
    waits = {"wait_s": mean * service_ns * NS, "wait_p99_s": late * service_ns * NS}
    return waits | {name: part * NS for name, part in zip(names, parts_ns, strict=True)}


def ttft(first, wait="wait_s"):
    return first[wait] + first["reload_s"] + first["prefill_s"] + first["kv_transfer_s"]


def chunks(found, tokens):
    return {"prompts": 1, "found_tokens": found, "tokens": tokens}


def served(decode, whole, rates, rents, workload):
    """Return the metrics of a service from those of its decode; ``rates``: requests sold, at full load [1/s]."""
    sold, most = rates
    of_input, of_output = (rent / (3600 * sold * workload.get("utilisation", 1.0)) for rent in rents)
    tokens, power = sold * workload["output_tokens"], whole["power_w"]
    return decode | {
        "usd_per_million_output_tokens": 1e6 * of_output / workload["output_tokens"],
        "usd_per_million_input_tokens": 1e6 * of_input / workload["input_tokens"],
        "usd_per_request": of_input + of_output,
        "requests_per_s": sold,
        "tokens_per_s": tokens,
        "capacity_tokens_per_s": most * workload["output_tokens"],
        "joules_per_token": power / (tokens * workload.get("utilisation", 1.0)),
        "tokens_per_s_per_mw": 1e6 * tokens / power,
        "usd_per_hour": sum(rents),
        **whole,
    }


def plan(raw, metrics, phases, rents, **fields):
    """Return a plan of a service: bounds three quarters of the prices, decode as in a plan of decode alone."""
    decode = {"metrics": raw["metrics"], "devices": raw["devices"]}
    phases |= {"decode": decode, "prefill_usd_per_hour": rents[0], "decode_usd_per_hour": rents[1]}
    made = raw | fields | {"metrics": metrics, "phases": phases}
    made["bound"] = {
        "usd_per_million_output_tokens": 0.75 * metrics["usd_per_million_output_tokens"],
        "usd_per_request": 0.75 * metrics["usd_per_request"],
        "relative_gap": 0.25,
    }
    made["provenance"]["input_sha256"] = hashes(made["scenario"])
    return made


hashes = _hand.hashes


def _line():
    """Return `hand_plans.pipeline` in a pool of two units of four devices, asked about the whole service."""
    raw = _hand.pipeline()
    scenario = raw["scenario"]
    scenario["fleet"]["pools"] = [_hand.pool("line", "wide", 8, unit=4, scale_out="outer")]
    scenario["service"] = {
        "prefix_hit_rate": 0.3,
        "prefix_bandwidth": "1 GB/s",
        "max_prefill_load": 0.5,
        "ttft": "50 us",
        "ttft_p99": "100 us",
    }
    return raw | {"devices": {"line": 4}, "alternatives": []}


def _line_pool(load):
    return {
        "pool": "line",
        "stages": 2,
        "width": 1,
        "tp": 1,
        "expert_tp": 1,
        "chunks": chunks(2, [5]),
        "first_devices": [[4, 5]],
        "held_bytes": 1272,
        "prompt_s": 17_296 * NS,
        "prompts_per_s": load / (17_296 * NS),
        "load": load,
        "first_token": first_token(load, 17_296, (16, 29_584, 5_112)),
    }


def disaggregated():
    """`pipeline` decodes on devices 0 to 3 of a unit of 4; one group of two stages prefills on 4 and 5 of another.

    Of 7 tokens floor(0.3 * 7) = 2 are found, 5 are new and pass in one chunk: x = 5.

    embedding   2*4*5 = 40 B: 1040;  LM head sees one token: 72 B: 1072
    layer       projection 1104 + output 1032 + FFN 2200;  core: 5 tokens move 16 + 2 * 16 = 48 B each, the two found
                entries are read, 32 B: 1272;  together 5608
    stage 0     1040 + 2 * 5608 + [40 B to the next stage] 5040 = 17296;   stage 1   2 * 5608 + 1072 = 12288
    a prompt    B = 17296, T = 29584 ns
    handover    K = 4 layers * 16 * 7 = 448 B, 448 ns at 1 GB/s: a layer's 112 ns are seen, and 5 us of the link
    found       a device loads 2 layers * 16 * 2 = 64 B at 1 GB/s: a layer's 16 of 64 ns are seen
    rate        load 1/2: one in 34592 ns, 28908 1/s; replicas would decode 24 / (2 * 50432 ns) = 237944 1/s
    wait        M/D/1 at 1/2: half a service, 8648 ns;  TTFT 8648 + 16 + 29584 + 5112 = 43360 ns
    memory      stage 1: 744 of weights;  KV of two prompts 2 * 7 * 2 layers * 16 = 448;  buffers 8 * 2*5 = 80: 1272 B
    rent        two units, 8 * 0.5 = 4 USD/h, 800 W; 2 devices prefill, 4 decode: 4/3 and 8/3 USD/h.
    """
    raw = _line()
    pool = _line_pool(0.5)
    first, rents, rate = pool["first_token"], (4 / 3, 8 / 3), pool["prompts_per_s"]
    whole = {"power_w": 800.0, "ttft_s": ttft(first), "ttft_p99_s": ttft(first, "wait_p99_s")}
    figures = served(raw["metrics"], whole, (rate, rate), rents, _hand.WORKLOAD)
    return plan(raw, figures, {"prefill": [pool]}, rents, mode="P/D-disaggregated", devices={"line": 8})


def two_pools():
    """`disaggregated` with a second pool that prefills: one device at 2 GB/s and 0.5 us, 1 USD/h.

    embedding   520;  layer  552 + 636 + 516 + 1100 = 2804;  LM head 536:  B = T = 520 + 4 * 2804 + 536 = 12272 ns
    handover    the line takes in 0.25 GB/s: 1792 ns, of which 448 are seen, and 10 us of the bridge
    found       4 layers * 16 * 2 = 128 B: 32 of 128 ns are seen
    rate        load 1/2: one in 24544 ns, 40743 1/s, together 69651 1/s
    wait        6136 ns;  TTFT 6136 + 32 + 12272 + 10448 = 28888 ns;  the mean weighs them 28908 to 40743
    memory      64 + 72 + 4 * 336 = 1480;  KV 2 * 7 * 4 * 16 = 896;  buffers 80: 2456 B
    rent        5 USD/h, 900 W;  2 * 0.5 + 1 = 2 USD/h prefill, 2 decode, 1 is idle: 2.5 each.
    """
    raw = _line()
    fleet = raw["scenario"]["fleet"]
    fleet["pools"].append(_hand.pool("quick", "fast", 2, scale_out="outer"))
    fleet["devices"]["fast"] = _hand.device(
        "fast", capacity="4400 B", bandwidth="2 GB/s", peak="1000 TFLOP/s", floor="500 ns", price="1 USD/h"
    )
    fleet["link_types"]["bridge"] = _hand.link("bridge", "1 GB/s", "10 us")
    fleet["links"] = [{"between": ["line", "quick"], "link": "bridge", "bandwidth": {"line": "0.25 GB/s"}}]
    raw["provenance"]["estimates"] = ["fast.price.tco", "wide.price.tco"]
    quick = {
        "pool": "quick",
        "stages": 1,
        "width": 1,
        "tp": 1,
        "expert_tp": 1,
        "chunks": chunks(2, [5]),
        "first_devices": [[1]],
        "held_bytes": 2456,
        "prompt_s": 12_272 * NS,
        "prompts_per_s": 0.5 / (12_272 * NS),
        "load": 0.5,
        "first_token": first_token(0.5, 12_272, (32, 12_272, 10_448)),
    }
    pools, rents = [_line_pool(0.5), quick], (2.5, 2.5)
    rate = sum(pool["prompts_per_s"] for pool in pools)
    whole = {
        "power_w": 900.0,
        "ttft_s": sum(pool["prompts_per_s"] * ttft(pool["first_token"]) for pool in pools) / rate,
        "ttft_p99_s": max(ttft(pool["first_token"], "wait_p99_s") for pool in pools),
    }
    figures = served(raw["metrics"], whole, (rate, rate), rents, _hand.WORKLOAD)
    devices = {"line": 8, "quick": 1}
    return plan(raw, figures, {"prefill": pools}, rents, mode="P/D-disaggregated", devices=devices)


def colocated():
    """One device, two dense layers, b = 1, m = 1; 130 tokens in, in chunks of 128 and 2; 4 out; half of it is sold.

    S_cap = 134, S_time = 132. One byte takes 1 ns; a launch 1000 ns.

    decode      embedding 8 B: 1008;  layer 1104 + core 133*16 = 2128 B: 3128 + 1032 + 2200 = 7464;  LM head 1072:
                T0 = 1008 + 2 * 7464 + 1072 = 17008 ns
    first       129 tokens: embedding 2032;  a second core 128*48 = 6144 B: 7144: layers 14608;  head 1072:  32320
    second      3 tokens: embedding 1024;  core 2*48 + 128*16 = 2144 B: 3144: layers 10608;  head 1072:  23312
    added       A = 32320 + 23312 - 2 * 17008 = 21616 ns;  T' = 17008 + 21616 / 4 = 22412 ns
    a prompt    2 * 17008 + 21616 = 55632 ns in the replica's one lane, begun every 4 * 22412 = 89648 ns
    memory      weights 64 + 72 + 2 * 336 = 808;  KV 134 * 2 * 16 = 4288;  buffers 8 * 2 = 16;
                a prompt under way 4288, buffers of 128 tokens 8 * 2*128 = 2048: 6336 more, 11448 in all of 12000
    rent        0.5 USD/h, 100 W; of T' the chunks add 5404 ns.
    """
    scenario = {
        "model": _hand.model([(2, "dense")], {"dense": _hand.DENSE}),
        "fleet": {
            "name": "toy",
            "price_basis": "tco",
            "pools": [_hand.pool("one", "wide", 1)],
            "devices": {
                "wide": _hand.device("wide", capacity="12000 B", bandwidth="1 GB/s", peak="1000 TFLOP/s", floor="1 us")
            },
        },
        "workload": {"input_tokens": 130, "output_tokens": 4, "utilisation": 0.5},
        "target": {"tokens_per_s_per_user": 44_000.0},
        "space": {},
        "service": {"ttft": "120 us", "ttft_p99": "400 us"},
    }
    load, mean_s = 55_632 / 89_648, 22_412 * NS
    first = first_token(load, 55_632, (0, 55_632, 0))
    raw = _hand.plan(
        scenario,
        ["wide.price.tco"],
        _hand.metrics(step_s=17_008 * NS, users=1, usd_per_hour=0.5, power_w=100.0, utilisation=0.5),
        devices={"one": 1},
        batch={"sequences_per_microbatch": 1, "microbatches_in_flight": 1},
        groups=[_hand.group("host", "one", 1, 1, (1, 1), [1])],
        memory=[_hand.memory("host", "one", "wide", 12_000, 0, (808, 0, 4288, 16))],
        kv=[_hand.kv("host", 0, 2, 134, (32.0, 1.0, 349), [134])],
        time=_hand.shares(17_008, (2 * 2264, 400, 80, 0, 12_000)),
        occupancy=_hand.busy(("path", 17_008), ("host", 17_008), ("host fabric", 0)),
        alternatives=[],
        placement={
            "replicas": [{"first_device": {"host": [0]}}],
            "embedding": _hand.at("host"),
            "lm_head": _hand.at("host"),
            "layers": [_hand.near(0), _hand.near(1)],
        },
    )
    prefill = {
        "chunks": chunks(0, [128, 2]),
        "decode_step_s": 17_008 * NS,
        "added_s": 21_616 * NS,
        "mean_step_s": mean_s,
        "load": load,
        "held_bytes": 6336,
        "first_token": first,
    }
    rents, rate = (0.5 * 5_404 / 22_412, 0.5 * 17_008 / 22_412), 1 / (89_648 * NS)
    whole = {
        "power_w": 100.0,
        "ttft_s": ttft(first),
        "ttft_p99_s": ttft(first, "wait_p99_s"),
        "step_time_s": mean_s,
        "law_step_time_s": mean_s,
        "tokens_per_s_per_user": 1 / mean_s,
    }
    figures = served(raw["metrics"], whole, (rate, rate), rents, scenario["workload"])
    return plan(raw, figures, {"colocated": prefill}, rents, mode="colocated prefill")
