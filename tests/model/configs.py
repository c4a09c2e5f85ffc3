"""A small configuration of every family, with the fields its published ones have."""

from __future__ import annotations

_FRAME = {"hidden_size": 64, "vocab_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4}
_GQA = _FRAME | {"num_key_value_heads": 2, "intermediate_size": 48, "head_dim": 16, "max_position_embeddings": 4096}
_MLA = {
    **_FRAME,
    **{"q_lora_rank": 24, "kv_lora_rank": 16, "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "v_head_dim": 8},
    **{"moe_intermediate_size": 24, "n_routed_experts": 8, "num_experts_per_tok": 2, "n_shared_experts": 1},
    **{"first_k_dense_replace": 1, "intermediate_size": 96, "num_key_value_heads": 4, "hidden_act": "silu"},
    **{"max_position_embeddings": 4096, "n_group": 1, "topk_group": 1},
}
_INDEX = {"index_n_heads": 2, "index_head_dim": 16, "index_topk": 8}
_LINEAR = {
    **{"linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 8, "linear_value_head_dim": 8},
    **{"linear_conv_kernel_dim": 4, "moe_intermediate_size": 24, "shared_expert_intermediate_size": 40},
    **{"num_experts": 8, "num_experts_per_tok": 2},
}
_MAMBA2 = {
    **{"mamba_num_heads": 8, "mamba_head_dim": 16, "n_groups": 2, "ssm_state_size": 8, "conv_kernel": 4},
    **{"mlp_hidden_act": "relu2", "use_bias": False, "use_conv_bias": True},
}

CONFIGS: dict[str, dict[str, object]] = {
    "llama": _GQA | {"model_type": "llama", "attention_bias": True, "mlp_bias": True},
    "mixtral": _GQA | {"model_type": "mixtral", "num_local_experts": 8, "num_experts_per_tok": 2},
    "phimoe": {
        **_GQA,
        **{"model_type": "phimoe", "num_local_experts": 8, "num_experts_per_tok": 2, "attention_bias": True},
        **{"lm_head_bias": True, "sliding_window": 4096},
    },
    "olmoe": _GQA | {"model_type": "olmoe", "num_experts": 8, "num_experts_per_tok": 2},
    "minimax_m2": {
        **_GQA,
        **{"model_type": "minimax_m2", "num_local_experts": 8, "num_experts_per_tok": 2, "use_qk_norm": True},
        **{"qk_norm_type": "per_layer", "use_routing_bias": True, "use_mtp": True, "num_mtp_modules": 3},
    },
    "minimax_m3": {
        **_GQA,
        **{"model_type": "minimax_m3", "num_local_experts": 8, "num_experts_per_tok": 2, "n_shared_experts": 1},
        **{"dense_intermediate_size": 96, "shared_intermediate_size": 40, "moe_intermediate_size": 48},
        **{"moe_layer_freq": [0, 1, 1, 1], "hidden_act": "swigluoai", "qk_norm_type": "per_head", "use_qk_norm": True},
        "sparse_attention_config": {
            **{"use_sparse_attention": True, "sparse_attention_freq": [0, 1, 1, 1], "sparse_index_dim": 16},
            **{"sparse_disable_index_value": [0, 1, 1, 1], "sparse_num_index_heads": 2, "sparse_topk_blocks": 2},
            **{"sparse_block_size": 8, "sparse_local_block": 1, "sparse_init_block": 0, "sparse_score_type": "max"},
        },
    },
    "qwen3": _GQA | {"model_type": "qwen3", "tie_word_embeddings": True},
    "qwen3_moe": {
        **_GQA,
        **{"model_type": "qwen3_moe", "num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 24},
        **{"decoder_sparse_step": 2, "mlp_only_layers": [3]},
    },
    "qwen3_next": {**_GQA, **_LINEAR, "model_type": "qwen3_next", "full_attention_interval": 4},
    "qwen3_5_moe": {
        "model_type": "qwen3_5_moe",
        "text_config": {**_GQA, **_LINEAR, "model_type": "qwen3_5_moe_text", "attn_output_gate": True},
        "vision_config": {"depth": 2},
    },
    "deepseek_v3": _MLA | {"model_type": "deepseek_v3", "num_nextn_predict_layers": 1, "topk_method": "noaux_tc"},
    "kimi_k2": _MLA | {"model_type": "kimi_k2"},
    "glm4_moe_lite": _MLA | {"model_type": "glm4_moe_lite"},
    "deepseek_v32": _MLA | _INDEX | {"model_type": "deepseek_v32"},
    "glm_moe_dsa": _MLA | _INDEX | {"model_type": "glm_moe_dsa"},
    "deepseek_v4": {
        **_FRAME,
        **_INDEX,
        **{"model_type": "deepseek_v4", "head_dim": 16, "qk_rope_head_dim": 8, "num_key_value_heads": 1},
        **{"q_lora_rank": 24, "o_groups": 2, "o_lora_rank": 12, "hc_mult": 2, "num_hash_layers": 1},
        **{"moe_intermediate_size": 24, "n_routed_experts": 8, "num_experts_per_tok": 2, "n_shared_experts": 1},
        **{"sliding_window": 16, "compress_ratios": [0, 4, 128, 4], "topk_method": "noaux_tc"},
        **{"max_position_embeddings": 4096, "scoring_func": "sqrtsoftplus", "hidden_act": "silu"},
    },
    "glm4_moe": {
        **_GQA,
        **{"model_type": "glm4_moe", "n_routed_experts": 8, "num_experts_per_tok": 2, "n_shared_experts": 1},
        **{"moe_intermediate_size": 24, "first_k_dense_replace": 1, "attention_bias": True, "use_qk_norm": True},
    },
    "gpt_oss": {
        **_GQA,
        **{"model_type": "gpt_oss", "num_local_experts": 8, "num_experts_per_tok": 2, "sliding_window": 16},
        **{"layer_types": ["sliding_attention", "full_attention"] * 2, "attention_bias": True},
    },
    "llama4": {
        "model_type": "llama4",
        "text_config": {
            **_GQA,
            **{"model_type": "llama4_text", "num_local_experts": 8, "num_experts_per_tok": 1},
            **{"intermediate_size_mlp": 96, "interleave_moe_layer_step": 2, "attention_chunk_size": 32},
        },
    },
    "gemma2": _GQA | {"model_type": "gemma2", "sliding_window": 16},
    "gemma3": {"model_type": "gemma3", "text_config": _GQA | {"model_type": "gemma3_text", "sliding_window": 16}},
    "gemma4": {
        "model_type": "gemma4",
        "text_config": {
            **_GQA,
            **{"model_type": "gemma4_text", "num_experts": 8, "top_k_experts": 2, "moe_intermediate_size": 24},
            **{"enable_moe_block": True, "attention_k_eq_v": True, "num_global_key_value_heads": 1},
            **{"global_head_dim": 32, "hidden_size_per_layer_input": 0, "sliding_window": 16},
            "layer_types": ["sliding_attention", "sliding_attention", "sliding_attention", "full_attention"],
        },
    },
    "jamba": {
        **_GQA,
        **{"model_type": "jamba", "num_experts": 4, "num_experts_per_tok": 2, "attn_layer_period": 4},
        **{"attn_layer_offset": 2, "mamba_d_state": 8, "mamba_d_conv": 4, "mamba_expand": 2, "mamba_dt_rank": 8},
    },
    "nemotron_h": {
        **_GQA,
        **_MAMBA2,
        **{"model_type": "nemotron_h", "hybrid_override_pattern": "M-*-", "intermediate_size": 48},
    },
    "nemotron_3": {
        **_GQA,
        **_MAMBA2,
        **{"model_type": "nemotron_h", "hybrid_override_pattern": "ME*E", "n_routed_experts": 8},
        **{"num_experts_per_tok": 2, "moe_intermediate_size": 24, "n_shared_experts": 1, "moe_latent_size": 32},
        **{"moe_shared_expert_intermediate_size": 40, "n_group": 1, "topk_group": 1},
    },
}
