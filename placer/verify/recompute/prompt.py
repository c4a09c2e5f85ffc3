"""A prompt, cut into chunks that pass the devices (``docs/service.md``, "A prompt")."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

from placer.plan.service import Chunking
from placer.scenario.service import Service

#: Most new tokens a data-parallel rank may pass at a time, beside a whole prompt's.
LIMITS = (128, 512, 2048, 4096, 8192, 16384, 32768)


@dataclass(frozen=True)
class Chunk:
    """One chunk of every prompt that passes.

    Attributes
    ----------
    prompts
        Prompts side by side on a rank, ``q``.
    tokens
        New tokens of each, ``c``.
    before
        Tokens of each whose KV cache is there, ``o``.
    is_last
        Whether an answer begins with it.
    """

    prompts: int
    tokens: int
    before: int
    is_last: bool

    @property
    def after(self) -> int:
        """Tokens of a prompt once the chunk has passed."""
        return self.before + self.tokens

    @property
    def rank_tokens(self) -> int:
        """New tokens on a rank, ``q c``."""
        return self.prompts * self.tokens


def found_tokens(service: Service, input_tokens: int) -> int:
    """Return the tokens of a prompt that are found in a cache; never all of them."""
    return min(input_tokens - 1, floor(service.prefix_hit_rate * input_tokens))


def chunks_of(chunking: Chunking) -> tuple[Chunk, ...]:
    """Return the chunks of a prompt, in order."""
    chunks, before = [], chunking.found_tokens
    for number, tokens in enumerate(chunking.tokens):
        chunks.append(Chunk(chunking.prompts, tokens, before, number == len(chunking.tokens) - 1))
        before += tokens
    return tuple(chunks)


def is_declared(chunking: Chunking, new_tokens: int) -> bool:
    """Return whether some limit of the declared space cuts a prompt of so many new tokens like this.

    >>> is_declared(Chunking(prompts=4, found_tokens=0, tokens=(120,)), 120)
    True
    >>> is_declared(Chunking(prompts=1, found_tokens=0, tokens=(60, 60)), 120)
    False
    """
    for limit in (*LIMITS, new_tokens):
        prompts, tokens = max(1, limit // new_tokens), [limit] * (new_tokens // limit)
        if limit >= new_tokens:
            tokens = [new_tokens]
        elif new_tokens % limit:
            tokens.append(new_tokens % limit)
        if chunking.prompts == prompts and chunking.tokens == tuple(tokens):
            return True
    return False
