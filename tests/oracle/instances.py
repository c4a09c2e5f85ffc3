"""Small scenarios of every kind, drawn by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from placer.catalog.device import MemoryTier, TierKind
from placer.catalog.loader import parse_fleet
from placer.model.ffn import DenseFfn, MoeFfn
from placer.model.mixer import GroupedQueryAttention, LatentAttention
from placer.model.precision import Precision
from placer.model.spec import LayerRun, ModelSpec
from placer.scenario.scenario import Scenario
from placer.scenario.space import Space
from placer.scenario.speculation import Speculation
from placer.scenario.workload import Target, Workload

HIDDEN = 64
SOURCES = [{"covers": ["memory", "peak", "kernels", "power", "price"], "kind": "estimate", "cite": "drawn"}]


def _kernels(floor_us):
    return [{"family": f, "floor": f"{floor_us} us", "mbu": 0.8, "mfu": 0.5} for f in ("gemm", "attention", "moe")]


@st.composite
def models(draw):
    heads = draw(st.sampled_from([2, 4]))
    gqa = GroupedQueryAttention(num_heads=heads, num_kv_heads=draw(st.sampled_from([1, 2])), head_dim=16)
    mla = LatentAttention(num_heads=heads, kv_lora_rank=16, qk_nope_head_dim=16, qk_rope_head_dim=8, v_head_dim=16)
    experts = draw(st.sampled_from([2, 4]))
    moe = MoeFfn(
        num_experts=experts,
        top_k=draw(st.integers(1, 2)),
        intermediate_size=32,
        shared_intermediate_size=draw(st.sampled_from([0, 32])),
    )
    kinds = draw(st.lists(st.sampled_from(["dense", "moe"]), min_size=1, max_size=3))
    mixer = draw(st.sampled_from(["gqa", "mla"]))
    return ModelSpec(
        name="drawn",
        source="drawn",
        hidden_size=HIDDEN,
        vocab_size=draw(st.sampled_from([50, 400])),
        mixers={"gqa": gqa, "mla": mla},
        ffns={"dense": DenseFfn(intermediate_size=draw(st.sampled_from([64, 256]))), "moe": moe},
        layers=tuple(LayerRun(repeat=1, pattern=({"mixer": mixer, "ffn": kind},)) for kind in kinds),
        precision=Precision(),
    )


@st.composite
def devices(draw, kind):
    fast = kind == "sram"
    return {
        "memory": [
            {
                "tier": "sram" if fast else "hbm",
                "capacity": f"{draw(st.integers(40, 500) if fast else st.integers(120, 900))} kB",
                "bandwidth": f"{draw(st.sampled_from([4, 10, 40]) if fast else st.sampled_from([1, 2]))} GB/s",
            }
        ],
        "peak": {"bf16": f"{draw(st.sampled_from([5, 50, 500]))} GFLOP/s"},
        "kernels": _kernels(draw(st.sampled_from([0, 1, 5]))),
        "power": f"{draw(st.integers(1, 5))} W",
        "price": {"tco": f"{draw(st.sampled_from([0.2, 0.5, 1.0, 1.0] if fast else [0.5, 1.0, 1.0, 3.0]))} USD/h"},
        "sources": SOURCES,
    }


@st.composite
def pools(draw, name, kind):
    domain = draw(st.sampled_from([1, 2, 2]))
    count = draw(st.sampled_from([1, 2, 2, 3])) * (domain if domain == 1 else 1)
    count = max(domain, count // domain * domain)
    unit = draw(st.sampled_from([u for u in (1, 2) if count % u == 0 and (u % domain == 0 or domain % u == 0)]))
    return {
        "name": name,
        "device": kind,
        "count": count,
        "unit": unit,
        "domain": domain,
        "scale_up": "inner",
        "scale_out": "outer",
    }


@st.composite
def fleets(draw, most_pools=2):
    number = draw(st.sampled_from([1, *([2] * 4), *([3] if most_pools > 2 else [])]))
    kinds = ["hbm", "sram", "hbm"][:number]
    names = ["big", "fast", "other"][:number]
    link = {"latency": f"{draw(st.sampled_from([0, 0, 1, 20]))} us"}
    return parse_fleet(
        {
            "name": "drawn",
            "price_basis": "tco",
            "pools": [draw(pools(name, kind)) for name, kind in zip(names, kinds, strict=True)],
            "links": [
                {"between": [first, second], "link": "cross"}
                for i, first in enumerate(names)
                for second in names[i + 1 :]
            ],
            "devices": {kind: draw(devices(kind)) for kind in dict.fromkeys(kinds)},
            "link_types": {
                "inner": link | {"bandwidth": "2 GB/s"},
                "outer": link | {"bandwidth": "1 GB/s"},
                "cross": link
                | {
                    "bandwidth": f"{draw(st.sampled_from([10, 400, 4000, 40_000]))} MB/s",
                    "duplex": draw(st.sampled_from(["full", "half"])),
                },
            },
        },
        "drawn",
    )


@st.composite
def scenarios(draw, most_pools=2):
    fleet = draw(fleets(most_pools))
    tokens_per_s = draw(st.sampled_from([None, None, None, 50.0, 2_000.0]))
    target = Target(
        tokens_per_s_per_user=draw(st.sampled_from([0.5, 20.0, 200.0, 600.0, 1_500.0, 4_000.0, 20_000.0])),
        tokens_per_s=tokens_per_s,
        power_cap=draw(st.sampled_from([None, None, None, "6 W"])),
        cost_cap=draw(st.sampled_from([None, None, None, "2.5 USD/h"])),
        required_pools=draw(st.sampled_from([(), (), (), (fleet.pools[-1].name,)])),
    )
    return Scenario(
        model=draw(models()),
        fleet=fleet,
        workload=Workload(input_tokens=draw(st.sampled_from([16, 200, 800])), output_tokens=16),
        target=target,
        space=Space(max_microbatches=draw(st.integers(1, 3)), max_rank_batch=3, max_stages=2, split_parts=2),
    )


@st.composite
def small_models(draw):
    """A draft model of one narrow layer."""
    heads = draw(st.sampled_from([1, 2]))
    moe = MoeFfn(num_experts=2, top_k=1, intermediate_size=8)
    return ModelSpec(
        name="small",
        source="drawn",
        hidden_size=8,
        vocab_size=20,
        mixers={"gqa": GroupedQueryAttention(num_heads=heads, num_kv_heads=1, head_dim=4)},
        ffns={"dense": DenseFfn(intermediate_size=8), "moe": moe},
        layers=(LayerRun(repeat=1, pattern=({"mixer": "gqa", "ffn": draw(st.sampled_from(["dense", "moe"]))},)),),
        precision=Precision(),
    )


@st.composite
def speculations(draw):
    """Something that drafts up to three tokens: modules of the model's own, or a small draft model."""
    acceptance = draw(
        st.one_of(
            st.sampled_from([1.0, 0.9, 0.5, 0.0]),
            st.lists(st.sampled_from([0.9, 0.3]), min_size=1, max_size=2).map(tuple),
            st.sampled_from([{1: 1.9, 3: 3.5}, {2: 1.5}]),
        )
    )
    most = draw(st.integers(1, 3))
    if draw(st.sampled_from([False, False, True])):
        return Speculation(kind="mtp", modules=draw(st.integers(1, 2)), acceptance=acceptance, max_draft_tokens=most)
    return Speculation(kind="model", draft=draw(small_models()), acceptance=acceptance, max_draft_tokens=most)


