"""Tiny plans with every figure worked out by hand, as dicts. Nothing of `placer.verify` is used here.

All plans: hidden size H = 4; attention with 2 heads of 2, 2 KV heads, so 4x4 matrices for query, key, value,
output; dense FFN of 8 (gated: a 16x4 and a 4x8 matrix); vocabulary 8; BF16 throughout, so 2 bytes a weight.
7 tokens in, 2 out: S_time = 7 + 1 = 8, S_cap = 9. One byte takes one nanosecond where a bandwidth is 1 GB/s.

Bytes of the ops, uncut:   projection 3*32 + norm 8 = 104,  output 32,  dense FFN 128 + 64 + norm 8 = 200,
embedding 64,  LM head 64 + norm 8 = 72;  KV 2*4*2 = 16 a token and layer.
"""

from __future__ import annotations

import hashlib

from placer.scenario.scenario import Scenario

NS = 1e-9
DEVICE_FIGURES = ("memory", "peak", "kernels", "dequantises", "reserve", "power")


def device(name, *, capacity, bandwidth, peak, floor, reserve=0.0, price="0.5 USD/h"):
    kernel = {"floor": floor, "mbu": 1.0, "mfu": 1.0}
    return {
        "name": name,
        "memory": [{"tier": "hbm", "capacity": capacity, "bandwidth": bandwidth}],
        "peak": {"bf16": peak},
        "kernels": [{"family": family, **kernel} for family in ("gemm", "attention", "moe")],
        "reserve": reserve,
        "power": "100 W",
        "price": {"tco": price},
        "sources": [{"covers": DEVICE_FIGURES, "kind": "vendor", "cite": "made up"}],
    }


def link(name, bandwidth, latency, **fields):
    covers = ("bandwidth", "latency", "efficiency")
    source = {"covers": covers, "kind": "vendor", "cite": "made up"}
    return {"name": name, "bandwidth": bandwidth, "latency": latency, "sources": [source], **fields}


def pool(name, device_name, count, **fields):
    return {"name": name, "device": device_name, "count": count, **fields}


def group(role, pool_name, stages, width, cuts, sequences_per_rank):
    shape = {"stages": stages, "width": width, "tp": cuts[0], "expert_tp": cuts[1]}
    return {"role": role, "pool": pool_name, **shape, "sequences_per_rank": sequences_per_rank}


def near(layer, stage=0):
    return {"layer": layer, "way": "near", "attention": at("host", stage), "ffn": [{"at": at("host", stage)}]}


def shares(path_ns, parts_ns):
    names = ("attention_s", "ffn_s", "embedding_and_head_s", "links_s", "floors_s")
    parts = {name: part * NS for name, part in zip(names, parts_ns, strict=True)}
    return {"path_s": path_ns * NS, **parts}


def busy(*entries):
    return [{"resource": resource, "busy_s": nanoseconds * NS} for resource, nanoseconds in entries]


def model(layers, ffns, **precision):
    return {
        "name": "tiny",
        "source": "made up",
        "hidden_size": 4,
        "vocab_size": 8,
        "mixers": {"gqa": {"kind": "gqa", "num_heads": 2, "num_kv_heads": 2, "head_dim": 2}},
        "ffns": ffns,
        "layers": [{"repeat": repeat, "pattern": [{"mixer": "gqa", "ffn": ffn}]} for repeat, ffn in layers],
        "precision": precision,
    }


DENSE = {"kind": "dense", "intermediate_size": 8}
WORKLOAD = {"input_tokens": 7, "output_tokens": 2}


def hashes(scenario):
    parsed = Scenario.model_validate(scenario)
    names = ("model", "fleet", "workload", "target", "space")
    texts = {name: getattr(parsed, name).model_dump_json() for name in names}
    if not parsed.space.context_parallel:
        texts["space"] = parsed.space.model_dump_json(exclude={"context_parallel"})
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}


