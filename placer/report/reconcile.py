"""A lowered model against the tensors of its checkpoint: bytes by layer and kind, every difference listed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.graph.ffns.moe import MoeOps
from placer.graph.model_graph import ModelGraph
from placer.graph.op import Op, ParameterKind
from placer.model.checkpoint.tensors import TensorInfo, TensorList

Count = Annotated[int, Field(ge=0)]
#: Tensors named per difference.
MOST_NAMES = 6
_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks|blk)\.(\d+)\.")
_VISION = re.compile(r"(^|\.)(visual|vision|vision_tower|vision_model|multi_modal_projector|mm_projector|audio)")
#: What is computed, not stored, or belongs to running statistics.
_ROTARY = re.compile(r"rotary_emb|inv_freq|rope_freqs")
#: In order: the first that fits says which book a tensor is counted in.
_KINDS: tuple[tuple[str, ParameterKind], ...] = (
    (r"(hc_|_hc|hyper|latent_proj)", ParameterKind.OTHER),
    (r"^blk\.\d+\.\w*_exps\.", ParameterKind.ROUTED_EXPERTS),
    (r"^blk\.\d+\.ffn_gate_inp\.", ParameterKind.ROUTER),
    (r"^blk\.\d+\.(attn|ffn|post_attention|post_ffw)_norm\.|^output_norm\.", ParameterKind.NORM),
    (r"^blk\.\d+\.attn_", ParameterKind.ATTENTION),
    (r"^blk\.\d+\.ffn_", ParameterKind.DENSE_FFN),
    (r"^token_embd\.", ParameterKind.EMBED),
    (r"^output\.", ParameterKind.LM_HEAD),
    (r"embed_tokens|(^|\.)embeddings?\.|wte\.", ParameterKind.EMBED),
    (r"(^|\.)lm_head\.", ParameterKind.LM_HEAD),
    (r"shared_experts?(_gate)?\.", ParameterKind.SHARED_EXPERTS),
    (r"(mlp|block_sparse_moe|feed_forward|mixer|ffn)?\.?experts\.", ParameterKind.ROUTED_EXPERTS),
    (r"\.(gate|router)\.|e_score_correction_bias|tid2eid", ParameterKind.ROUTER),
    (r"self_attn\.|attention\.|mixer\.[qkvo]_proj|\.attn\.", ParameterKind.ATTENTION),
    (r"linear_attn\.|mamba\.|mixer\.(in_proj|out_proj|conv1d|A_log|D$|dt_bias|norm)", ParameterKind.SSM),
    (r"norm", ParameterKind.NORM),
    (r"mlp\.|feed_forward\.|mixer\.(up|down)_proj", ParameterKind.DENSE_FFN),
)
_PATTERNS = tuple((re.compile(pattern), kind) for pattern, kind in _KINDS)


class Difference(BaseModel):
    """Tensors of one layer and kind whose bytes are not those lowered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layer: int | None = Field(description="null outside the layers, and where layers cannot be told apart")
    kind: ParameterKind
    lowered_bytes: Count
    stored_bytes: Count
    tensors: tuple[str, ...] = Field(description="the first of them")


class Reconciliation(BaseModel):
    """What a comparison of lowering and checkpoint says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_tensors: Count
    lowered_bytes: Count
    stored_bytes: Count = Field(description="of the tensors that are lowered")
    differences: tuple[Difference, ...]
    not_lowered: dict[str, Count] = Field(description="bytes of vision towers and multi-token-prediction modules")
    unknown: tuple[str, ...] = Field(description="tensors no book takes")
    missing_files: tuple[str, ...] = Field(description="named by the index, not there")

    @property
    def is_exact(self) -> bool:
        """Whether every byte is accounted for."""
        return not (self.differences or self.unknown or self.missing_files)


Place = tuple[int | None, ParameterKind]


def reconcile(model: ModelGraph, stored: TensorList) -> Reconciliation:
    """Return how the bytes of a lowered model and those of its checkpoint compare.

    Parameters
    ----------
    model
        The lowered model.
    stored
        The tensors of its checkpoint.
    """
    # Where every block is a layer of its own, ours join two of theirs.
    by_layer = not any(".mixer." in tensor.name for tensor in stored.tensors)
    lowered: dict[Place, int] = defaultdict(int)
    for layer, op, count in _ops(model):
        for kind, volume in _bytes_by_kind(op).items():
            lowered[layer if by_layer else None, kind] += count * volume
    found: dict[Place, list[TensorInfo]] = defaultdict(list)
    aside: dict[str, int] = defaultdict(int)
    unknown: list[str] = []
    for tensor in stored.tensors:
        match = _LAYER.search(tensor.name)
        layer = int(match.group(1)) if match else None
        book = next((kind for pattern, kind in _PATTERNS if pattern.search(tensor.name)), None)
        if _ROTARY.search(tensor.name):
            continue
        if _VISION.search(tensor.name):
            aside["vision"] += tensor.num_bytes
        elif tensor.name.startswith("mtp.") or (by_layer and layer is not None and layer >= len(model.layer_ops)):
            aside["mtp"] += tensor.num_bytes
        elif book is None:
            unknown.append(tensor.name)
        else:
            found[layer if by_layer else None, book].append(tensor)
    return Reconciliation(
        num_tensors=len(stored.tensors),
        lowered_bytes=sum(lowered.values()),
        stored_bytes=sum(tensor.num_bytes for tensors in found.values() for tensor in tensors),
        differences=tuple(_differences(lowered, found)),
        not_lowered=dict(aside),
        unknown=tuple(unknown),
        missing_files=stored.missing,
    )


def _differences(lowered: dict[Place, int], found: dict[Place, list[TensorInfo]]) -> Iterator[Difference]:
    places = {*lowered, *found}
    for layer, kind in sorted(places, key=lambda place: (-1 if place[0] is None else place[0], place[1])):
        tensors = found.get((layer, kind), [])
        expected, held = lowered.get((layer, kind), 0), sum(tensor.num_bytes for tensor in tensors)
        if expected != held:
            names = tuple(tensor.name for tensor in tensors[:MOST_NAMES])
            yield Difference(layer=layer, kind=kind, lowered_bytes=expected, stored_bytes=held, tensors=names)


def _ops(model: ModelGraph) -> Iterator[tuple[int | None, Op, int]]:
    """Yield every op with its layer and how often the layer has it."""
    yield None, model.embedding, 1
    yield None, model.lm_head, 1
    for layer, ops in enumerate(model.layer_ops):
        for op in ops.attention:
            yield layer, op, 1
        if isinstance(ops.ffn, MoeOps):
            yield layer, ops.ffn.router, 1
            yield layer, ops.ffn.expert, ops.ffn.num_experts
            if ops.ffn.shared is not None:
                yield layer, ops.ffn.shared, 1
        else:
            yield layer, ops.ffn, 1


def _bytes_by_kind(op: Op) -> dict[ParameterKind, int]:
    volumes: dict[ParameterKind, int] = defaultdict(int)
    for matrix in op.matrices:
        if matrix.is_counted:
            volumes[matrix.parameter_kind] += matrix.stored_bytes()
    for vector in op.vectors:
        volumes[vector.parameter_kind] += vector.elements * vector.element_bytes
    return volumes
