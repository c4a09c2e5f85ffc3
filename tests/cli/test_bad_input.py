"""Bad input of any kind: exit 2, one line that names file and field, nothing written."""

from __future__ import annotations

import json

import pytest
import yaml

from placer.paths import catalog_root

FLEET = """
name: lab
price_basis: tco
pools:
  - {name: a, device: b200-sxm, count: 16, unit: 8, domain: 8, scale_up: nvlink5-8, scale_out: cx8-800}
  - {name: b, device: h200-sxm, count: 8, unit: 8, domain: 8, scale_up: nvlink4}
links:
  - {between: [a, b], link: ib-ndr400}
"""
DEVICE = yaml.safe_load((catalog_root() / "fleets" / "devices" / "h200-sxm.yaml").read_text())

#: What is replaced in the fleet, by what, and what the message must say after the file's name.
FLEET_CASES = {
    "unknown device": ("device: h200-sxm", "device: h200-sxn", 'pools[1].device: unknown device "h200-sxn"'),
    "unknown link": ("scale_up: nvlink4", "scale_up: nvlink9", 'pools[1].scale_up: unknown link "nvlink9"'),
    "unknown pool": ("[a, b]", "[a, z]", 'links[0].between: unknown pool "z"'),
    "joined with itself": ("[a, b]", "[a, a]", "links[0].between: joins a with itself"),
    "three ends": ("[a, b]", "[a, b, a]", "links[0].between: "),
    "unknown key": ("price_basis", "price_bassi", 'price_bassi: unknown field; did you mean "price_basis"'),
    "unknown inner key": ("unit: 8, domain: 8, scale_up: nvlink4", "unti: 8", "pools[1].unti: unknown field"),
    "missing key": ("price_basis: tco", "", "price_basis: missing"),
    "null": ("count: 16", "count: null", "pools[0].count: Input should be a valid integer, got None"),
    "null list": ("links:\n  - {between: [a, b], link: ib-ndr400}", "links: null", "links: "),
    "negative": ("count: 16", "count: -16", "pools[0].count: Input should be greater than or equal to 1"),
    "zero": ("count: 16", "count: 0", "pools[0].count: "),
    "fraction": ("count: 16", "count: 16.5", "pools[0].count: "),
    "text": ("count: 16", "count: '16'", "pools[0].count: Input should be a valid integer, got '16'"),
    "truth value": ("count: 16", "count: yes", "pools[0].count: Input should be a valid integer, got True"),
    "nan": ("count: 16", "count: .nan", "pools[0].count: "),
    "inf": ("count: 16", "count: .inf", "pools[0].count: "),
    "huge": ("count: 16", "count: 1" + "0" * 3000, "pools[0].count: "),
    "absurd": ("count: 16", "count: 160000000", "pools[0].count: Input should be less than or equal to"),
    "no multiple": ("count: 16", "count: 12", "pools[0]: count 12 is no multiple of the rentable unit 8"),
    "no scale-out": (", scale_out: cx8-800", "", "pools[0]: count 16 exceeds the domain 8"),
    "duplicate pool": ("name: b", "name: a", 'pools[1].name: "a" is taken by pools[0]'),
    "pools as mapping": ("pools:\n", "pools: {}\nother:\n", "pools: "),
    "no pools": (FLEET[FLEET.index("pools:") :], "pools: []", "pools: Tuple should have at least 1 item"),
    "pool is text": ("  - {name: b,", "  - text\n  - {name: b,", "pools[1]: "),
    "repeated key": (
        "price_basis: tco",
        "price_basis: tco\nprice_basis: list",
        '"price_basis" is given twice',
    ),
    "name with a space": ("name: lab", "name: my lab", "name: String should match"),
    "empty basis": ("price_basis: tco", "price_basis: ''", "price_basis: String should have at least 1"),
    "control letters": ("device: h200-sxm", 'device: "a\\nb\\e[31m"', 'pools[1].device: unknown device "a b'),
    "unclosed": ("count: 16", "count: [16", "malformed YAML at line "),
    "tabs": ("price_basis", "\tprice_basis", "malformed YAML at line "),
    "a python object": ("count: 16", "count: !!python/name:os.system x", "malformed YAML at line "),
    "links twice": ("links:\n", "links:\n  - {between: [b, a], link: ib-ndr400}\n", "are joined twice"),
}

