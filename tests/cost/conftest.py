import pytest

from placer.catalog.device import Device, MemoryTier
from placer.catalog.kernel import KernelModel
from placer.catalog.link import Link
from placer.cost.group import Group
from placer.cost.shape import GroupShape


@pytest.fixture(scope="session")
def make_link():
    """A link of 100 GB/s, 2 us, half of it reached, with start-ups by size."""

    def make(**changes) -> Link:
        fields = {
            "name": "link",
            "bandwidth": "100 GB/s",
            "latency": "2 us",
            "efficiency": 0.5,
            "all_reduce": ({"devices": 2, "latency": "3 us"}, {"devices": 8, "latency": "5 us"}),
            "all_to_all": ({"devices": 8, "latency": "7 us"},),
        }
        return Link(**(fields | changes))

    return make


@pytest.fixture(scope="session")
def make_device():
    """A device whose kernels all reach half of 1 TB/s and a quarter of 100 TFLOP/s after 1 us."""

    def make(*, kernels=None, peak=None, dequantises=True, bandwidth="1 TB/s") -> Device:
        same = {"floor": "1 us", "mbu": 0.5, "mfu": 0.25}
        families = ("gemm", "attention", "moe")
        return Device(
            name="device",
            memory=(MemoryTier(tier="hbm", capacity="80 GB", bandwidth=bandwidth),),
            peak=peak or {"bf16": "100 TFLOP/s", "fp8": "200 TFLOP/s"},
            dequantises=dequantises,
            kernels=kernels or tuple(KernelModel(family=family, **same) for family in families),
            power="1 kW",
            price={"tco": "2 USD/h"},
        )

    return make


@pytest.fixture(scope="session")
def make_group(make_device, make_link):
    """A group of width ``width``, cut ``tp``, ``expert_tp`` and ``cp`` ways, in domains of ``domain``."""

    def make(width=1, tp=1, expert_tp=1, *, cp=1, stages=1, domain=8, device=None, scale_out=None) -> Group:
        shape = GroupShape("pool", stages, width, tp, expert_tp, cp)
        return Group(shape, device or make_device(), domain, make_link(), scale_out)

    return make
