"""``placer calibrate``: what goes wrong is said before anything is measured."""

import importlib.util
import sys

import pytest

has_torch = importlib.util.find_spec("torch") is not None


@pytest.mark.parametrize("name", ["torch", "transformers"])
def test_without_the_extra_it_says_which(placer, monkeypatch, tmp_path, name):
    if name == "transformers" and not has_torch:
        pytest.skip("torch is missing first")
    monkeypatch.setitem(sys.modules, name, None)
    result = placer("calibrate", "--output", tmp_path / "mine.yaml")
    assert result.code == 2
    assert result.err == f"error: needs {name}, which is not installed; pip install 'placer[calibrate]'\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--device", "cdua"),
            "error: --device: unknown device \"cdua\", expected one of ['cpu', 'cuda']; did you mean",
        ),
        (("--threads", "0"), "error: --threads: expected 1 to 4096 threads, got 0"),
        (("--usd-per-hour", "-1"), "error: --usd-per-hour: expected a number above 0"),
    ],
)
def test_bad_options_are_named(placer, tmp_path, arguments, message):
    result = placer("calibrate", "--output", tmp_path / "mine.yaml", *arguments)
    assert result.code == 2
    assert result.err.startswith(message)
    assert not list(tmp_path.iterdir())


def test_ctrl_c_leaves_nothing(placer, monkeypatch, tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("placer.calibrate.calibrate.measure", interrupted)
    result = placer("calibrate", "--output", tmp_path / "mine.yaml", "--threads", "1")
    assert result.code == 130
    assert not list(tmp_path.iterdir())
