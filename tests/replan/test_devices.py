"""Names of devices."""

import pytest

from placer.catalog.loader import load_fleet
from placer.errors import InputError
from placer.replan.devices import parse_devices


@pytest.fixture(scope="module")
def fleet():
    return load_fleet("h200-8x")


def test_devices_and_domains(fleet):
    assert parse_devices(fleet, ["h200[3]", "h200[3]"], "--lost") == (("h200", 3),)
    assert parse_devices(fleet, ["domain:h200[1]"], "--lost") == tuple(("h200", number) for number in range(8, 16))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("h20[3]", 'did you mean "h200[3]"'),
        ("h200[256]", 'did you mean "h200[255]"'),
        ("domain:h200[32]", 'did you mean "domain:h200[31]"'),
        ("h200", "expected a device such as"),
        ("h200[-1]", "expected a device such as"),
        ("zzz[0]", "pools are h200"),
    ],
)
def test_unknown_ones_are_named_with_the_nearest(fleet, name, message):
    with pytest.raises(InputError) as error:
        parse_devices(fleet, [name], "--lost")
    assert message in str(error.value)
    assert str(error.value).startswith("--lost: ")
