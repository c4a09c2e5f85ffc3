import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.catalog.loader import load_fleet
from placer.cost.expert_load import touched_probability
from placer.cost.group import build_group, exact_batch, relaxed_batch
from placer.cost.loads import ExpertLoads
from placer.cost.shape import ExpertRanks, GroupShape
from placer.errors import InternalError
from placer.scenario.routing import RoutingKind, RoutingProfile

LAW = settings(derandomize=True, deadline=None)
SHAPE = GroupShape("p", 1, 8, 2, 1)


def test_batch_is_dealt_in_whole_tokens_and_the_fullest_rank_counts():
    # 4 data-parallel ranks of 2 devices.
    batch = exact_batch(np.array([1.0, 4.0, 5.0, 9.0]), SHAPE)
    assert batch.rank_tokens.tolist() == [1, 1, 2, 3]
    assert batch.device_tokens.tolist() == [0.5, 0.5, 1, 1.5]


@LAW
@given(tokens=st.integers(1, 100_000), tp=st.sampled_from([1, 2, 4, 8]))
def test_relaxed_batch_is_never_fuller_than_the_exact_one(tokens, tp):
    shape, size = GroupShape("p", 1, 8, tp, 1), np.array([float(tokens)])
    exact, relaxed = exact_batch(size, shape), relaxed_batch(size, shape)
    assert 1 <= relaxed.rank_tokens[0] <= exact.rank_tokens[0] < tokens / shape.dp + 1
    assert relaxed.device_tokens[0] <= exact.device_tokens[0]
    if tokens % shape.dp == 0:
        assert relaxed.rank_tokens[0] == exact.rank_tokens[0]


def test_group_takes_device_and_links_of_its_pool():
    group = build_group(load_fleet("h100-8x"), GroupShape("h100", 2, 8, 8, 1))
    assert group.device.name == "h100-sxm"
    assert (group.link.name, group.stage_link.name, group.domain) == ("nvlink4", "ib-ndr400", 8)


def test_stages_of_one_domain_talk_over_scale_up():
    group = build_group(load_fleet("h100-8x"), GroupShape("h100", 2, 4, 4, 1))
    assert group.stage_link.name == "nvlink4"


def test_pool_without_scale_up_talks_over_scale_out():
    group = build_group(load_fleet("h20-l40s"), GroupShape("l40s", 1, 8, 1, 1))
    assert group.link.name == "ib-ndr400"


def test_group_without_any_link_says_so(make_group):
    group = make_group()
    lonely = type(group)(group.shape, group.device, 1, None, None)
    with pytest.raises(InternalError, match="pool has no link"):
        _ = lonely.link


def test_experts_are_counted_from_the_hottest():
    loads = ExpertLoads(np.array([0.1, 0.9, 0.5, 0.5]))
    assert loads.selection.tolist() == [0.9, 0.5, 0.5, 0.1]
    assert loads.selected((0, 2)) == pytest.approx(1.4)
    assert loads.selected((2, 4)) == pytest.approx(0.6)


def test_one_rank_serves_everything_and_touches_what_the_batch_does():
    profile = RoutingProfile(kind=RoutingKind.ZIPF, exponent=0.6)
    selection = profile.selection_probability(256, 8)
    tokens = np.array([1.0, 8.0, 64.0])
    touched, served = ExpertLoads(selection).busiest((0, 256), ExpertRanks(1), tokens)[0]
    assert touched == pytest.approx(touched_probability(selection, tokens).sum(axis=1), rel=1e-12)
    assert served == pytest.approx(8 * tokens, rel=1e-12)


def test_loads_are_remembered_once_and_cannot_be_changed():
    loads = ExpertLoads(np.full(8, 0.25))
    whole, real = (
        loads.busiest((0, 8), ExpertRanks(2), np.array([1, 3], dtype=kind))[0] for kind in (np.int64, np.float64)
    )
    for ours, theirs in zip(whole, real, strict=True):
        assert ours is theirs
        with pytest.raises(ValueError, match="read-only"):
            ours[0] = 1.0


