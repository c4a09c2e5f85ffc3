"""Fields of configurations that look like sizes and change nothing a decode step of the text tower reads or computes.

Generation settings, vision and training leftovers, multi-token-prediction modules (noted by the readers), and sizes
that some families repeat without using them.
"""

from __future__ import annotations

HARMLESS = frozenset(
    (
        "attn_rms_norm_bias",
        "chunk_size",
        "chunk_size_feed_forward",
        "cross_attention_hidden_size",
        "encoder_no_repeat_ngram_size",
        "ep_size",
        "first_k_dense_replace",
        "full_attention_interval",
        "head_dim",
        "intermediate_size",
        "mamba_chunk_size",
        "mamba_dt_rank",
        "max_window_layers",
        "moe_intermediate_size",
        "moe_layer_freq",
        "moe_shared_expert_intermediate_size",
        "mtp_hybrid_override_pattern",
        "mtp_layers_block_type",
        "mtp_num_hidden_layers",
        "mtp_num_layers",
        "mtp_transformer_layers",
        "n_group",
        "n_shared_experts",
        "no_repeat_ngram_size",
        "no_rope_layer_interval",
        "num_beam_groups",
        "num_beams",
        "num_expert_group",
        "num_experts_per_tok",
        "num_experts_per_token",
        "num_global_key_value_heads",
        "num_hidden_layers",
        "num_key_value_groups",
        "num_key_value_heads",
        "num_labels",
        "num_logits_to_keep",
        "num_mtp_layers",
        "num_mtp_modules",
        "num_nextn_predict_layers",
        "num_nextn_predict_modules",
        "num_return_sequences",
        "qk_head_dim",
        "rotary_dim",
        "sliding_window_pattern",
        "sliding_window_size",
        "time_step_floor",
        "time_step_rank",
        "topk_group",
        "vocab_size_per_layer_input",
    )
)
