"""Predictions of SRAM machines beside published speeds of one user (physics A4): no engine of a GPU is on top."""

import re

import pytest

from placer.catalog.device import TierKind
from placer.catalog.loader import device_names, load_device, load_engine
from placer.cli.app import main
from placer.errors import CatalogError

ONE_USER = ("--batch", "1", "--isl", "1000", "--osl", "100")


@pytest.mark.parametrize(
    ("arguments", "tokens_per_s"),
    [
        # cerebras.ai, 2024-08-27
        ("llama-3.1-8b --device cs3", 1_800),
        ("llama-3.1-70b --device cs3 --pp 4", 450),
        # techpowerup, 2024-01: Llama-2-70B on 576 chips; two cuts of them, neither published
        ("llama-3.1-70b --device lpu-v1 --tp 64 --pp 9 --weights int8", 300),
        ("llama-3.1-70b --device lpu-v1 --tp 32 --pp 18 --weights int8", 300),
        # Artificial Analysis, 2024-09: chips not published
        ("llama-3.1-8b --device lpu-v1 --tp 32 --pp 2 --weights int8", 751),
        # Artificial Analysis through physics H6: at least 64 chips
        ("gemma-4-31b --device lp30 --tp 32 --pp 4 --weights fp8 --kv fp8", 3_382),
    ],
)
def test_speed_of_one_user(arguments, tokens_per_s, capsys):
    assert main(["predict", *arguments.split(), *ONE_USER]) == 0
    (found,) = re.findall(r"([\d.,]+) tokens/s/user", capsys.readouterr().out)
    assert float(found.replace(",", "")) == pytest.approx(tokens_per_s, rel=0.10)


#: Devices that run from DRAM what was laid out before it runs, as SRAM machines do.
DATAFLOW = {"corsair-capacity", "sn40l"}


@pytest.mark.parametrize("name", device_names())
def test_every_device_names_an_engine_of_the_catalog(name):
    device = load_device(name)
    engine = load_engine(device.engine)
    is_laid_out = device.compute_tier.tier is TierKind.SRAM or name in DATAFLOW
    # A host step of hundreds of microseconds would be most of what an SRAM machine takes.
    assert (engine.step_overhead == 0) is is_laid_out
    assert (engine.memory == 0) is is_laid_out


def test_an_engine_asked_for_replaces_the_devices_own(capsys):
    speeds = []
    for more in ((), ("--engine", "static"), ("--engine", "generic")):
        assert main(["predict", "llama-3.1-8b", "--device", "cs3", *ONE_USER, *more]) == 0
        speeds += re.findall(r"([\d.,]+) tokens/s/user", capsys.readouterr().out)
    assert speeds[0] == speeds[1] != speeds[2]


def test_an_unknown_engine_is_named(capsys):
    with pytest.raises(CatalogError):
        load_engine("statik")
    assert main(["predict", "llama-3.1-8b", "--device", "cs3", *ONE_USER, "--engine", "statik"]) == 2
    assert 'did you mean "static"' in capsys.readouterr().err
