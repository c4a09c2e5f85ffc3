"""Models from the Hub, by a client that stands in for the real one."""

from __future__ import annotations

import json
import sys
import types

import pytest

from placer.errors import ModelConfigError
from placer.model.catalog import load_model
from tests.model.configs import CONFIGS


@pytest.fixture
def hub(monkeypatch):
    def install(answer):
        client = types.ModuleType("huggingface_hub")
        client.hf_hub_download = answer
        monkeypatch.setitem(sys.modules, "huggingface_hub", client)

    return install


def test_a_config_is_fetched_under_its_id(hub, tmp_path):
    asked = []

    def answer(repository, filename):
        asked.append((repository, filename))
        (tmp_path / "config.json").write_text(json.dumps(CONFIGS["llama"]))
        return str(tmp_path / "config.json")

    hub(answer)
    spec = load_model("someone/some-model")
    assert asked == [("someone/some-model", "config.json")]
    assert (spec.name, spec.hidden_size) == ("someone/some-model", 64)
    assert "Hub" in spec.source


def test_whatever_the_client_raises_is_one_message(hub):
    def answer(*_):
        raise OSError("401 Client Error\nGated repository")

    hub(answer)
    with pytest.raises(ModelConfigError, match=r"not to be had from the Hub: 401 Client Error$"):
        load_model("someone/gated")


def test_without_the_client_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModelConfigError, match=r"pip install 'placer\[hub\]'"):
        load_model("someone/some-model")


def test_a_misspelt_catalog_name_gets_the_nearest_one(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModelConfigError, match=r'did you mean "deepseek-ai/deepseek-v3"'):
        load_model("deepseek-ai/DeepSeek-V33")


def test_names_that_are_no_ids_are_unknown_models(hub):
    hub(lambda *_: pytest.fail("asked the Hub"))
    for name in ("some-model", "a/b/c", "../x", "a/"):
        with pytest.raises(ModelConfigError):
            load_model(name)