def plan(scenario, estimates, metrics, **fields):
    price = metrics["usd_per_million_output_tokens"]
    return {
        "status": "planned",
        "verdict": "planned by hand",
        "scenario": scenario,
        "metrics": metrics,
        "bound": {"usd_per_million_output_tokens": 0.75 * price, "relative_gap": 0.25},
        "search": {
            "candidates": 1,
            "nodes": 1,
            "leaves": 1,
            "largest_model_variables": 1,
            "stopped": "done",
            "wall_s": 0.0,
        },
        "provenance": {
            "placer_version": "0",
            "ortools_version": "0",
            "python_version": "3",
            "seed": 0,
            "relative_gap_asked": 0.3,
            "budget_s": 1.0,
            "input_sha256": hashes(scenario),
            "estimates": estimates,
        },
        **fields,
    }


def metrics(*, step_s, users, usd_per_hour, power_w, utilisation=1.0, sold=None):
    tokens = users / step_s
    paid = (sold or tokens) * utilisation
    return {
        "usd_per_million_output_tokens": 1e6 * usd_per_hour / (3600 * paid),
        "tokens_per_s_per_user": 1 / step_s,
        "tokens_per_s": sold or tokens,
        "capacity_tokens_per_s": tokens,
        "step_time_s": step_s,
        "law_step_time_s": step_s,
        "usd_per_hour": usd_per_hour,
        "power_w": power_w,
        "joules_per_token": power_w / paid,
        "users": users,
    }


def at(role, stage=0):
    return {"role": role, "stage": stage, "tier": "hbm"}


def memory(role, pool, device_name, capacity, reserved, parts):
    weights, hot, kv, activations = parts
    return {
        "role": role,
        "pool": pool,
        "device": device_name,
        "tier": "hbm",
        "capacity_bytes": capacity,
        "reserved_bytes": reserved,
        "weights_bytes": weights,
        "hot_experts_bytes": hot,
        "kv_bytes": kv,
        "activations_bytes": activations,
        "free_bytes": capacity - reserved - sum(parts),
    }


def kv(role, stage, layers, tokens, figures, used):
    token_bytes, copies, capacity = figures
    sequence = {"page_tokens": 1, "sequence_tokens": tokens}
    kept = {"bytes_per_token_per_device": token_bytes, "copies": copies, "capacity_tokens": capacity}
    return {"role": role, "tier": "hbm", "stage": stage, "layers": layers, **sequence, **kept, "used_tokens": used}


def dense():
    """One group: 1 stage of 2 devices, tp 2, b = 8, m = 2, two dense layers.

    r = 8 tokens on the one data-parallel rank. 1 GB/s, 4 GFLOP/s, 1 us; all-reduce over 2: 3 us, 1 GB/s.

    embedding   read 2*4*8 = 64 B: 1000 + 64;  all-reduce 3000 + 2*(1/2)*64 = 3064                  4128 ns
    attention   projection 48 + 8 = 56 B, 8 * 48 FLOP = 384 -> 96 ns: 1096;  core 8*(8+1)*8 = 576 B,
                8*8*16/2 = 512 FLOP -> 128 ns: 1576;  output 16 B, 128 FLOP -> 32 ns: 1032;
                all-reduce 3064                                                                  6768 ns
    dense FFN   104 B, 8 * 96 = 768 FLOP -> 192 ns, two launches: 2192;  all-reduce 3064             5256 ns
    LM head     40 B, 8 * 32 = 256 FLOP -> 64 ns: 1064;  all-gather of 8*2*8 = 128 B: 3000 + 64      4128 ns
    path = 4128 + 2 * 12024 + 4128 = 32304 ns, all of it work: T' = max(32304, 2 * 32304) = 64608 ns.
    Dense layers exchange nothing: the fabric is idle, and both microbatches take the stage one after the other.

    memory      embedding 32 + head 40 + 2 * (56 + 16 + 104) = 424;  KV 2 layers * m 2 * r 8 * 9 * 8 = 2304;
                buffers m 2 * 8 * (2*8) = 256;  together 2984 of 3000.
    KV          each rank has one of two heads: 8 B a token and layer, 16 B; 3000 - 424 - 256 = 2320 B are 145 tokens
                of KV cache, of which 16 * 9 = 144 are used.
    rent        devices 2 and 3 of a unit of 4: 4 * 0.5 = 2 USD/h, 400 W; half of the tokens are sold, which
                doubles dollars and joules of each.
    """
    scenario = {
        "model": model([(2, "dense")], {"dense": DENSE}),
        "fleet": {
            "name": "toy",
            "price_basis": "tco",
            "pools": [pool("pool", "chip", 8, unit=4, domain=2, scale_up="inner", scale_out="outer")],
            "devices": {
                "chip": device(
                    "chip",
                    capacity="4000 B",
                    bandwidth="1 GB/s",
                    peak="4 GFLOP/s",
                    floor="1 us",
                    reserve=0.25,
                )
            },
            "link_types": {
                "inner": link("inner", "1 GB/s", "1 us", all_reduce=[{"devices": 2, "latency": "3 us"}]),
                "outer": link("outer", "1 GB/s", "5 us"),
            },
        },
        "workload": WORKLOAD | {"utilisation": 0.5},
        "target": {"tokens_per_s_per_user": 15_000.0},
        "space": {},
    }
    return plan(
        scenario,
        ["chip.price.tco", "inner.all_reduce"],
        metrics(step_s=64_608 * NS, users=16, usd_per_hour=2.0, power_w=400.0, utilisation=0.5),
        devices={"pool": 4},
        batch={"sequences_per_microbatch": 8, "microbatches_in_flight": 2},
        groups=[group("host", "pool", 1, 2, (2, 2), [8])],
        memory=[memory("host", "pool", "chip", 4000, 1000, (424, 0, 2304, 256))],
        kv=[kv("host", 0, 2, 9, (16.0, 1.0, 145), [144])],
        time=shares(32_304, (1_536, 512, 256, 0.0, 30_000)),
        occupancy=busy(("path", 32_304), ("host", 64_608), ("host fabric", 0), ("host turns", 64_608)),
        alternatives=[],
        placement={
            "replicas": [{"first_device": {"host": [2]}}],
            "embedding": at("host"),
            "lm_head": at("host"),
            "layers": [near(0), near(1)],
        },
    )