@st.composite
def speculative(draw):
    """A small scenario with speculation, of at most two microbatches in flight."""
    scenario = draw(scenarios())
    space = scenario.space.model_copy(
        update={"max_microbatches": min(2, scenario.space.max_microbatches), "max_rank_batch": 2}
    )
    return scenario.model_copy(update={"speculation": draw(speculations()), "space": space})


def with_drafters(fleet, price, latency):
    """Return a fleet with a pool of its own for drafting: two devices too small for a model."""
    device = {
        "memory": [{"tier": "hbm", "capacity": "16 kB", "bandwidth": "4 GB/s"}],
        "peak": {"bf16": "500 GFLOP/s"},
        "kernels": _kernels(0),
        "power": "1 W",
        "price": {"tco": price},
        "sources": SOURCES,
    }
    names = [pool.name for pool in fleet.pools]
    added = parse_fleet(
        {
            "name": "drawn",
            "price_basis": "tco",
            "pools": [
                {"name": "tiny", "device": "tiny", "count": 2, "domain": 2, "scale_up": "near"},
                *({"name": name, "device": "tiny", "count": 1} for name in names),
            ],
            "links": [{"between": ["tiny", name], "link": "near"} for name in names],
            "devices": {"tiny": device},
            "link_types": {"near": {"bandwidth": "1 GB/s", "latency": latency}},
        },
        "drawn",
    )
    return fleet.model_copy(
        update={
            "pools": (*fleet.pools, added.pool("tiny")),
            "devices": fleet.devices | added.devices,
            "links": (*fleet.links, *added.links),
            "link_types": fleet.link_types | added.link_types,
        }
    )


