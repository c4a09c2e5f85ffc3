import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.api import kv_tiers
from placer.catalog.loader import load_device
from placer.errors import InputError
from placer.graph.lower import lower
from placer.kv.break_even import break_even_bytes_per_s, break_even_context, is_reload_faster, reload_s
from placer.kv.hardware import Degrees, build_rank, find_pool
from placer.kv.tier import StorageTier, parse_tier, tiers_of
from placer.model.catalog import load_model
from placer.predict.step import Prompts, StepModel
from placer.scenario.routing import UNIFORM

SESSIONS = {"turns": 8, "think_time": "60 s"}
TIERS = ("ddr:256GB@55GB/s", "nvme:3.84TB@14GB/s+80us")


def rank_of(model="llama-3.1-70b", device="h200-sxm", degrees=None, context=32_768):
    fleet, pool = find_pool(device, None)
    return build_rank(fleet, pool, (lower(load_model(model)),), degrees or Degrees(), context)


def ask(model="llama-3.1-70b", device="h200-sxm", context=32_768, sessions=None, **more):
    return kv_tiers(model, device, context=context, sessions=SESSIONS | (sessions or {}), **({"tiers": TIERS} | more))


def row(answer, tier):
    return next(each for each in answer.tiers if each.tier == tier)


class TestRank:
    def test_grouped_heads_are_cut_and_latents_are_copied(self):
        rank = rank_of(degrees=Degrees(tp=8))
        assert rank.device_bytes(1024) == 1024 * 327_680 // 8
        latent = rank_of("deepseek-v3", "b300-sxm", Degrees(tp=8))
        assert latent.device_bytes(1024) == latent.stored_bytes(1024) == 1024 * 70_272

    def test_pages_are_whole(self):
        assert rank_of().stored_bytes(33) == 64 * 327_680

    def test_the_fewest_devices_that_hold_a_session_are_taken(self):
        # 141.1 GB of weights; 0.9 * 141 GB a device
        assert rank_of().tp == 2
        assert rank_of("llama-3.1-8b").tp == 1
        assert rank_of(context=400_000).tp == 4

    def test_a_draft_model_adds_its_weights_its_cache_and_its_prefill(self):
        fleet, pool = find_pool("h200-sxm", None)
        models = [lower(load_model(name)) for name in ("llama-3.1-70b", "llama-3.1-8b")]
        both, large, small = (
            build_rank(fleet, pool, each, Degrees(tp=2), 1024) for each in (tuple(models), (models[0],), (models[1],))
        )
        for method in ("device_bytes", "stored_bytes", "recompute_s"):
            alone = getattr(large, method)(1024) + getattr(small, method)(1024)
            assert getattr(both, method)(1024) == pytest.approx(alone)
        assert both.weight_bytes() == large.weight_bytes() + small.weight_bytes()
        # 32 layers of 8 KV heads: 131,072 B a token more
        assert both.stored_bytes(1024) - large.stored_bytes(1024) == 1024 * 131_072

    def test_experts_are_spread_over_all_ranks(self):
        one, two = (rank_of("deepseek-v3", "b300-sxm", Degrees(tp=8 // dp, dp=dp)) for dp in (1, 8))
        assert two.weight_bytes() > one.weight_bytes()
        # one device in place of eight, which repeat the latent projections and the router
        assert 7 * one.recompute_s(4096) > two.recompute_s(4096) > 6 * one.recompute_s(4096)

    def test_recomputing_works_all_flops_of_a_prompt(self):
        rank = rank_of(degrees=Degrees(tp=1))
        kernels = {kernel.family: kernel for kernel in rank.group.device.kernels if kernel.weights is None}
        peak = rank.group.device.peak["bf16"]
        # 80 layers of 855.6 M weights (without norms), and attention of 64 heads over half of all pairs
        weights = 80 * (2 * 8192 * 8192 + 2 * 8192 * 1024 + 3 * 8192 * 28_672)
        gemms = 2 * weights * 4096 / (kernels["gemm"].mfu * peak)
        pairs = 4096 * 4097 / 2 * 4 * 8192 * 80 / (kernels["attention-prefill"].mfu * peak)
        assert rank.recompute_s(4096) == pytest.approx(gemms + pairs)

    @pytest.mark.parametrize(
        ("model", "device"),
        [("llama-3.1-70b", "h200-sxm"), ("deepseek-v3", "b300-sxm"), ("gpt-oss-120b", "h100-sxm")],
    )
    @pytest.mark.parametrize("context", [512, 8192, 131_072])
    def test_a_predicted_prefill_never_takes_less(self, model, device, context):
        rank = rank_of(model, device, context=context)
        parts = StepModel(rank.models[0], rank.group, UNIFORM).prefill(Prompts(1.0, context))
        assert rank.recompute_s(context) <= 1.001 * (sum(parts.work_s.values()) + sum(parts.floors_s.values()))

    @pytest.mark.parametrize(
        ("degrees", "message"),
        [
            (Degrees(tp=0), "at least one device"),
            (Degrees(tp=2, dp=1000), "exceeds"),
            (Degrees(tp=0, dp=0), "at least one"),
        ],
    )
    def test_degrees_out_of_range_are_refused(self, degrees, message):
        with pytest.raises(InputError, match=message):
            rank_of(degrees=degrees)


class TestTier:
    def test_a_device_brings_its_own(self):
        [tier] = tiers_of(load_device("gb300"))
        assert (tier.name, tier.capacity_bytes, tier.bytes_per_s) == ("lpddr", 240e9, 256e9)
        assert tiers_of(load_device("h200-sxm")) == ()

    def test_one_given_replaces_its_namesake(self):
        tiers = tiers_of(load_device("gb300"), [parse_tier("lpddr:1TB@450GB/s"), parse_tier("nvme:1TB@7GB/s")])
        assert [(tier.name, tier.capacity_bytes) for tier in tiers] == [("lpddr", 1e12), ("nvme", 1e12)]

    @pytest.mark.parametrize(
        "text",
        ["nvme", "nvme:8TB", "nvme:8@12GB/s", "nvme:8TB@12GB", "nvme:8TB@0GB/s", "hbm:8TB@1TB/s", "x:1TB@1GB/s+3", ""],
    )
    def test_nonsense_is_refused(self, text):
        with pytest.raises(InputError, match="--tier"):
            parse_tier(text)


class TestBreakEven:
    def test_it_is_that_of_the_physics(self):
        assert break_even_bytes_per_s(327_680, 22_600) == pytest.approx(7.4e9, rel=1e-3)

    @given(st.integers(1, 64), st.integers(1, 300_000))
    def test_a_single_crossing_is_found_to_the_page(self, page, least):
        found = break_even_context(lambda context: context >= least, page)
        assert found == -(-least // page) * page

    def test_what_never_holds_has_none(self):
        assert break_even_context(lambda _: False, 32) is None

    def test_at_the_break_even_bandwidth_both_take_equally_long(self):
        rank = rank_of()
        rate = break_even_bytes_per_s(rank.device_bytes(32_768), 1 / rank.recompute_s(32_768))
        assert reload_s(rank, StorageTier("t", 1e12, rate), 32_768, 1.0) == pytest.approx(rank.recompute_s(32_768))
        assert row(ask(), "ddr").break_even_bytes_per_s == pytest.approx(rate)

    def test_compression_divides_bytes_on_the_way(self):
        plain, small = (row(ask(sessions={"compression": factor}), "ddr") for factor in (1, 4))
        assert small.resume_s == pytest.approx(plain.resume_s / 4)
        assert small.capacity_sessions in range(4 * plain.capacity_sessions, 4 * plain.capacity_sessions + 4)

    def test_compression_changes_nothing_in_hbm(self):
        plain, small = (row(ask(sessions={"compression": factor}), "hbm") for factor in (1, 20))
        assert plain.model_dump() == small.model_dump()

    def test_the_break_even_context_separates(self):
        rank, tier = rank_of(), StorageTier("slow", 1e12, 1.3e9, 0.05)
        least = break_even_context(lambda context: is_reload_faster(rank, tier, context, 1.0), 32)
        assert 32 < least < 10**6
        assert is_reload_faster(rank, tier, least, 1.0)
        assert not is_reload_faster(rank, tier, least - 32, 1.0)

    def test_latency_alone_can_lose(self):
        found = row(ask(tiers=("far:1TB@1TB/s+100s",)), "far")
        assert (found.reload_wins, found.break_even_bytes_per_s) == (False, None)
        assert found.break_even_context > 32_768


@given(st.sampled_from((1024, 8192, 32_768, 65_536)), st.floats(1e8, 1e12), st.floats(1.0, 40.0))
def test_times_are_monotone(context, rate, factor):
    rank = rank_of()
    tier, faster = StorageTier("t", 1e12, rate, 1e-4), StorageTier("t", 1e12, 2 * rate, 1e-4)
    seconds = reload_s(rank, tier, context, factor)
    assert reload_s(rank, tier, 2 * context, factor) > seconds > reload_s(rank, faster, context, factor)
    assert reload_s(rank, tier, context, 2 * factor) < seconds
    assert rank.recompute_s(2 * context) > 2 * rank.recompute_s(context)
