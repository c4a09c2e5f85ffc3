import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.catalog.fleet import Pool
from placer.cost.shape import GroupShape, context_cuts, expert_cuts, group_shapes
from placer.graph.lower import lower
from placer.model.catalog import load_model
from placer.scenario.space import Space

LAW = settings(derandomize=True, deadline=None, max_examples=60)
POOLS = [
    Pool(name="one", device="d", count=1),
    Pool(name="nodes", device="d", count=64, unit=8, domain=8, scale_up="u", scale_out="o"),
    Pool(name="single", device="d", count=16, unit=8, domain=1, scale_out="o"),
    Pool(name="rack", device="d", count=144, unit=72, domain=72, scale_up="u", scale_out="o"),
    Pool(name="part", device="d", count=12, unit=4, domain=64, scale_up="u"),
]
MODELS = ["llama-8b", "mixtral-8x7b", "deepseek-v3", "gpt-oss-120b"]


@pytest.fixture(scope="module")
def models():
    return {name: lower(load_model(name)) for name in MODELS}


def test_degrees_multiply_to_the_width():
    shape = GroupShape("p", 3, 32, 4, 8)
    assert (shape.num_devices, shape.dp, shape.ep) == (96, 8, 4)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("pool", POOLS, ids=lambda pool: pool.name)
def test_every_shape_is_legal(models, name, pool):
    model, space = models[name], Space()
    heads = {mixer.num_heads for mixer in model.spec.mixers.values()}
    kv_heads = {ops.core.kv_max_shards for ops in model.layer_ops}
    experts = [ops.moe.num_experts for ops in model.layer_ops if ops.moe]
    shapes = list(group_shapes(model, pool, space))
    assert shapes
    assert len(set(shapes)) == len(shapes)
    for shape in shapes:
        assert shape.pool == pool.name
        assert shape.num_devices <= pool.count
        assert shape.width % shape.tp == 0
        assert shape.width % shape.expert_tp == 0
        assert all(count % shape.tp == 0 for count in heads)
        assert all(count % shape.tp == 0 or shape.tp % count == 0 for count in kv_heads)
        assert max(shape.tp, shape.expert_tp) <= pool.domain
        assert shape.width <= pool.domain or pool.domain % shape.tp == pool.domain % shape.expert_tp == 0
        assert shape.ep <= min(experts, default=shape.ep)
        assert shape.width <= pool.domain or shape.width % pool.domain == 0
        assert 1 <= shape.stages <= min(space.max_stages, len(model.layer_ops) + 2)


@pytest.mark.parametrize(
    ("num_heads", "num_kv_heads", "degrees"),
    [
        (24, 8, {1, 2, 4, 8, 24}),  # Llama-3.2-3B: 3 ranks would share 8 KV heads unevenly, and so would 6 or 12
        (24, 24, {1, 2, 3, 4, 6, 8, 12, 24}),
        (24, 1, {1, 2, 3, 4, 6, 8, 12, 24}),
        (32, 8, {1, 2, 4, 8}),  # 24 devices have no 16 or 32 ranks
    ],
)
def test_ranks_get_whole_heads(num_heads, num_kv_heads, degrees):
    spec = load_model("llama-8b")
    mixers = {
        name: mixer.model_copy(update={"num_heads": num_heads, "num_kv_heads": num_kv_heads})
        for name, mixer in spec.mixers.items()
    }
    pool = Pool(name="wide", device="d", count=24, unit=24, domain=24, scale_up="u")
    shapes = group_shapes(lower(spec.model_copy(update={"mixers": mixers})), pool, Space())
    assert {shape.tp for shape in shapes if shape.width == 24} == degrees


