import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.cost.collective import all_gather_s, all_reduce_s, all_to_all_s, hop_s

LAW = settings(derandomize=True, deadline=None)
sizes = st.floats(0, 1e9)
devices = st.integers(2, 512)
# The link of the fixtures: beta = 50 GB/s; all-reduce starts in 3 us to 2, 5 us beyond; all-to-all 7 us.


@pytest.mark.parametrize(
    ("num_devices", "seconds"),
    # A6: alpha + 2 (n-1)/n V / beta, V = 1 MB.
    [(1, 0.0), (2, 3e-6 + 20e-6), (4, 5e-6 + 30e-6), (8, 5e-6 + 35e-6), (16, 5e-6 + 37.5e-6)],
)
def test_all_reduce(make_link, num_devices, seconds):
    assert all_reduce_s(make_link(), num_devices, 1e6) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize(
    ("num_devices", "seconds"), [(1, 0.0), (2, 3e-6 + 10e-6), (4, 5e-6 + 15e-6), (8, 5e-6 + 17.5e-6)]
)
def test_all_gather(make_link, num_devices, seconds):
    # alpha + (n-1)/n V / beta, V = 1 MB gathered.
    assert all_gather_s(make_link(), num_devices, 1e6) == pytest.approx(seconds, rel=1e-12)


@LAW
@given(num_devices=devices, size=sizes)
def test_all_reduce_moves_as_much_as_reduce_scatter_and_all_gather(make_link, num_devices, size):
    link = make_link(all_reduce=(), latency="0 us")
    twice = 2 * all_gather_s(link, num_devices, size)
    assert all_reduce_s(link, num_devices, size) == pytest.approx(twice, rel=1e-12)


def test_start_up_is_the_latency_where_no_table_is_given(make_link):
    link = make_link(all_reduce=(), all_to_all=())
    for collective in (all_reduce_s, all_gather_s):
        assert collective(link, 8, 0.0) == 2e-6
    assert all_to_all_s(link, None, (8, 8), 0.0) == 2e-6


@pytest.mark.parametrize(
    ("shape", "seconds"),
    # B2: V = 1 MB over beta 50 GB/s inside; what a device sends itself stays.
    [((1, 8), 0.0), ((4, 8), 7e-6 + 15e-6), ((8, 8), 7e-6 + 17.5e-6)],
)
def test_all_to_all_inside_a_domain(make_link, shape, seconds):
    assert all_to_all_s(make_link(), make_link(), shape, 1e6) == pytest.approx(seconds, rel=1e-12)


def test_all_to_all_over_domains_takes_the_slower_way(make_link):
    # 16 devices in domains of 8: 7/16 of 1 MB inside at 50 GB/s = 8.75 us, 8/16 outside.
    slow = make_link(bandwidth="20 GB/s", all_to_all=({"devices": 16, "latency": "9 us"},))
    fast = make_link(bandwidth="2000 GB/s", all_to_all=({"devices": 16, "latency": "9 us"},))
    assert all_to_all_s(make_link(), slow, (16, 8), 1e6) == pytest.approx(9e-6 + 50e-6, rel=1e-12)
    assert all_to_all_s(make_link(), fast, (16, 8), 1e6) == pytest.approx(9e-6 + 8.75e-6, rel=1e-12)


def test_all_to_all_of_single_device_domains_goes_outside_only(make_link):
    # L40S in the fleets: domain 1, 7/8 of 1 MB over the NIC.
    assert all_to_all_s(make_link(), make_link(), (8, 1), 1e6) == pytest.approx(7e-6 + 17.5e-6, rel=1e-12)


@LAW
@given(num_devices=devices, domain=st.sampled_from([1, 2, 4, 8, 72]), size=sizes, more=sizes)
def test_collectives_never_get_faster_with_bytes(make_link, num_devices, domain, size, more):
    link = make_link()
    for collective in (all_reduce_s, all_gather_s):
        assert collective(link, num_devices, size + more) >= collective(link, num_devices, size)
    shape = (num_devices, domain)
    assert all_to_all_s(link, link, shape, size + more) >= all_to_all_s(link, link, shape, size)


@LAW
@given(
    num_devices=devices,
    domain=st.sampled_from([1, 2, 4, 8, 72]),
    size=sizes,
    bandwidth=st.integers(1, 1_000),
    more=st.integers(0, 1_000),
)
def test_collectives_never_get_slower_with_bandwidth(make_link, num_devices, domain, size, bandwidth, more):
    slow, fast = (make_link(bandwidth=f"{speed} GB/s") for speed in (bandwidth, bandwidth + more))
    for collective in (all_reduce_s, all_gather_s):
        assert collective(fast, num_devices, size) <= collective(slow, num_devices, size)
    shape = (num_devices, domain)
    assert all_to_all_s(fast, fast, shape, size) <= all_to_all_s(slow, slow, shape, size)


@LAW
@given(num_devices=devices, more=devices, size=sizes)
def test_collectives_never_get_faster_with_devices(make_link, num_devices, more, size):
    link = make_link()
    for collective in (all_reduce_s, all_gather_s):
        assert collective(link, num_devices + more, size) >= collective(link, num_devices, size) * (1 - 1e-12)


@LAW
@given(num_devices=devices, size=sizes)
def test_no_byte_is_lost_between_inside_and_outside(make_link, num_devices, size):
    # With equal links and nothing to start, two links at once take between half and all of one link's time.
    link = make_link(all_to_all=(), latency="0 us")
    everything = size * (num_devices - 1) / num_devices / 50e9
    split = all_to_all_s(link, link, (num_devices, 8), size)
    assert everything / 2 * (1 - 1e-12) <= split <= everything * (1 + 1e-12)


def test_hop_is_latency_plus_bytes_over_bandwidth():
    # A8; C4 [StepMesh@740ac12]: 2 x 128 x 7168 B in FP8 within 91 us = 161.3 Gb/s.
    assert hop_s(3e-6, 1e9, 2e6) == pytest.approx(2.003e-3, rel=1e-12)
    assert hop_s(0.0, 161.3e9 / 8, 2 * 128 * 7168) == pytest.approx(91e-6, rel=0.005)
