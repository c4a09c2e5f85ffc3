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
    names = (
        "model",
        "fleet",
        "workload",
        "target",
        "space",
        *(name for name in ("retention", "robust", "speculation", "service") if name in scenario),
    )
    texts = {name: getattr(parsed, name).model_dump_json() for name in names}
    space = parsed.space
    unused = {"context_parallel": not space.context_parallel, "max_spare_slots": space.max_spare_slots == 0}
    texts["space"] = space.model_dump_json(exclude={name for name, is_unused in unused.items() if is_unused})
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


def metrics(*, step_s, users, usd_per_hour, power_w, utilisation=1.0, sold=None, gained=1.0):
    tokens = gained * users / step_s
    paid = (sold or tokens) * utilisation
    return {
        "usd_per_million_output_tokens": 1e6 * usd_per_hour / (3600 * paid),
        "tokens_per_s_per_user": gained / step_s,
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


def speculating():
    """One device, ten dense layers, b = 2, m = 1; a module drafts 2 tokens, each accepted half of the time.

    r = 2 sequences, 3 tokens of each. 1 GB/s, 1 us; FLOPs count for nothing. E = 1 + 1/2 + 1/4 = 1.75.

    embedding   6 tokens of 8 B                                                                      1048 ns
    layer       projection 1104;  core 2 sequences * (8 read + 3 written) * 16 = 352 B: 1352;
                output 1032;  FFN, two launches, 2200                                                5688 ns
    LM head     72 B                                                                                 1072 ns
    verifying   1048 + 10 * 5688 + 1072                                                             59000 ns
    a pass      embedding 2 * 8 B: 1016;  projection 4x8 and two norms, 64 + 16 B: 1080;  layer 1104 + core
                2 * (8 + 1) * 16 = 288 B: 1288 + 1032 + 2200;  LM head 1072                          8792 ns
    drafting    2 passes                                                                            17584 ns
    path = 76584 ns, and so T'. 1.75 tokens in it: 22851 a second and user.
    parts       attention 10 * (104 + 352 + 32) = 4880;  FFN 2000;  ends 48 + 72 + 2 * (16 + 80 + 624 + 72) = 1704;
                floors 1 + 10 * 5 + 1 + 2 * 8 = 68 launches.
    without     2 tokens in 1016 + 10 * (1104 + 1288 + 1032 + 2200) + 1072 = 58328 ns

    memory      embedding 64 + head 72 + 10 * 336 = 3496;  module: embedding 64 + projection 80 + layer 336 = 480;
                room for 9 + 2 tokens of a sequence: KV 10 * 2 * 11 * 16 = 3520, the module's 352 and its buffers
                8 * 2 * 2 = 32;  buffers of 6 tokens 8 * 2 * 6 = 96;  together 7976 of 8000.
    KV          160 B a token; 8000 - 3976 - 96 - 384 = 3544 B are 22 tokens, all used.
    """
    scenario = {
        "model": model([(10, "dense")], {"dense": DENSE}),
        "fleet": {
            "name": "toy",
            "price_basis": "tco",
            "pools": [pool("pool", "chip", 1)],
            "devices": {
                "chip": device("chip", capacity="8000 B", bandwidth="1 GB/s", peak="1000 TFLOP/s", floor="1 us")
            },
        },
        "workload": WORKLOAD,
        "target": {"tokens_per_s_per_user": 20_000.0},
        "space": {},
        "speculation": {"kind": "mtp", "acceptance": [0.5, 0.5]},
    }
    return plan(
        scenario,
        ["chip.price.tco"],
        metrics(step_s=76_584 * NS, users=2, usd_per_hour=0.5, power_w=100.0, gained=1.75),
        devices={"pool": 1},
        batch={"sequences_per_microbatch": 2, "microbatches_in_flight": 1, "draft_tokens": 2},
        groups=[group("host", "pool", 1, 1, (1, 1), [2])],
        memory=[memory("host", "pool", "chip", 8000, 0, (3976, 0, 3904, 96))],
        kv=[kv("host", 0, 10, 11, (160.0, 1.0, 22), [22])],
        speculation={
            "drafter": "mtp",
            "draft_tokens": 2,
            "tokens_per_step": 1.75,
            "draft_s": 17_584 * NS,
            "verify_s": 59_000 * NS,
            "weights_bytes": 480,
            "kept_bytes": 384,
            "usd_per_million_output_tokens_without": 1e6 * 0.5 / (3600 * 2 / (58_328 * NS)),
        },
        time=shares(76_584, (4_880, 2_000, 1_704, 0.0, 68_000)),
        occupancy=busy(("path", 76_584), ("host", 76_584), ("host fabric", 0)),
        alternatives=[],
        placement={
            "replicas": [{"first_device": {"host": [0]}}],
            "embedding": at("host"),
            "lm_head": at("host"),
            "layers": [near(number) for number in range(10)],
        },
    )


def drafting_beside():
    """`speculating` with a draft model of one layer on a device of its own: 2 GB/s, 0.5 us, 10 us away at 1 GB/s.

    verifying   as before                                                                           59000 ns
    a pass      embedding 16 B: 508;  projection 552, core 288 B: 644, output 516, FFN 1100;  LM head 536: 3856 ns
    drafting    2 passes                                                                             7712 ns
    ids         2 * (3 there + 2 back) of 4 B: 2 * 10000 + 40                                       20040 ns
    path = 86752 ns, and so T'; the device works 59000 ns of it, the drafter 7712.
    parts       attention 4880;  FFN 2000;  ends 48 + 72 + 2 * (8 + 52 + 144 + 16 + 100 + 36) = 832;  links 40;
                floors 52 launches of 1 us, 2 * 7 of 0.5 us, 20 us: 79000.

    memory      3496 + KV 3520 + buffers 96 = 7112 of 8000;  drafter 64 + 72 + 336 = 472 + 352 + 32 = 856 of 900.
    KV          8000 - 3496 - 96 = 4408 B are 27 tokens.
    """
    raw = speculating()
    small = device(
        "small", capacity="900 B", bandwidth="2 GB/s", peak="1000 TFLOP/s", floor="0.5 us", price="0.05 USD/h"
    )
    fleet = raw["scenario"]["fleet"]
    fleet["pools"].append(pool("drafts", "small", 1))
    fleet["devices"]["small"] = small
    fleet |= {"links": [{"between": ["pool", "drafts"], "link": "bridge"}]}
    fleet |= {"link_types": {"bridge": link("bridge", "1 GB/s", "10 us")}}
    draft = model([(1, "dense")], {"dense": DENSE}) | {"name": "small"}
    scenario = raw["scenario"] | {
        "fleet": fleet,
        "speculation": {"kind": "model", "draft": draft, "pool": "drafts", "acceptance": [0.5, 0.5]},
    }
    kept = ("batch", "groups", "alternatives", "placement")
    use = {
        "drafter": "small",
        "draft_s": 7_712 * NS,
        "round_trip_s": 20_040 * NS,
        "weights_bytes": 472,
        "pool": {"pool": "drafts", "width": 1, "expert_tp": 1, "first_device": [0]},
    }
    return plan(
        scenario,
        ["chip.price.tco", "small.price.tco"],
        metrics(step_s=86_752 * NS, users=2, usd_per_hour=0.55, power_w=200.0, gained=1.75),
        **{name: raw[name] for name in kept},
        devices={"pool": 1, "drafts": 1},
        memory=[memory("host", "pool", "chip", 8000, 0, (3496, 0, 3520, 96))],
        kv=[kv("host", 0, 10, 11, (160.0, 1.0, 27), [22])],
        speculation=raw["speculation"] | use,
        time=shares(86_752, (4_880, 2_000, 832, 40, 79_000)),
        occupancy=busy(("path", 86_752), ("host", 59_000), ("host fabric", 0), ("drafter", 7_712)),
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


def copied():
    """One stage of two devices, tp 1, one MoE layer whose hot expert has two copies; b = 2, m = 1; r = 1.

    E = 3 experts, k = 1, counts 6, 1, 1: p = 3/4, 1/8, 1/8. Two ranks: 1/2 on average, so expert 0 may have
    ceil(3/4 * 2) = 2 copies, the others one. ceil(3/2) = 2 slots a rank: experts 0, 1 and 0, 2. Copies of expert 0 get
    3/8 of the tokens each. An expert is 48 B, the router 24 + norm 8 = 32 B; nothing is shared.
    1 GB/s, 1 us; all-to-all over 2: 2 us, 1 GB/s. Nothing is bound by FLOPs.

    embedding   8 B                                                                               1008
    attention   1104 + core 9*16 = 144 B: 1144 + 1032 + router 1032                               4312
    experts     touched 1 - (5/8)^2 + 1 - (7/8)^2 = 27/32 on a rank, any at all 1 - (49/256)^2 = T, which is more;
                48 T B;  served max(2 * (3/8 + 1/8), T) = 1                                1000 + 48 T
    exchange    copies of a token C = 2 * (1 - (1 - 1/3)^(3/2)), r/t = 1: 4 C elements of 2 B, half of them to the
                other device: 2000 + 4 C there, as much back                               4000 + 8 C
    LM head     72 B                                                                              1072
    path = 1008 + 4312 + 1000 + 48 T + 4000 + 8 C + 1072 = 11392 + 48 T + 8 C;  one microbatch: T' = path.

    memory      64 + 72 + 104 + 32 + 32 + two slots 96 = 400;  KV 9*16 = 144;  buffers 8 * (2 + 2*1*1) = 32.
    KV          1000 - 400 - 32 = 568 B are 35 tokens of 16 B, 9 used on each rank.
    rent        two of a unit of two: 1 USD/h, 200 W.
    """
    any_touched = 1 - (49 / 256) ** 2
    sent = 2 * (1 - (2 / 3) ** 1.5)
    path = 11_392 + 48 * any_touched + 8 * sent
    moe = {"kind": "moe", "num_experts": 3, "top_k": 1, "intermediate_size": 2}
    starts = {"all_to_all": [{"devices": 2, "latency": "2 us"}]}
    scenario = {
        "model": model([(1, "moe")], {"moe": moe}),
        "fleet": {
            "name": "toy",
            "price_basis": "tco",
            "pools": [pool("pool", "chip", 2, unit=2, domain=2, scale_up="inner", scale_out="outer")],
            "devices": {
                "chip": device("chip", capacity="1000 B", bandwidth="1 GB/s", peak="1000 TFLOP/s", floor="1 us")
            },
            "link_types": {
                "inner": link("inner", "1 GB/s", "1 us", **starts),
                "outer": link("outer", "1 GB/s", "5 us"),
            },
        },
        "workload": WORKLOAD | {"routing": {"kind": "counts", "counts": [6, 1, 1]}},
        "target": {"tokens_per_s_per_user": 80_000.0},
        "space": {},
    }
    layer = near(0)
    layer["ffn"][0]["experts"] = "both"
    return plan(
        scenario,
        ["chip.price.tco", "inner.all_to_all"],
        metrics(step_s=path * NS, users=2, usd_per_hour=1.0, power_w=200.0),
        devices={"pool": 2},
        batch={"sequences_per_microbatch": 2, "microbatches_in_flight": 1},
        groups=[group("host", "pool", 1, 2, (1, 1), [1, 1])],
        memory=[memory("host", "pool", "chip", 1000, 0, (400, 0, 144, 32))],
        kv=[kv("host", 0, 1, 9, (16.0, 1.0, 35), [9, 9])],
        time=shares(path, (312, 48 * any_touched + 8 * sent, 80, 0.0, 11_000)),
        occupancy=busy(("path", path), ("host", path - 4_000 - 8 * sent), ("host fabric", 4_000 + 8 * sent)),
        alternatives=[],
        placement={
            "replicas": [{"first_device": {"host": [0]}}],
            "embedding": at("host"),
            "lm_head": at("host"),
            "experts": {"both": {"role": "host", "experts_by_rank": [[0, 1], [0, 2]]}},
            "layers": [layer],
        },
    )


def drifting():
    """The plan `copied`, asked to serve a second routing, where all experts are wanted alike: p = 1/3.

    Copies of expert 0 get 1/6 each: a rank touches 1 - (5/6)^2 + 1 - (2/3)^2 = 31/36, any at all 1 - (2/3)^6, more.
    One of a token's experts is on the group as before, so C is the same; path = 11392 + 48 (1 - (2/3)^6) + 8 C.
    The first routing is half of the mixture, which is not worked out: its own counts stand in for it.
    """
    answer = copied()
    scenario = answer["scenario"]
    even = {"kind": "counts", "counts": [1, 1, 1]}
    scenario["robust"] = {
        "objective": "mean",
        "profiles": [
            {"name": "skewed", "routing": scenario["workload"]["routing"]},
            {"name": "even", "routing": even},
        ],
    }
    answer["provenance"]["input_sha256"] = hashes(scenario)
    step = answer["metrics"]["step_time_s"]
    price = answer["metrics"]["usd_per_million_output_tokens"]
    other = (11_392 + 48 * (1 - (2 / 3) ** 6) + 8 * 2 * (1 - (2 / 3) ** 1.5)) * NS
    prices = [price, price * other / step]
    answer["robust"] = {
        "usd_per_million_output_tokens": sum(prices) / 2,
        "hindsight_usd_per_million_output_tokens": sum(prices) / 4,
        "hindsight_bound_usd_per_million_output_tokens": sum(prices) / 8,
        "profiles": [
            {
                "name": name,
                "law_step_time_s": step_s,
                "step_time_s": step_s,
                "usd_per_million_output_tokens": usd,
                "own_usd_per_million_output_tokens": usd / 2,
                "own_bound_usd_per_million_output_tokens": usd / 4,
                "loss": 1.0,
            }
            for name, step_s, usd in zip(("skewed", "even"), (step, other), prices, strict=True)
        ],
        "mixture": [0.5, 0.5],
        "worst_loss": 0.25,
        "choices": [
            {
                "chosen_on": "skewed",
                "usd_per_million_output_tokens": [0.8 * prices[0], 1.2 * prices[1]],
                "misses": ["even"],
                "worst_loss": 0.2,
            },
            {
                "chosen_on": "even",
                "usd_per_million_output_tokens": [1.6 * prices[0], prices[1]],
                "misses": [],
                "worst_loss": 1.0,
            },
        ],
    }
    return answer


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


PS = 1e-12
PEAK = "1000 TFLOP/s"


def offload(tier, capacity, bandwidth):
    return {"tier": tier, "role": "offload", "capacity": capacity, "bandwidth": bandwidth}


def holder(role, stage, ranks, layers, sizes):
    device_bytes, whole_bytes, draft_bytes, free_bytes = sizes
    kept = {"layers": layers, "session_tokens": 9, "device_bytes": device_bytes, "whole_bytes": whole_bytes}
    left = {"draft_weights_bytes": draft_bytes, "free_bytes": free_bytes}
    return {"role": role, "stage": stage, "ranks": ranks, **kept, **left}


def kept(role, stage, tier, sizes, limits, speed, sessions):
    room, session = sizes
    reload_ps, break_even = speed
    return {
        "role": role,
        "stage": stage,
        "tier": tier,
        "room_bytes": room,
        "session_bytes": session,
        "capacity_sessions": limits[0],
        "traffic_sessions": limits[1],
        "reload_s": reload_ps * PS,
        "break_even_bytes_per_s": break_even,
        "sessions": sessions,
        "held_bytes": sessions * session,
        "held_tokens": sessions * 9,
    }


def place(name, decision, counts, figures, stages=()):
    limit, sessions = counts
    resume_ps, cost_ps, usd_per_s, hit_rate = figures
    return {
        "name": name,
        "decision": decision,
        "limit": limit,
        "sessions": sessions,
        "resume_s": resume_ps * PS,
        "cost_s": cost_ps * PS,
        "cost_usd": cost_ps * PS * usd_per_s,
        "hit_rate": hit_rate,
        "kept": list(stages),
    }


def pausing():
    """The plan `pipeline` on devices of 5000 B with a tier of DDR below, and sessions that pause; NVMe is given.

    sessions    24 users, answers of 2 * 50432 ns, pauses of 50 us: 24 * 50 / 100.864 = 11.9, so 12 of them;
                4 turns, so 3 of 4 pauses end with another; half of those go on from what was kept. 2 replicas of one
                data-parallel rank: 2 ranks.
    a session   9 tokens, 2 layers of 16 B a stage: 288 B, and 144 B where it is half as large.
    HBM         stage 0: 5000 - 736 - 192 - 3456 = 616 B; stage 1: 608 B; two sessions each: 4 on both ranks.
    DDR         500 B hold 3 of 144 B: 6 on both ranks. 40 TB/s: 144 B take 3.6 ps, so it serves
                50 us / (3/8 * 3.6 ps) = 37037037.
    NVMe        10 kB hold 69: 138. 4 TB/s: 36 ps, after 1 ps; it serves 3703703, and reloading takes too long.
    recompute   a layer: 9 * (96 + 32 + 192) FLOP and 45 pairs of 16 FLOP: 3600 FLOP; 2 layers a stage at 10^15 FLOP/s:
                7.2 ps. Break-even: DDR 144 B / 7.2 ps = 20 TB/s; NVMe 144 B / 6.2 ps.
    a pause     HBM 3/4 * 1/2 * 7.2 = 2.7 ps; DDR 3/4 * (1.8 + 3.6) = 4.05; NVMe 3/4 * (18.5 + 3.6) = 16.575;
                recompute 3/4 * 7.2 = 5.4. So 4 stay, 6 go to DDR, 2 are dropped: (10.8 + 24.3 + 10.8) / 12 = 3.825 ps.
    rent        2 USD/h for 2 ranks: 1 USD/h each.
    """
    plan = pipeline()
    scenario = plan["scenario"]
    wide = device("wide", capacity="5000 B", bandwidth="1 GB/s", peak=PEAK, floor="1 us")
    wide["memory"].append(offload("ddr", "500 B", "40 TB/s"))
    scenario["fleet"]["devices"]["wide"] = wide
    sessions = {"turns": 4, "think_time": "50 us", "prefix_hit_rate": 0.5, "compression": 2}
    scenario["workload"] = WORKLOAD | {"sessions": sessions}
    nvme = {"name": "nvme", "capacity": "10 kB", "bandwidth": "4 TB/s", "latency": "1 ps"}
    scenario["retention"] = {"tiers": [nvme]}
    plan["provenance"]["input_sha256"] = hashes(scenario)
    plan["memory"] = [memory("host", "line", "wide", 5000, 0, (744, 0, 3456, 192))]
    plan["kv"] = [kv("host", 0, 2, 9, (32.0, 1.0, 127), [108])]
    both, rent = (0, 1), 1 / 3600
    ddr, nvme_even = (3.6, 144 / (7.2 * PS)), (37.0, 144 / (6.2 * PS))
    plan["paused"] = {
        "sessions": 12,
        "context_tokens": 9,
        "recompute_s": 7.2 * PS,
        "holders": [holder("host", 0, 2, 2, (288, 288, 0, 616)), holder("host", 1, 2, 2, (288, 288, 0, 608))],
        "places": [
            place(
                "hbm",
                "stay",
                (4, 4),
                (0, 2.7, rent, 1 / 6),
                [
                    kept("host", stage, "hbm", (room, 288), (2, None), (0, None), 2)
                    for stage, room in ((0, 616), (1, 608))
                ],
            ),
            place(
                "ddr",
                "reload",
                (6, 6),
                (3.6, 4.05, rent, 1 / 4),
                [kept("host", stage, "ddr", (500, 144), (3, 37_037_037), ddr, 3) for stage in both],
            ),
            place(
                "nvme",
                "recompute",
                (138, 0),
                (37, 16.575, rent, 0),
                [kept("host", stage, "nvme", (10_000, 144), (69, 3_703_703), nvme_even, 0) for stage in both],
            ),
            place("recompute", "recompute", (None, 2), (7.2, 5.4, rent, 0)),
        ],
        "hit_rate": 5 / 12,
        "pause_cost_s": 3.825 * PS,
        "pause_cost_usd": 3.825 * PS * rent,
    }
    return plan


def drafted():
    """The plan `mixed` on larger devices with tiers below, four paused sessions, and a draft model of one layer.

    The draft model, `dense` less a layer, lies where the LM head is: on the sidecar, cut over tp 2:
                embedding 32 + head 40 + 56 + 16 + 104 = 248 B; KV 8 B a token and device.
    a session   host: 4 layers of 16 B, 9 tokens: 576 B. Sidecar: one layer and the draft's: 2 * 72 = 144 B a device,
                288 B on both.
    HBM         host 3000 - 1072 - 96 - 1152 = 680 B: 1 session. Sidecar 1400 - 560 - 64 - 248 - 2 * 144 = 240 B: 1.
    below       DDR of the host with LPDDR of the sidecar; NVMe, given, is the second of both.
                host: 2000 B of 576: 3; 100 TB/s: 5.76 ps.  sidecar: 1000 B of 288 / 2: 6; 20 TB/s: 144 B in 7.2 ps.
                NVMe, 10 kB at 1 TB/s: host 17, 576 ps; sidecar 69, 144 ps.
                2 turns, 1 ms: a tier serves 1 ms / (1/2 * reading).
    recompute   host: attention 9 * 128 + 45 * 16 = 1872 FLOP, three times with router 9 * 160 + 720 = 2160; dense FFN
                9 * 192 = 1728; layer 4 shared and one expert a token: 2 * 9 * 48 = 864: 10944 FLOP, 10.944 ps.
                sidecar: 3 * 9 * (24 + 48) = 1944 and 9 * 24 = 216 for experts; attention 9 * (64 + 32) + 360 = 1224;
                draft 9 * 64 + 360 + 9 * 96 = 1800: 5184 FLOP, 5.184 ps: the host takes longer.
    a pause     half of them end with a turn: 0; 7.2 / 2 = 3.6 ps; 288 ps; 10.944 / 2 = 5.472 ps. One stays, three go
                below: 3 * 3.6 / 4 = 2.7 ps. One replica of one rank pays 2.5 USD/h.
    """
    plan = mixed()
    scenario = plan["scenario"]
    wide = device("wide", capacity="3000 B", bandwidth="1 GB/s", peak=PEAK, floor="1 us")
    quick = device("quick", capacity="1400 B", bandwidth="2 GB/s", peak=PEAK, floor="500 ns", price="1 USD/h")
    wide["memory"].append(offload("ddr", "2000 B", "100 TB/s"))
    quick["memory"].append(offload("lpddr", "1000 B", "20 TB/s"))
    scenario["fleet"]["devices"] = {"wide": wide, "quick": quick}
    scenario["workload"] = WORKLOAD | {"sessions": {"turns": 2, "think_time": "1 ms"}}
    scenario["retention"] = {
        "tiers": [{"name": "nvme", "capacity": "10 kB", "bandwidth": "1 TB/s"}],
        "paused": 4,
        "draft": model([(1, "dense")], {"dense": DENSE}),
    }
    plan["provenance"]["input_sha256"] = hashes(scenario)
    plan["memory"] = [
        memory("host", "big", "wide", 3000, 0, (1072, 0, 1152, 96)),
        memory("sidecar", "fast", "quick", 1400, 0, (512, 48, 144, 64)),
    ]
    plan["kv"] = [
        kv("host", 0, 4, 9, (64.0, 1.0, 28), [18]),
        kv("sidecar", 0, 1, 9, (8.0, 1.0, 97), [18]),
    ]
    rent, even = 2.5 / 3600, 10.944 * PS
    plan["paused"] = {
        "sessions": 4,
        "context_tokens": 9,
        "recompute_s": 10.944 * PS,
        "holders": [
            holder("host", 0, 1, 4, (576, 576, 0, 680)),
            holder("sidecar", 0, 1, 2, (144, 288, 248, 240)),
        ],
        "places": [
            place(
                "hbm",
                "stay",
                (1, 1),
                (0, 0, rent, 1 / 4),
                [
                    kept("host", 0, "hbm", (680, 576), (1, None), (0, None), 1),
                    kept("sidecar", 0, "hbm", (240, 144), (1, None), (0, None), 1),
                ],
            ),
            place(
                "ddr+lpddr",
                "reload",
                (3, 3),
                (7.2, 3.6, rent, 3 / 4),
                [
                    kept("host", 0, "ddr", (2000, 576), (3, 347_222_222), (5.76, 576 / even), 3),
                    kept("sidecar", 0, "lpddr", (1000, 144), (6, 277_777_777), (7.2, 144 / even), 3),
                ],
            ),
            place(
                "nvme",
                "recompute",
                (17, 0),
                (576, 288, rent, 0),
                [
                    kept("host", 0, "nvme", (10_000, 576), (17, 3_472_222), (576, 576 / even), 0),
                    kept("sidecar", 0, "nvme", (10_000, 144), (69, 13_888_888), (144, 144 / even), 0),
                ],
            ),
            place("recompute", "recompute", (None, 0), (10.944, 5.472, rent, 0)),
        ],
        "hit_rate": 1.0,
        "pause_cost_s": 2.7 * PS,
        "pause_cost_usd": 2.7 * PS * rent,
    }
    return plan