def cut():
    """`dense` with one KV head, of which its two ranks would keep copies: cp 2 instead, a ninth token on one of them.

    attention   query 16 and, whole, key and value 16 + 16, norm 8: projection 56 B as before                1096 ns
                queries 2*4*8 = 64 B: all-gather 3000 + 64/2                                                 3032
                core 4 of 8 tokens, 8 B each, for both heads: 8*(4+1)*8 = 320 B, 8*4*16 FLOP -> 128 ns       1320
                partial outputs of both heads, BF16, and two FP32: (8 + 8) * 8 = 128 B: 1000 + 128/2         1064
                their sum 128 B                                                                              1128
                output 1032, all-reduce 3064                                                   in all 11736 ns
    path = 4128 + 2 * (11736 + 5256) + 4128 = 42240 ns; T' = 84480 ns.

    memory      weights 424;  KV pages of 2 tokens, 10 for 9, 5 on each: 2 layers * m 2 * r 8 * 5 * 8 = 1280;
                buffers 256 + m 2 * r 8 * (8 + 2 * 16) = 896.
    KV          80 B of 10 tokens in two layers; 3000 - 424 - 896 = 1680 B are 105 pages, 210 tokens; 16 * 10 are used.
    """
    raw = dense()
    scenario = raw["scenario"]
    scenario["model"]["mixers"]["gqa"]["num_kv_heads"] = 1
    scenario["target"] = {"tokens_per_s_per_user": 10_000.0}
    used = kv("host", 0, 2, 10, (8.0, 1.0, 210), [160])
    kept = ("devices", "batch", "alternatives", "placement")
    return plan(
        scenario,
        raw["provenance"]["estimates"],
        metrics(step_s=84_480 * NS, users=16, usd_per_hour=2.0, power_w=400.0, utilisation=0.5),
        **{name: raw[name] for name in kept},
        groups=[group("host", "pool", 1, 2, (2, 2), [8]) | {"cp": 2}],
        memory=[memory("host", "pool", "chip", 4000, 1000, (424, 0, 1280, 896))],
        kv=[used | {"page_tokens": 2}],
        time=shares(42_240, (1_472, 512, 256, 0.0, 40_000)),
        occupancy=busy(("path", 42_240), ("host", 84_480), ("host fabric", 0), ("host turns", 84_480)),
    )


