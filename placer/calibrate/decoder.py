"""A real decoder: transformers' own code, random weights, a preallocated KV cache, one token a step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from placer.calibrate.backend import Backend, load_module
from placer.calibrate.measure import Call
from placer.graph.lower import lower
from placer.graph.model_graph import ModelGraph
from placer.model.catalog import read_model_file

#: No shape that is measured for the fit; its weights are several times a last-level cache.
CONFIG: dict[str, Any] = {
    "hidden_size": 1024,
    "intermediate_size": 2816,
    "num_hidden_layers": 8,
    "num_attention_heads": 16,
    "num_key_value_heads": 4,
    "head_dim": 64,
    "vocab_size": 32000,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": False,
}
TITLE = "Llama, 8 layers, hidden 1024, 16 heads over 4 KV heads, FFN 2816, vocabulary 32000, BF16, random weights"


class Decoder:
    """The decoder on a device, and the graph placer lowers its ``config.json`` to."""

    def __init__(self, backend: Backend, folder: Path) -> None:
        transformers = load_module("transformers")
        self._backend, self._transformers = backend, transformers
        config = transformers.LlamaConfig(**CONFIG, dtype="bfloat16")
        config.save_pretrained(folder)
        self._config = config
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=backend.dtype)
        self._model = model.to(backend.device).eval()
        self.graph: ModelGraph = lower(read_model_file(folder / "config.json"))
        self.software = f"transformers {transformers.__version__}"

    def step(self, batch: int, context: int) -> Call:
        """Return one decode step of a batch: the newest token attends to ``context`` tokens, itself included."""
        torch, device = self._backend.torch, self._backend.device
        cache = self._transformers.StaticCache(config=self._config, max_cache_len=context)
        kept = torch.full((1, 1, 1, 1), 0.01, dtype=self._backend.dtype, device=device)
        kept = kept.expand(batch, CONFIG["num_key_value_heads"], context - 1, CONFIG["head_dim"])
        for layer in range(CONFIG["num_hidden_layers"]):
            cache.update(kept, kept, layer)
        tokens = torch.randint(0, CONFIG["vocab_size"], (batch, 1), device=device)

        def run() -> object:
            for layer in cache.layers:
                layer.cumulative_length.fill_(context - 1)
            logits = self._model(input_ids=tokens, past_key_values=cache, use_cache=True).logits
            return logits[:, -1].argmax(dim=-1).tolist()

        return run
