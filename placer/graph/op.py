"""An op of the lowered model: its weights to the byte, its work per token.

Ops are values. The thousands of ops of a large model share a few dozen `Op` objects; which layer and which
expert a node belongs to stands on the node (`graph.model_graph`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from placer.model.precision import ElementFormat, WeightFormat, matrix_bytes


class OpKind(StrEnum):
    """What an op does."""

    EMBEDDING = "embedding"
    ATTENTION_PROJECTION = "attention_projection"
    ATTENTION_CORE = "attention_core"
    ATTENTION_OUTPUT = "attention_output"
    SSM_PROJECTION = "ssm_projection"
    SSM_CORE = "ssm_core"
    SSM_OUTPUT = "ssm_output"
    NO_MIXER = "no_mixer"
    ROUTER = "router"
    DENSE_FFN = "dense_ffn"
    EXPERT = "expert"
    SHARED_EXPERT = "shared_expert"
    NO_FFN = "no_ffn"
    LM_HEAD = "lm_head"


class ParameterKind(StrEnum):
    """The book a parameter is counted in."""

    EMBED = "embed"
    ATTENTION = "attn"
    DENSE_FFN = "dense_ffn"
    ROUTER = "router"
    ROUTED_EXPERTS = "routed_experts"
    SHARED_EXPERTS = "shared_experts"
    LM_HEAD = "lm_head"
    SSM = "ssm"
    NORM = "norm"
    OTHER = "other"


@dataclass(frozen=True)
class Matrix:
    """A weight matrix.

    Attributes
    ----------
    rows, columns
        Output and input features.
    weight_format
        How the checkpoint stores it.
    parameter_kind
        Where its parameters are counted.
    max_shards
        Into how many different parts tensor parallelism can cut it; beyond that parts are replicated.
    is_counted
        False for a tied copy, whose bytes are needed but whose parameters were counted before.
    tensors
        Tensors of equal size it is stored in, each with scales of its own.
    cuts_inputs
        Whether tensor parallelism cuts its input features (and sums), not its output features.
    """

    rows: int
    columns: int
    weight_format: WeightFormat
    parameter_kind: ParameterKind
    max_shards: int = 1
    is_counted: bool = True
    tensors: int = 1
    cuts_inputs: bool = False

    @property
    def elements(self) -> int:
        """Number of weights."""
        return self.rows * self.columns

    def features(self, shards: int) -> tuple[float, float]:
        """Return the input and output features of one of ``shards`` parts."""
        cut = min(shards, self.max_shards)
        return (self.columns / cut, self.rows) if self.cuts_inputs else (self.columns, self.rows / cut)

    def stored_bytes(self, weight_format: WeightFormat | None = None) -> int:
        """Return the bytes, scales included, in the given or the checkpoint's format."""
        rows = self.rows // self.tensors
        return self.tensors * matrix_bytes(rows, self.columns, weight_format or self.weight_format)


@dataclass(frozen=True)
class Vector:
    """Norm weights, biases, sinks: small, never quantised, replicated everywhere."""

    elements: int
    parameter_kind: ParameterKind
    element_bytes: int = 2
    is_parameter: bool = True