DEVICE_CASES = {
    "bare number": ({"power": 700}, "devices.mine.power: expected a power such as 700 W"),
    "wrong unit": ({"power": "700 GB"}, "devices.mine.power: expected a power such as 700 W"),
    "no unit": ({"power": "700"}, "devices.mine.power: expected a power"),
    "negative": ({"power": "-700 W"}, "devices.mine.power: expected a power"),
    "null": ({"power": None}, "devices.mine.power: expected a power such as 700 W or 1.2 kW, got None"),
    "price nan": ({"price": {"tco": "nan USD/h"}}, "devices.mine.price.tco: expected a price"),
    "price inf": ({"price": {"tco": "inf USD/h"}}, "devices.mine.price.tco: expected a price"),
    "price in euro": ({"price": {"tco": "2 EUR/h"}}, "devices.mine.price.tco: expected a price"),
    "no price": ({"price": {}}, "devices.mine.price: Dictionary should have at least 1 item"),
    "huge": ({"peak": {"bf16": "1e300 TFLOP/s"}}, "devices.mine.peak.bf16: expected a rate"),
    "zero rate": ({"peak": {"bf16": "0 TFLOP/s"}}, "devices.mine.peak.bf16: expected more than zero"),
    "decimal comma": ({"peak": {"bf16": "1,5 PFLOP/s"}}, "devices.mine.peak.bf16: expected a rate"),
    "unknown precision": ({"peak": {"fp3": "1 PFLOP/s"}}, "devices.mine.peak.fp3: Input should be 'bf16'"),
    "reserve of all": ({"reserve": 1.0}, "devices.mine.reserve: Input should be less than 1"),
    "reserve nan": ({"reserve": float("nan")}, "devices.mine.reserve: "),
    "reserve true": ({"reserve": True}, "devices.mine.reserve: Input should be a valid number, got True"),
    "no kernels": ({"kernels": []}, "devices.mine.kernels: Tuple should have at least 1 item"),
    "no memory": ({"memory": None}, "devices.mine.memory: "),
    "unknown key": ({"pwer": "7 W"}, 'devices.mine.pwer: unknown field; did you mean "power"'),
}


@pytest.fixture
def refused(placer, tmp_path):
    """Return a function that shows a file is refused, and gives the message after its name."""

    def check(content, name="lab.yaml", command=("fleets", "show")):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        result = placer(*command, path)
        assert (result.code, result.out) == (2, ""), result.err
        assert result.err.startswith(f"error: {path}: ")
        assert result.err.count("\n") == 1
        assert result.err.rstrip("\n").isprintable()
        assert "Traceback" not in result.err
        assert len(result.err) < 1200
        assert list(tmp_path.iterdir()) == [path]
        return result.err.removeprefix(f"error: {path}: ")

    return check


@pytest.mark.parametrize("case", FLEET_CASES)
def test_a_fleet_is_refused_by_field(refused, case):
    old, new, message = FLEET_CASES[case]
    assert FLEET.count(old) >= 1
    assert message in refused(FLEET.replace(old, new, 1))


def test_the_fleet_itself_is_fine(placer, tmp_path):
    path = tmp_path / "lab.yaml"
    path.write_text(FLEET)
    assert placer("fleets", "show", path).code == 0


@pytest.mark.parametrize("case", DEVICE_CASES)
def test_a_device_is_refused_by_field(refused, case):
    change, message = DEVICE_CASES[case]
    fleet = yaml.safe_load(FLEET.replace("h200-sxm", "mine")) | {"devices": {"mine": DEVICE | change}}
    assert message in refused(yaml.safe_dump(fleet))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"   \n\n", "is empty"),
        (b"\x80\x03}q\x00.", "is no UTF-8 text"),
        (b"name: \x00lab", "is a binary file"),
        (b"[]", "expected named fields at the top level, got list"),
        (b"just text", "expected named fields at the top level, got str"),
        (FLEET.encode()[:120], ""),
        (b"a: &a [*a]", "aliases expand"),
        (b"a: " + b"[" * 50_000, "nested more than"),
    ],
)
@pytest.mark.parametrize("command", [("fleets", "show"), ("models", "show"), ("lower",)])
def test_a_broken_file_is_refused(refused, content, message, command):
    assert message in refused(content, command=command)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"model_type": "llama", "hidden', "malformed JSON at line 1"),
        ('{"model_type": "llama", "hidden_size": NaN}', "NaN is no number"),
        ('{"model_type": "llama", "hidden_size": 1e999}', "hidden_size: expected a whole number"),
        ('{"model_type": "llama"}', ": missing"),
        ('{"model_type": "gpt2"}', "model_type: 'gpt2' is not known"),
        ('{"model_type": ["llama"]}', "model_type: ['llama'] is not known"),
        ('{"name": "x\\u0001"}', "name: String should match"),
        ('{"name": "\\ud800"}', "name: "),
    ],
)
def test_a_model_file_is_refused(refused, content, message):
    assert message in refused(content, name="config.json", command=("lower",))


@pytest.mark.parametrize("command", [("fleets", "show"), ("models", "show"), ("lower",)])
def test_a_folder_and_an_absent_file_are_refused(placer, tmp_path, command):
    for path, message in ((tmp_path, "is a directory"), (tmp_path / "no.yaml", "no such file")):
        result = placer(*command, path)
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith(f"error: {path}: {message}")


def test_nothing_is_written_for_bad_input(placer, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"model_type": "llama", "hidden_size": -1}))
    target = tmp_path / "out.json"
    target.write_text("old")
    assert placer("lower", config, "--json", "-o", target).code == 2
    assert target.read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "out.json"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--context", "0"), "--context"),
        (("--context", "-1"), "--context"),
        (("--context", "nan"), "--context"),
        (("--context", "1e9"), "--context"),
        (("--batch", "9" * 400), "--batch"),
        (("--batch", "1.5"), "--batch"),
        (("--batch", ""), "--batch"),
        (("--bach", "1"), "--bach"),
        (("more",), "more"),
        (("-o",), "-o"),
        (("-o", "absent/x.json"), "absent/x.json: cannot be written"),
        (("-o", "."), ".: is a directory"),
    ],
)
def test_bad_options_are_named(placer, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = placer("lower", "llama-8b", "--json", *arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert message in result.err
    assert result.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
