import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.catalog.fleet import Fleet
from placer.cost.group import build_group
from placer.cost.shape import GroupShape
from placer.errors import InputError
from placer.graph.lower import lower
from placer.kv.context_parallel import context_parallel, merge_bytes, merge_s, split
from placer.kv.hardware import find_pool
from placer.model.catalog import load_model

LLAMA, DEEPSEEK, GPT_OSS = (lower(load_model(name)) for name in ("llama-3.1-70b", "deepseek-v3", "gpt-oss-120b"))
FLEET, POOL = find_pool("h200-sxm", None)


def group_of(tp=1):
    return build_group(FLEET, GroupShape(POOL.name, 1, tp, tp, 1))


def plain_group():
    """One device of 1 TB/s without floors, and a link of 100 GB/s that starts in 10 us."""
    cited = {"kind": "vendor", "cite": "made up"}
    chip = {
        "name": "chip",
        "memory": [{"tier": "hbm", "capacity": "1 TB", "bandwidth": "1 TB/s"}],
        "peak": {"bf16": "100 PFLOP/s"},
        "kernels": [{"family": each, "floor": "0 s", "mbu": 1.0, "mfu": 1.0} for each in ("gemm", "attention", "moe")],
        "power": "100 W",
        "price": {"tco": "1 USD/h"},
        "sources": [{"covers": ["memory"], **cited}],
    }
    link = {"name": "wire", "bandwidth": "100 GB/s", "latency": "10 us"}
    pool = {"name": "pool", "device": "chip", "count": 8, "domain": 8, "scale_up": "wire"}
    fields = {"name": "toy", "price_basis": "tco", "pools": [pool]}
    fleet = Fleet.model_validate({**fields, "devices": {"chip": chip}, "link_types": {"wire": link}})
    return build_group(fleet, GroupShape("pool", 1, 1, 1, 1))


def test_partial_outputs_are_heads_times_width_and_two():
    grouped, latent = (model.layer_ops[0].core for model in (LLAMA, DEEPSEEK))
    assert merge_bytes(grouped, 1, 1) == 4 * 64 * (128 + 2)
    assert merge_bytes(grouped, 8, 3) == 3 * 4 * 8 * (128 + 2)
    assert merge_bytes(latent, 1, 1) == 4 * 128 * (512 + 2)


def test_the_closed_form_without_floors():
    found = split(LLAMA, plain_group(), 4, 1, 100_000)
    # a layer keeps 4,096 B a token and reads one entry more, its own
    read = 4096 * 100_001 / 1e12
    merge = 10e-6 + 2 * 3 / 4 * 33_280 / 100e9
    assert found.alone_s == pytest.approx(80 * read)
    assert found.split_s == pytest.approx(80 * (read / 4 + merge))
    assert found.dealt_s == pytest.approx(80 * read)
    assert found.split_layers == 80


def test_the_break_even_context_is_where_bytes_saved_pay_the_merge():
    # 3/4 of 4,096 B a token against 10.4992 us of merging: 3,417.7 tokens, one of which is the step's own
    answer = context_parallel(LLAMA, plain_group(), 4, 1, 100_000)
    assert answer.break_even_context == int((10e-6 + 1.5 * 33_280 / 100e9) / (0.75 * 4096 / 1e12))
    assert answer.pays
    assert answer.pays_against_dealing


def test_dealing_whole_sequences_wins_where_there_are_enough():
    answer = context_parallel(LLAMA, plain_group(), 4, 8, 100_000)
    assert answer.pays
    assert not answer.pays_against_dealing
    assert answer.break_even_context_against_dealing is None


def test_one_rank_is_no_split():
    answer = context_parallel(LLAMA, group_of(2), 1, 4, 32_768)
    assert answer.alone_s == answer.split_s == answer.dealt_s
    assert not answer.pays
    assert answer.break_even_context is None


def test_short_windows_stay_whole():
    assert context_parallel(GPT_OSS, group_of(), 8, 1, 131_072).split_layers == 18


def test_ranks_beyond_a_domain_cross_the_far_link():
    group = group_of(4)
    assert merge_s(group, 4, 1e6) > merge_s(group, 2, 1e6)
    assert merge_s(group, 4, 1e6) == pytest.approx(merge_s(dataclasses.replace(group, scale_up=None), 4, 1e6))


def test_without_a_link_there_is_nothing_to_split_over():
    group = dataclasses.replace(group_of(), scale_up=None, scale_out=None)
    with pytest.raises(InputError, match="no link"):
        context_parallel(LLAMA, group, 2, 1, 1024)


@settings(max_examples=30)
@given(st.sampled_from((LLAMA, DEEPSEEK, GPT_OSS)), st.sampled_from((2, 4, 8)), st.integers(1, 64), st.integers(5, 20))
def test_splitting_never_loses_to_one_rank_and_grows_with_context(model, cp, batch, power):
    near, far = (split(model, group_of(), cp, batch, 2**exponent) for exponent in (power, power + 1))
    for found in (near, far):
        assert found.split_s <= found.alone_s
        assert found.dealt_s <= found.alone_s
    assert near.split_s <= far.split_s
    assert near.alone_s <= far.alone_s