@dataclass(frozen=True)
class Cache:
    """What a mixer keeps of every token it has seen, and reads again for each new one.

    Attributes
    ----------
    entry_bytes
        Bytes of one entry.
    flops_per_entry
        Work per entry read by a decoded token, all heads together.
    prefill_flops_per_entry
        The same for a token of a prompt, where it differs.
    stride
        Tokens that share an entry; only full entries are kept.
    window
        Tokens looked back upon, the query's own included; None means all.
    most_read
        Entries read at most, where an index picks them.
    is_index
        Whether it is there to pick entries of another cache, and no KV cache itself. All heads share it: every rank
        keeps it whole.
    """

    entry_bytes: int
    flops_per_entry: int = 0
    stride: int = 1
    window: int | None = None
    most_read: int | None = None
    is_index: bool = False
    prefill_flops_per_entry: int | None = None

    def kept(self, context: int) -> int:
        """Return the entries kept at a context."""
        return (min(context, self.window) if self.window else context) // self.stride

    def read(self, context: int) -> int:
        """Return the entries a query at a context reads."""
        kept = self.kept(context)
        return kept if self.most_read is None else min(kept, self.most_read)

    def read_together(self, context: int, queries: int) -> int:
        """Return the entries that consecutive queries of a sequence read together, each picking its own.

        >>> Cache(1).read_together(9, 3), Cache(1, most_read=4).read_together(9, 3)
        (9, 9)
        """
        kept = self.kept(context)
        return kept if self.most_read is None else min(kept, queries * self.most_read)

    def read_over(self, tokens: int) -> int:
        """Return the entries read by all tokens of a prompt of some length together.

        The ``t``-th token reads ``floor(t / stride)`` entries, at most as many as a full window or index allows.

        >>> Cache(1).read_over(4), Cache(1, window=2).read_over(4), Cache(1, stride=2).read_over(4)
        (10, 7, 4)
        """
        limits = [tokens // self.stride, self.most_read]
        limits += [self.window // self.stride] if self.window else []
        most = min(limit for limit in limits if limit is not None)
        rising = min(tokens, most * self.stride)
        full, rest = divmod(rising, self.stride)
        return self.stride * full * (full - 1) // 2 + full * (rest + 1) + (tokens - rising) * most


@dataclass(frozen=True)
class Op:
    """One op, as bytes and FLOPs.

    Attributes
    ----------
    kind
        What it does.
    matrices, vectors
        Its weights.
    flops_per_token
        FLOPs per token that passes, without the part that grows with context.
    caches
        What it keeps of every token.
    state_bytes
        Bytes it keeps of a sequence whatever its length, read and written with every token.
    kv_max_shards
        Into how many different parts cache and state of one sequence can be cut by heads.
    is_latent
        Whether all heads read the same entries, which are keys and values at once (an MLA kernel).
    kernels
        Dependent kernel launches; each pays the device's floor.
    intermediate_width
        Widest activation inside the op, elements per token.
    num_heads
        Query heads of an attention core.
    query_width
        Elements of a token's queries as an attention core takes them, all heads together.
    cache_format
        How a core stores its KV cache.
    """

    kind: OpKind
    matrices: tuple[Matrix, ...] = ()
    vectors: tuple[Vector, ...] = ()
    flops_per_token: int = 0
    caches: tuple[Cache, ...] = ()
    state_bytes: int = 0
    kv_max_shards: int = 1
    is_latent: bool = False
    kernels: int = 1
    intermediate_width: int = 0
    num_heads: int = 0
    query_width: int = 0
    cache_format: ElementFormat = ElementFormat.BF16

    @cached_property
    def weight_bytes(self) -> int:
        """Bytes of all weights in the checkpoint's formats."""
        vectors = sum(vector.elements * vector.element_bytes for vector in self.vectors)
        return vectors + sum(matrix.stored_bytes() for matrix in self.matrices)

    @cached_property
    def parameters(self) -> dict[ParameterKind, int]:
        """Parameters by kind; tied copies and buffers are left out."""
        counts: dict[ParameterKind, int] = {}
        for matrix in self.matrices:
            if matrix.is_counted:
                counts[matrix.parameter_kind] = counts.get(matrix.parameter_kind, 0) + matrix.elements
        for vector in self.vectors:
            if vector.is_parameter:
                counts[vector.parameter_kind] = counts.get(vector.parameter_kind, 0) + vector.elements
        return counts

    def depth(self, shards: int) -> float:
        """Return the reductions of one of ``shards`` parts in series [elements].

        Matrices with the same input are one launch; their reduction counts once.
        """
        inputs = {(matrix.columns, matrix.cuts_inputs): matrix.features(shards)[0] for matrix in self.matrices}
        return sum(inputs.values())

    def handled(self, shards: int) -> float:
        """Return the activations one token moves in and out of one of ``shards`` parts [elements]."""
        return self.depth(shards) + sum(matrix.features(shards)[1] for matrix in self.matrices)

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes of KV cache one more token costs while no window is full, indices left out."""
        return sum(-(-cache.entry_bytes // cache.stride) for cache in self.caches if not cache.is_index)

    @property
    def index_bytes_per_token(self) -> int:
        """Bytes of indices one more token costs."""
        return sum(-(-cache.entry_bytes // cache.stride) for cache in self.caches if cache.is_index)

    @property
    def prompt_token_bytes(self) -> float:
        """Bytes a token of a prompt moves through the core.

        Queries, keys and outputs in BF16 (a multiply-add per element of them and per pair of tokens: as many bytes as
        FLOPs per entry), and its cache entries, written and read.
        """
        moved = 0.0
        for cache in self.caches:
            work = cache.flops_per_entry if cache.prefill_flops_per_entry is None else cache.prefill_flops_per_entry
            moved += work + 2.0 * cache.entry_bytes / cache.stride
        return moved

    @property
    def window(self) -> int | None:
        """The longest window, or None where some cache keeps all tokens."""
        windows = [cache.window for cache in self.caches]
        return max((window for window in windows if window), default=None) if all(windows) else None

    @cached_property
    def splits_context(self) -> bool:
        """Whether a sequence can be cut by tokens: attention to all that is kept, without windows, picks or states."""
        plain = Cache(0)
        shapes = {(cache.stride, cache.window, cache.most_read, cache.is_index) for cache in self.caches}
        return shapes == {(plain.stride, plain.window, plain.most_read, plain.is_index)} and not self.state_bytes

    def local_context(self, context: int, cp: int) -> int:
        """Return the tokens of a sequence on the fullest of ``cp`` ranks it is cut over; all where it cannot be."""
        return -(-context // cp) if self.splits_context else context

    def kv_bytes(self, context: int) -> int:
        """Return the KV cache of one sequence at a context, indices and state left out [B]."""
        return sum(cache.kept(context) * cache.entry_bytes for cache in self.caches if not cache.is_index)

    def held_bytes(self, context: int, ranks: int = 1, cp: int = 1, states: int = 1) -> int:
        """Return all that a rank keeps of one sequence at a context: KV cache, indices, states [B].

        ``ranks`` share the heads, ``cp`` of them the tokens of what they cannot cut; the rest is replicated. ``states``
        are kept where some tokens may be taken back: one for each of them.
        """
        context = self.local_context(context, cp)
        index = sum(cache.kept(context) * cache.entry_bytes for cache in self.caches if cache.is_index)
        return index - (-(self.kv_bytes(context) + states * self.state_bytes) // min(ranks, self.kv_max_shards))

    def moved_bytes(self, context: int, ranks: int = 1, cp: int = 1, tokens: int = 1) -> float:
        """Return what the next tokens of a sequence read and write on a rank of cache, indices and state [B].

        All of them read what is kept once, together; each writes an entry and a state of its own.
        """
        context = self.local_context(context, cp)
        cut, whole = (1.0 + tokens) * self.state_bytes, 0.0
        for cache in self.caches:
            moved = (cache.read_together(context, tokens) + tokens / cache.stride) * cache.entry_bytes
            cut, whole = (cut, whole + moved) if cache.is_index else (cut + moved, whole)
        return whole + cut / min(ranks, self.kv_max_shards)

    def prompt_flops(self, tokens: int) -> int:
        """Return the work of all tokens of a prompt on what is kept [FLOP]."""
        work = 0
        for cache in self.caches:
            each = cache.prefill_flops_per_entry
            work += cache.read_over(tokens) * (cache.flops_per_entry if each is None else each)
        return work

    def context_flops(self, context: int) -> int:
        """Return the work of one token on what is kept, at a context [FLOP]."""
        return sum(cache.read(context) * cache.flops_per_entry for cache in self.caches)


def matrix_flops(matrices: tuple[Matrix, ...]) -> int:
    """Return the FLOPs of one token through matrices; a multiply-add counts two."""
    return sum(2 * matrix.elements for matrix in matrices)
