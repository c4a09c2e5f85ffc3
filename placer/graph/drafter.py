"""What drafts tokens, lowered: a model of its own, or modules for multi-token prediction."""

from __future__ import annotations

from dataclasses import dataclass

from placer.errors import InternalError
from placer.graph.lower import lower
from placer.graph.model_graph import ModelGraph
from placer.graph.op import Matrix, Op, OpKind, ParameterKind, Vector, matrix_flops
from placer.model.spec import LayerRun, ModelSpec
from placer.scenario.speculation import DrafterKind, Speculation


@dataclass(frozen=True)
class Drafter:
    """One pass gives one more drafted token of every sequence.

    Attributes
    ----------
    model
        Embedding, layers and LM head of a pass.
    projection
        What joins the hidden state and the embedding of the last token in front of a module; None for a model.
    modules
        How often layers and projection are stored, with a KV cache each.
    shares_head
        Whether the LM head is that of the model, and takes no bytes of its own.
    """

    model: ModelGraph
    projection: Op | None = None
    modules: int = 1
    shares_head: bool = False


def lower_drafter(speculation: Speculation, spec: ModelSpec) -> Drafter:
    """Return what drafts for a model.

    A module for multi-token prediction is a layer like the model's last, with a projection of hidden state and
    embedding before it and the model's LM head behind it (DeepSeek-V3 report, arXiv 2412.19437, section 2.2). It keeps
    a copy of the embedding: stages other than the first have none.
    """
    if speculation.kind is DrafterKind.MTP:
        last = LayerRun(repeat=1, pattern=(spec.layer_kinds()[-1],))
        module = lower(spec.model_copy(update={"layers": (last,)}))
        return Drafter(module, _projection(spec), speculation.modules, shares_head=True)
    if speculation.draft is None:
        raise InternalError("a draft model without a model")
    return Drafter(lower(speculation.draft))


def _projection(spec: ModelSpec) -> Op:
    """Return the projection of two hidden states, each normed, to one."""
    hidden, kind = spec.hidden_size, ParameterKind.OTHER
    matrix = Matrix(hidden, 2 * hidden, spec.precision.lm_head, kind, hidden)
    norms = (Vector(2 * spec.norm_size, kind),)
    return Op(OpKind.DENSE_FFN, (matrix,), norms, flops_per_token=matrix_flops((matrix,)), intermediate_width=hidden)