@pytest.mark.parametrize(
    ("name", "tp", "cuts"),
    [
        # one latent for all heads: every rank but one would keep a copy
        *(("deepseek-v3", tp, (1, tp)) for tp in (2, 8, 64)),
        ("deepseek-v3", 1, (1,)),
        # eight KV heads
        *(("llama-8b", tp, (1,)) for tp in (1, 2, 8)),
        *(("llama-8b", 8 * copies, (1, copies)) for copies in (2, 4)),
        # every other layer has a window and keeps its copies
        ("gpt-oss-120b", 16, (1, 2)),
        # indices pick what is read: no rank knows its share
        ("deepseek-v3.2", 8, (1,)),
        # windows and blocks only
        ("deepseek-v4-flash", 8, (1,)),
        # full layers of eight KV heads, and of two, among states
        ("ai21labs/AI21-Jamba-1.5-Mini", 16, (1, 2)),
        ("nemotron-3-nano-30b-a3b", 8, (1, 4)),
    ],
)
def test_sequences_are_cut_where_ranks_would_keep_copies(name, tp, cuts):
    model = lower(load_model(name))
    assert context_cuts(model, tp, Space()) == cuts
    assert context_cuts(model, tp, Space(context_parallel=False)) == (1,)


def test_a_shape_with_cut_sequences_stands_beside_every_one_with_copies(models):
    every = set(group_shapes(models["deepseek-v3"], POOLS[3], Space()))
    whole = set(group_shapes(models["deepseek-v3"], POOLS[3], Space(context_parallel=False)))
    assert whole == {shape for shape in every if shape.cp == 1}
    assert every - whole == {dataclasses.replace(shape, cp=shape.tp) for shape in whole if shape.tp > 1}


@pytest.mark.parametrize("pool", POOLS, ids=lambda pool: pool.name)
def test_dense_models_do_not_cut_experts(models, pool):
    assert {shape.expert_tp for shape in group_shapes(models["llama-8b"], pool, Space())} == {1}


def test_textbook_shapes_of_a_node_are_there(models):
    shapes = set(group_shapes(models["mixtral-8x7b"], POOLS[1], Space()))
    for tp, expert_tp in (
        (8, 8),
        (1, 1),
        (8, 1),
        (4, 4),
        (1, 8),
    ):  # TP, DP+EP, TP+EP, TP in halves, DP+expert TP
        assert GroupShape("nodes", 1, 8, tp, expert_tp) in shapes
    assert GroupShape("nodes", 8, 8, 8, 8) in shapes


def test_deepseek_decode_unit_is_a_shape(models):
    # [DS] day_6: 18 nodes of 8, attention data parallel, 256 experts and EP144.
    pool = Pool(name="h800", device="d", count=144, unit=8, domain=8, scale_up="u", scale_out="o")
    assert GroupShape("h800", 1, 144, 1, 1) in set(group_shapes(models["deepseek-v3"], pool, Space()))


@pytest.mark.parametrize(
    ("width", "tp", "domain", "num_experts", "cuts"),
    [
        (8, 1, 8, 0, (1,)),  # dense
        (8, 1, 8, 8, (1, 8)),
        (8, 4, 8, 8, (1, 4, 8)),
        (16, 1, 8, 8, (2,)),  # more ranks than experts: each over two devices, never over the domain
        (16, 8, 8, 8, (2, 8)),
        (72, 8, 72, 256, (1, 8, 72)),
        (8, 1, 1, 4, ()),  # domains of one cannot cut 4 experts over 8 devices
        (512, 1, 8, 256, (2,)),
    ],
)
def test_expert_cuts_by_hand(width, tp, domain, num_experts, cuts):
    assert expert_cuts(width, tp, domain, num_experts) == cuts


@LAW
@given(
    exponent=st.integers(0, 10),
    tp=st.integers(0, 10),
    domain=st.sampled_from([1, 8, 64]),
    experts=st.integers(1, 512),
)
def test_expert_cuts_divide_the_width_and_leave_no_rank_without_an_expert(exponent, tp, domain, experts):
    width = 2**exponent
    for cut in expert_cuts(width, min(width, 2**tp), domain, experts):
        assert width % cut == 0
        assert width // cut <= experts
        assert cut <= domain