def mixed():
    """Host of one device and a sidecar of two (tp 2, two expert ranks); b = 2, m = 1; every way once.

    Layers: 0 dense near, 1 direct, 2 relay, 3 away, 4 split; E = 4 experts, k = 2, uniform: p = 1/2. An
    expert, like the shared ones, is a 4x4 and a 4x2 matrix: 48 B; shared ones take two launches, routed ones,
    fused, take one. Router 32 + norm 8 = 40 B. Dispatch FP8. Host: 1 GB/s, 1 us. Sidecar: 2 GB/s, 0.5 us;
    all-reduce 3 us, all-to-all 2 us, both 1 GB/s. Bridge: 10 us; 4 GB/s on the host's side, 2 * 1 GB/s on the
    sidecar's, the narrower: half a ns per byte. r = 2 on either side. Nothing is bound by FLOPs.

    host        attention 1104 + core 2*9*16 = 288 B: 1288 + 1032 = 3424, with router 1040: 4464; FFN 2200
    sidecar     attention 528 + core 144 B: 572 + 508 + router 520 + all-reduce of 16 B 3016 = 5144
                shared 24 B: 1012
                experts, 2 a rank: touched 2 * 3/4 = 1.5 -> 72 B: 500 + 36 = 536
                copies 2 * (1 - (1/2)^2) = 1.5; r/t = 1: 6 elements, 6 B there: 2000 + 3, 12 B back: 2000 + 6
                FFN: work 1012 + 536 + 3016 = 4564, exchange 4009, together 8573

    embedding   16 B on the host                                                              1016
    0 near      3424 + 2200                                                                   5624
    1 direct    4464 + [2*(1.5+2)*4 = 28 B] 10014 + (1012 + 536) + [56 B] 10028              26054
    2 relay     4464 + [2*4*2 = 16 B] 10008 + gather of 16 B 3008 + 8573                     26053
    3 away      5144 + 8573                                                                  13717
      to the host: [16 B]                                                                    10008
    4 split     experts 0, 1 are hot. Host: shared 2048 + touched max(1.5, 15/16) -> 72 B: 1072 = 3120.
                Sidecar: touched max(3/4, 15/16) -> 45 B: 522.5; copies 2 * (1 - 1/2) = 1: 8 B there 10004,
                16 B back 10008; together 20534.5.  4464 + max(3120, 20534.5)                 24998.5
      to the sidecar: [16 B] 10008 + gather 3008                                             13016
    LM head     40 B: 520, all-gather of 8*2*2 = 32 B: 3016                                   3536
      token ids back: [4*2 = 8 B]                                                            10004
    path                                                                                    134026.5 ns
    parts       without what starts anything (1 us a launch on the host, 0.5 us on the sidecar, 2, 3 or 10 us
                a collective or hop), along the path: attention 424 + 3 * 464 + 144 = 1960;
                FFN 200 + (12 + 36) + 2 * (12 + 36 + 9 + 16) + 22.5 = 416.5;  ends 16 + 20 + 16 = 52;
                links (14 + 28) + (8 + 8) + 8 + (4 + 8) + (8 + 8) + 4 = 98;  the rest, 131500, are floors.
    host        1016 + 5624 + 3*4464 + 3120 = 23152;  its one device exchanges nothing
    sidecar     direct 1548 + relay 4564 + away 5144 + 4564 + split 522.5 + head 3536 = 19878.5
      fabric    relay 4009 + away 4009 = 8018
    ports       to the sidecar 28 + 16 + 8 + 16 = 68 B: host out 17 ns, sidecar in 34 ns;
                to the host 56 + 16 + 16 = 88 B: sidecar out 44 ns, host in 22 ns; token ids do not count

    memory      host: 64 + (136 + 200) + 176 + 176 + (176 + 48 + 2*48) = 1072; KV 4 layers * 2*9*16 = 1152;
                buffers 8 * (4 + 2*2*2) = 96.
                sidecar: head 40 + (24 + 96) + (24 + 96) + (72 + 40 + 24 + 96) = 512, hot 48; KV 2*9*8 = 144;
                buffers 8 * (4 + 2*2*1) = 64.
    KV          host: 4 layers of 16 B: 64 B a token; 2400 - 1072 - 96 = 1232 B are 19 tokens, 2 * 9 are used.
                sidecar: 8 B a token; 800 - 560 - 64 = 176 B are 22 tokens, 18 are used.
    rent        one of big (unit 1, 0.5 USD/h), two of fast (unit 2, 1 USD/h): 2.5 USD/h, 300 W.
    """
    moe = {"kind": "moe", "num_experts": 4, "top_k": 2, "intermediate_size": 2, "shared_intermediate_size": 2}
    starts = {
        "all_reduce": [{"devices": 2, "latency": "3 us"}],
        "all_to_all": [{"devices": 2, "latency": "2 us"}],
    }
    peak = "1000 TFLOP/s"
    scenario = {
        "model": model([(1, "dense"), (4, "moe")], {"dense": DENSE, "moe": moe}, dispatch="fp8"),
        "fleet": {
            "name": "toy",
            "price_basis": "tco",
            "pools": [
                pool("big", "wide", 2, scale_out="outer"),
                pool("fast", "quick", 4, unit=2, domain=2, scale_up="inner", scale_out="outer"),
            ],
            "links": [
                {
                    "between": ["big", "fast"],
                    "link": "bridge",
                    "bandwidth": {"big": "4 GB/s", "fast": "1 GB/s"},
                }
            ],
            "devices": {
                "wide": device("wide", capacity="2400 B", bandwidth="1 GB/s", peak=peak, floor="1 us"),
                "quick": device(
                    "quick", capacity="800 B", bandwidth="2 GB/s", peak=peak, floor="500 ns", price="1 USD/h"
                ),
            },
            "link_types": {
                "inner": link("inner", "1 GB/s", "1 us", **starts),
                "outer": link("outer", "1 GB/s", "5 us"),
                "bridge": link("bridge", "8 GB/s", "10 us"),
            },
        },
        "workload": WORKLOAD,
        "target": {
            "tokens_per_s_per_user": 7_200.0,
            "tokens_per_s": 10_000.0,
            "power_cap": "300 W",
            "cost_cap": "2.5 USD/h",
            "required_pools": ["fast"],
        },
        "space": {},
    }
    everything = {"at": at("sidecar"), "experts": "all"}
    layers = [
        near(0),
        {"layer": 1, "way": "direct", "attention": at("host"), "ffn": [everything]},
        {"layer": 2, "way": "relay", "attention": at("host"), "ffn": [everything]},
        {"layer": 3, "way": "away", "attention": at("sidecar"), "ffn": [everything]},
        {
            "layer": 4,
            "way": "split",
            "attention": at("host"),
            "ffn": [{"at": at("host"), "experts": "cold"}, {"at": at("sidecar"), "experts": "hot"}],
        },
    ]
    experts = {
        "all": {"role": "sidecar", "experts_by_rank": [[0, 2], [1, 3]]},
        "cold": {"role": "host", "experts_by_rank": [[2, 3]]},
        "hot": {"role": "sidecar", "experts_by_rank": [[0], [1]]},
    }
    estimates = ["inner.all_reduce", "inner.all_to_all", "quick.price.tco", "wide.price.tco"]
    return plan(
        scenario,
        estimates,
        metrics(step_s=134_026.5 * NS, users=2, usd_per_hour=2.5, power_w=300.0, sold=10_000.0),
        devices={"big": 1, "fast": 2},
        batch={"sequences_per_microbatch": 2, "microbatches_in_flight": 1},
        groups=[group("host", "big", 1, 1, (1, 1), [2]), group("sidecar", "fast", 1, 2, (2, 1), [2])],
        memory=[
            memory("host", "big", "wide", 2400, 0, (1072, 0, 1152, 96)),
            memory("sidecar", "fast", "quick", 800, 0, (512, 48, 144, 64)),
        ],
        kv=[
            kv("host", 0, 4, 9, (64.0, 1.0, 19), [18]),
            kv("sidecar", 0, 1, 9, (8.0, 1.0, 22), [18]),
        ],
        time=shares(134_026.5, (1_960, 416.5, 52, 98, 131_500)),
        occupancy=busy(
            ("path", 134_026.5),
            ("host", 23_152),
            ("host fabric", 0),
            ("sidecar", 19_878.5),
            ("sidecar fabric", 8_018),
            ("host out", 17),
            ("host in", 22),
            ("sidecar out", 44),
            ("sidecar in", 34),
        ),
        alternatives=[],
        placement={
            "replicas": [{"first_device": {"host": [1], "sidecar": [2]}}],
            "embedding": at("host"),
            "lm_head": at("sidecar"),
            "experts": experts,
            "layers": layers,
        },
    )