@st.composite
def speculative_beside(draw):
    """The same with a pool of its own that may draft."""
    scenario = draw(speculative())
    latency = draw(st.sampled_from(["0 us", "1 us", "50 us"]))
    fleet = with_drafters(scenario.fleet, draw(st.sampled_from(["0.01 USD/h", "0.5 USD/h"])), latency)
    speculation = Speculation(
        kind="model",
        draft=draw(small_models()),
        acceptance=draw(st.sampled_from([1.0, 0.9, 0.6])),
        max_draft_tokens=draw(st.integers(1, 2)),
        pool="tiny",
        overlap=draw(st.booleans()),
    )
    return scenario.model_copy(update={"speculation": speculation, "fleet": fleet})


def hand_scenario():
    """Return the instance that `test_agreement` works out by hand."""
    device = {
        "memory": [{"tier": "hbm", "capacity": "1 MB", "bandwidth": "1 kB/s"}],
        "peak": {"bf16": "1 GFLOP/s"},
        "kernels": [{"family": f, "floor": "0 s", "mbu": 0.5, "mfu": 1.0} for f in ("gemm", "attention", "moe")],
        "power": "1 W",
        "price": {"tco": "3.6 USD/h"},
    }
    pool = {"name": "one", "device": "plain", "count": 1}
    fleet = parse_fleet({"name": "hand", "price_basis": "tco", "pools": [pool], "devices": {"plain": device}}, "hand")
    model = ModelSpec(
        name="hand",
        source="by hand",
        hidden_size=4,
        vocab_size=10,
        mixers={"gqa": GroupedQueryAttention(num_heads=1, num_kv_heads=1, head_dim=2)},
        ffns={"dense": DenseFfn(intermediate_size=8)},
        layers=(LayerRun(repeat=1, pattern=({"mixer": "gqa", "ffn": "dense"},)),),
    )
    return Scenario(
        model=model,
        fleet=fleet,
        workload=Workload(input_tokens=16, output_tokens=1),
        target=Target(tokens_per_s_per_user=0.5),
        space=Space(max_microbatches=1, max_rank_batch=1, max_stages=1),
    )


@st.composite
def split_scenarios(draw):
    """Scenarios with devices that keep weights in one tier, KV cache and activations in another."""
    scenario, changed = draw(scenarios()), {}
    for kind, device in scenario.fleet.devices.items():
        cache = {"tier": "hbm", "role": "cache", "capacity": f"{draw(st.integers(10, 300))} kB"}
        cache |= {"bandwidth": f"{draw(st.sampled_from([1, 2, 8]))} GB/s"}
        weights = device.compute_tier.model_copy(update={"tier": TierKind.SRAM})
        if kind != "hbm" or draw(st.booleans()):
            changed[kind] = device.model_copy(update={"memory": (weights, MemoryTier.model_validate(cache))})
    fleet = scenario.fleet.model_copy(update={"devices": scenario.fleet.devices | changed})
    return scenario.model_copy(update={"fleet": fleet})
