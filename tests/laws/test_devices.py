"""A device that is better in one figure never makes tokens dearer.

Every figure here makes times shorter or leaves more room, and the declared space stays as it is: each plan of the worse
device is one of the better device, at no higher price.
"""

from hypothesis import strategies as st

from tests.laws.hold import hold, never_dearer
from tests.laws.variants import climb, with_devices, with_kernels, with_space, with_target, with_tier
from tests.oracle.instances import scenarios


def more_flops(device, factor):
    return device.model_copy(update={"peak": {name: peak * factor for name, peak in device.peak.items()}})


def slow(device):
    """Return a device with room for improvement: drawn ones are rarely held up by FLOP/s, and reserve nothing."""
    slower = with_kernels(more_flops(device, 0.05), lambda kernel: {"floor": kernel.floor + 5e-6, "mfu": 0.1})
    return slower.model_copy(update={"reserve": 0.5})


IMPROVEMENTS = {
    "memory capacity": lambda device, factor: with_tier(device, capacity=device.compute_tier.capacity * factor),
    "memory bandwidth": lambda device, factor: with_tier(device, bandwidth=device.compute_tier.bandwidth * factor),
    "peak FLOP/s": more_flops,
    "MBU": lambda device, _: with_kernels(device, lambda _: {"mbu": 1.0}),
    "MFU": lambda device, _: with_kernels(device, lambda _: {"mfu": 1.0}),
    "floors": lambda device, factor: with_kernels(device, lambda kernel: {"floor": kernel.floor / factor}),
    "reserve": lambda device, _: device.model_copy(update={"reserve": 0.1}),
}


@st.composite
def improved(draw):
    speed = draw(st.sampled_from([1.0, 100.0, 1_000.0]))
    scenario = with_target(with_devices(draw(scenarios()), slow), tokens_per_s_per_user=speed)
    scenario = with_space(scenario, max_rank_batch=2)
    names = st.sampled_from(sorted(scenario.fleet.devices))

    def step(improve):
        name, factor = draw(names), draw(st.sampled_from([1.5, 10.0]))
        return lambda before: with_devices(before, lambda device: improve(device, factor), name)

    some = draw(st.permutations(list(IMPROVEMENTS)))[:4]
    return climb(scenario, {name: step(IMPROVEMENTS[name]) for name in some})


def test_a_better_device_is_never_dearer():
    hold(improved(), never_dearer)


@st.composite
def less_power(draw):
    scenario = with_target(draw(scenarios()), power_cap=draw(st.sampled_from([2.0, 4.0, 6.0])))
    saved = {
        f"power of {name}": lambda before, name=name: with_devices(
            before, lambda device: device.model_copy(update={"power": device.power / 4.0}), name
        )
        for name in sorted(scenario.fleet.devices)
    }
    return climb(scenario, saved)


def test_less_power_under_a_cap_is_never_dearer():
    hold(less_power(), never_dearer)