def test_tokens_of_any_type_are_the_same_tokens():
    loads = ExpertLoads(np.full(8, 0.25))
    exact = loads.busiest((0, 8), ExpertRanks(2), np.array([1.0, 3.0]))[0]
    for kind in (np.int32, np.int64, np.float32):
        touched, served = loads.busiest((0, 8), ExpertRanks(2), np.array([1, 3], dtype=kind))[0]
        assert touched.tolist() == exact[0].tolist()
        assert served.tolist() == exact[1].tolist()


def test_uniform_routing_over_equal_ranks_is_the_mean():
    tokens = np.array([1.0, 100.0])
    touched, served = ExpertLoads(np.full(256, 8 / 256)).busiest((0, 256), ExpertRanks(32), tokens)[0]
    # At one token the mean is 1/4 expert, but some rank has a whole one.
    assert touched[0] == pytest.approx(1.0, abs=1e-3)
    assert served[0] == pytest.approx(1.0, abs=1e-3)
    assert touched[1] == pytest.approx(8 * (1 - (1 - 1 / 32) ** 100), rel=1e-9)
    assert served[1] == pytest.approx(100 * 8 / 32, rel=1e-9)


@pytest.mark.parametrize(
    ("exponent", "num_hot", "batch", "saving"),
    # B4: zipf 0.6, 256 experts, top 8, the 64 or 128 hottest elsewhere: traffic saved by batch.
    [
        (0.6, 64, 1, 0.53),
        (0.6, 64, 8, 0.47),
        (0.6, 64, 32, 0.37),
        (0.6, 64, 128, 0.27),
        (0.6, 128, 1, 0.73),
        (0.6, 128, 8, 0.70),
        (0.6, 128, 32, 0.62),
        (0.6, 128, 128, 0.53),
    ],
)
def test_hot_experts_save_less_traffic_the_larger_the_batch(exponent, num_hot, batch, saving):
    selection = RoutingProfile(kind=RoutingKind.ZIPF, exponent=exponent).selection_probability(256, 8)
    loads, tokens = ExpertLoads(selection), np.array([float(batch)])
    cold = loads.busiest((num_hot, 256), ExpertRanks(1), tokens)[0][0][0]
    everything = loads.busiest((0, 256), ExpertRanks(1), tokens)[0][0][0]
    # Two digits are given, simulated.
    assert 1 - cold / everything == pytest.approx(saving, abs=0.01)


@LAW
@given(exponent=st.floats(0, 2), num_hot=st.integers(1, 63), batch=st.integers(1, 500))
def test_hot_and_cold_part_make_up_the_whole_on_one_rank(exponent, num_hot, batch):
    selection = RoutingProfile(kind=RoutingKind.ZIPF, exponent=exponent).selection_probability(64, 4)
    loads, tokens = ExpertLoads(selection), np.array([float(batch)])
    hot, cold, whole = (
        loads.busiest(part, ExpertRanks(1), tokens)[0] for part in ((0, num_hot), (num_hot, 64), (0, 64))
    )
    for column in range(2):
        assert hot[column] + cold[column] == pytest.approx(whole[column], rel=1e-9)


@LAW
@given(
    exponent=st.floats(0, 2),
    ep=st.sampled_from([1, 2, 8, 32, 64]),
    batch=st.floats(1, 1e4),
    factor=st.floats(1, 100),
)
def test_load_grows_with_the_batch_but_not_per_token(exponent, ep, batch, factor):
    # The box bounds rest on this (docs/method.md, section 4).
    selection = RoutingProfile(kind=RoutingKind.ZIPF, exponent=exponent).selection_probability(64, 4)
    tokens = np.array([batch, factor * batch])
    for load in ExpertLoads(selection).busiest((0, 64), ExpertRanks(ep), tokens)[0]:
        assert load[1] >= load[0] * (1 - 1e-9)
        assert load[1] / tokens[1] <= load[0] / tokens[0] * (1 + 1e-9)
