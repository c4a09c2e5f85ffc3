"""Parameters and FLOPs against the modules of transformers on the meta device; needs torch and transformers."""

from __future__ import annotations

import pytest

from placer.graph.lower import lower
from placer.graph.totals import op_classes, totals
from placer.model.readers.registry import read_config
from tests.model.configs import CONFIGS

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

#: Two-dimensional parameters that are added or multiplied element by element.
NO_MATRICES = ("A_log", "position_bias")


@pytest.fixture(scope="module", params=CONFIGS)
def built(request):
    """Our lowering, and the parameters of the module tree by name."""
    config = dict(CONFIGS[request.param])
    ours = lower(read_config(config, name=request.param, where="config.json"))
    text = dict(config.get("text_config", config))
    if text["model_type"] == "kimi_k2":
        text["model_type"] = "deepseek_v3"
    if text["model_type"] == "minimax_m3":
        text = _as_transformers_writes_minimax_m3(text)
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.for_model(**text))
    return ours, dict(model.named_parameters())


def _as_transformers_writes_minimax_m3(text):
    sparse = text.pop("sparse_attention_config")
    kinds = {0: "full_attention", 1: "minimax_m3_sparse"}, {0: "dense", 1: "sparse"}
    return text | {
        "model_type": "minimax_m3_vl_text",
        "hidden_act": "silu",
        "index_n_heads": sparse["sparse_num_index_heads"],
        "index_head_dim": sparse["sparse_index_dim"],
        "layer_types": [kinds[0][flag] for flag in sparse["sparse_attention_freq"]],
        "mlp_layer_types": [kinds[1][flag] for flag in text.pop("moe_layer_freq")],
    }


def test_parameters(built):
    ours, modules = built
    assert totals(ours, 1).parameters == sum(parameter.numel() for parameter in modules.values())


def test_embeddings_and_norms(built):
    ours, modules = built
    by_kind = totals(ours, 1).parameters_by_kind
    embeddings = [shape for name, shape in modules.items() if "embed" in name]
    assert by_kind["embed"] == sum(parameter.numel() for parameter in embeddings)
    experts = [value for name, value in modules.items() if ".experts." in name]
    assert by_kind["routed_experts"] == sum(parameter.numel() for parameter in experts)


def test_flops_of_weights(built):
    # Two FLOPs per element of every matrix a token meets; of the routed experts it meets top_k.
    ours, modules = built
    shares = {(ops.moe.top_k, ops.moe.num_experts) for ops in ours.layer_ops if ops.moe}
    top_k, num_experts = shares.pop() if shares else (1, 1)
    assert not shares
    expected = 0.0
    for name, parameter in modules.items():
        if parameter.dim() < 2 or "embed" in name or name.endswith(NO_MATRICES) or "bias" in name.rsplit(".", 1)[-1]:
            continue
        expected += 2 * parameter.numel() * (top_k / num_experts if ".experts." in name else 1.0)
    if ours.spec.tie_word_embeddings:
        expected += 2 * ours.spec.vocab_size * ours.spec.hidden_size
    found = sum(
        entry.visits_per_token * entry.op.flops_per_token for entry in op_classes(ours) if entry.op.kind != "ssm_core"
    )
    assert found == expected
