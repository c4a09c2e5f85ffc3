"""Finding models: ids, aliases, paths, and what is said where there is none."""

from __future__ import annotations

import os

import pytest

from placer.errors import ModelConfigError
from placer.model.catalog import load_model, model_paths


@pytest.mark.parametrize("name", model_paths())
def test_every_name_and_alias_finds_its_model_in_any_case(name):
    spec = load_model(name)
    assert spec.name == name
    for alias in (*spec.aliases, name):
        assert load_model(alias.upper()) is spec
        assert load_model(alias.lower()) is spec


def test_no_two_models_share_an_alias():
    names = [alias.casefold() for name in model_paths() for alias in (name, *load_model(name).aliases)]
    assert len(names) == len(set(names))


def test_a_folder_of_that_name_does_not_hide_an_alias(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deepseek-v3").mkdir()
    assert load_model("deepseek-v3").name == "deepseek-ai/DeepSeek-V3"


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ModelConfigError, match='unknown model "deepsek-v3"; did you mean "deepseek-v3"'):
        load_model("deepsek-v3")


def test_a_name_too_long_for_any_file_is_unknown():
    with pytest.raises(ModelConfigError, match="unknown model"):
        load_model("a" * 100_000)


def test_a_file_in_our_schema_is_read(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(model_paths()["openai/gpt-oss-120b"].read_text())
    assert load_model(os.fspath(path)) == load_model("openai/gpt-oss-120b")