def pipeline():
    """Two replicas of two stages of one device each, four dense layers; b = 3, m = 4; r = 3.

    1 GB/s, floor 1 us; stages are joined by the scale-out link: 5 us, 1 GB/s. Nothing is bound by FLOPs.

    embedding 24 B: 1024;  layer: projection 1104 + core 3*9*16 = 432 B: 1432 + output 1032 + FFN 2200 = 5768;
    LM head 72 B: 1072.
    stage 0     1024 + 2 * 5768 = 12560;   stage 1   2 * 5768 + 1072 = 12608
    path        12560 + [2*4*3 = 24 B] 5024 + 12608 + [token ids, 12 B] 5012 = 35204;
    turns       two, of two microbatches each: 2 * (2 * 12608) = 50432
    step        T' = 4 * 12608 = 50432 ns
    memory      stage 1: 2 * (104 + 32 + 200) + 72 = 744;  KV 2 * 4*3*9*16 = 3456;  buffers 4 * 8 * 6 = 192:
                the fullest, as stage 0 has the 64 B of the embedding in place of 72.
    KV          stage 1: 2 layers of 16 B; 4400 - 744 - 192 = 3464 B are 108 tokens, all 12 * 9 of them used;
                stage 0 has room for 3472 B, which are 108 tokens as well, and comes first.
    rent        4 * 0.5 USD/h, 400 W; 24 users.
    """
    scenario = {
        "model": model([(4, "dense")], {"dense": DENSE}),
        "fleet": {
            "name": "toy",
            "price_basis": "tco",
            "pools": [pool("idle", "wide", 4, scale_out="outer"), pool("line", "wide", 6, scale_out="outer")],
            "devices": {
                "wide": device("wide", capacity="4400 B", bandwidth="1 GB/s", peak="1000 TFLOP/s", floor="1 us")
            },
            "link_types": {"outer": link("outer", "1 GB/s", "5 us")},
        },
        "workload": WORKLOAD,
        "target": {"tokens_per_s_per_user": 19_000.0},
        "space": {},
    }
    figures = metrics(step_s=50_432 * NS, users=24, usd_per_hour=2.0, power_w=400.0)
    price = figures["usd_per_million_output_tokens"]
    return plan(
        scenario,
        ["wide.price.tco"],
        figures,
        devices={"line": 4, "idle": 0},
        batch={"sequences_per_microbatch": 3, "microbatches_in_flight": 4},
        groups=[group("host", "line", 2, 1, (1, 1), [3])],
        memory=[memory("host", "line", "wide", 4400, 0, (744, 0, 3456, 192))],
        kv=[kv("host", 0, 2, 9, (32.0, 1.0, 108), [108])],
        time=shares(35_204, (2_272, 800, 96, 36, 32_000)),
        occupancy=busy(("path", 35_204), ("host", 50_432), ("host fabric", 0), ("host turns", 50_432)),
        alternatives=[
            {
                "without_pool": "idle",
                "usd_per_million_output_tokens": price,
                "bound_usd_per_million_output_tokens": 0.75 * price,
            },
            {
                "without_pool": "line",
                "usd_per_million_output_tokens": 2 * price,
                "bound_usd_per_million_output_tokens": None,
            },
        ],
        placement={
            "replicas": [{"first_device": {"host": [0, 1]}}, {"first_device": {"host": [2, 3]}}],
            "embedding": at("host", 0),
            "lm_head": at("host", 1),
            "layers": [near(layer, layer // 2) for layer in range(4)],
        },
    )
