"""A real decoder: transformers' own code, random weights, a preallocated KV cache, one token a step."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from placer.calibrate.backend import Backend, load_module
from placer.calibrate.measure import Call
from placer.calibrate.shapes import Shape
from placer.graph.lower import lower
from placer.graph.model_graph import ModelGraph
from placer.model.catalog import read_model_file

_MOST_CONTEXT = 8192


class Decoder:
    """A decoder of some shape on a device, and the graph placer lowers its ``config.json`` to."""

    def __init__(self, backend: Backend, shape: Shape) -> None:
        transformers = load_module("transformers")
        self._backend, self._transformers, self._shape = backend, transformers, shape
        self._config = transformers.LlamaConfig(**_config(shape), dtype="bfloat16")
        model = transformers.AutoModelForCausalLM.from_config(self._config, dtype=backend.dtype)
        self._model = model.to(backend.device).eval()
        with tempfile.TemporaryDirectory(prefix="placer-") as folder:
            self._config.save_pretrained(folder)
            self.graph: ModelGraph = lower(read_model_file(Path(folder) / "config.json"))
        self.software = f"transformers {transformers.__version__}"

    def step(self, batch: int, context: int) -> Call:
        """Return one decode step of a batch: the newest token attends to ``context`` tokens, itself included."""
        torch, device, shape = self._backend.torch, self._backend.device, self._shape
        cache = self._transformers.StaticCache(config=self._config, max_cache_len=context)
        kept = torch.full((1, 1, 1, 1), 0.01, dtype=self._backend.dtype, device=device)
        kept = kept.expand(batch, shape.num_kv_heads, context - 1, shape.head_dim)
        for layer in range(shape.num_layers):
            cache.update(kept, kept, layer)
        tokens = torch.randint(0, shape.vocab_size, (batch, 1), device=device)

        def run() -> object:
            for layer in cache.layers:
                layer.cumulative_length.fill_(context - 1)
            logits = self._model(input_ids=tokens, past_key_values=cache, use_cache=True).logits
            return logits[:, -1].argmax(dim=-1).tolist()

        return run


def _config(shape: Shape) -> dict[str, Any]:
    return {
        "hidden_size": shape.hidden_size,
        "intermediate_size": shape.intermediate_size,
        "num_hidden_layers": shape.num_layers,
        "num_attention_heads": shape.num_heads,
        "num_key_value_heads": shape.num_kv_heads,
        "head_dim": shape.head_dim,
        "vocab_size": shape.vocab_size,
        "max_position_embeddings": _MOST_CONTEXT,
        "tie_word_embeddings": False,
    }


class Decoders:
    """Decoders by shape, each made when first asked for."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._made: dict[Shape, Decoder] = {}

    def get(self, shape: Shape) -> Decoder:
        """Return the decoder of a shape."""
        if shape not in self._made:
            self._made[shape] = Decoder(self._backend, shape)
        return self._made[shape]
