"""Shapes the anchors rely on, read from copies of the configuration files next to the repository."""

import json
from pathlib import Path

import pytest

from placer.model.catalog import load_model, read_model_file

MODELS = Path(__file__).resolve().parents[3] / "shared" / "data" / "models"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not MODELS.is_dir(), reason="the survey's configuration files are not here"),
]


@pytest.mark.parametrize("name", ["meta-llama/Meta-Llama-3.1-70B", "deepseek-ai/DeepSeek-V3", "openai/gpt-oss-120b"])
def test_catalog_equals_the_configuration_file(name):
    read = read_model_file(MODELS / (name.replace("/", "__") + ".json"))
    ours = load_model(name)
    for field in ("hidden_size", "vocab_size", "tie_word_embeddings", "precision", "num_layers"):
        assert getattr(read, field) == getattr(ours, field), field
    blocks = [[(spec.mixers[kind.mixer], spec.ffns[kind.ffn]) for kind in spec.layer_kinds()] for spec in (read, ours)]
    assert blocks[0] == blocks[1]


def test_jamba_has_four_attention_layers_of_32_with_8_kv_heads():
    # A26 rests on this: attention in every 8th layer.
    config = json.loads((MODELS / "reconstructed" / "ai21labs__AI21-Jamba-1.5-Mini.json").read_text())
    layers = range(config["num_hidden_layers"])
    period, offset = config["attn_layer_period"], config["attn_layer_offset"]
    assert (len(layers), sum(layer % period == offset for layer in layers)) == (32, 4)
    assert config["num_key_value_heads"] == 8
    assert config["hidden_size"] // config["num_attention_heads"] == 128
