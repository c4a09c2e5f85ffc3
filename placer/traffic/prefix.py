"""How much of a prompt a prefix cache without end would hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

# Ids in published traces are dense from 0; a byte each costs a thirtieth of a set of integers.
_MOST_DENSE = 2**26


class PrefixCache:
    """Blocks of the requests so far, kept for ever.

    Parameters
    ----------
    block_tokens
        Input tokens of a block [tokens]; the last block of a prompt may be partial.
    """

    def __init__(self, block_tokens: int) -> None:
        self._block_tokens = block_tokens
        self._dense = bytearray()
        self._sparse: set[int] = set()

    def hit_tokens(self, blocks: Sequence[int], input_tokens: int) -> int:
        """Return how many leading tokens of a prompt came before, and remember its blocks.

        The leading blocks that occurred in earlier requests count, up to the first that did not; a partial last
        block counts with the tokens it has.

        Parameters
        ----------
        blocks
            Ids of the prompt's blocks in order, not negative.
        input_tokens
            Length of the prompt [tokens].
        """
        visit = self._visit_dense if max(blocks, default=0) < _MOST_DENSE else self._visit_any
        return min(visit(blocks) * self._block_tokens, input_tokens)

    def _visit_dense(self, blocks: Sequence[int]) -> int:
        self._reserve(max(blocks, default=-1) + 1)
        seen, num_hits = self._dense, 0
        for block in blocks:
            if not seen[block]:
                break
            num_hits += 1
        for block in blocks[num_hits:]:
            seen[block] = 1
        return num_hits

    def _visit_any(self, blocks: Sequence[int]) -> int:
        small = [block for block in blocks if block < _MOST_DENSE]
        self._reserve(max(small, default=-1) + 1)
        num_hits = _leading(self._dense[block] if block < _MOST_DENSE else block in self._sparse for block in blocks)
        for block in small:
            self._dense[block] = 1
        self._sparse.update(block for block in blocks if block >= _MOST_DENSE)
        return num_hits

    def _reserve(self, size: int) -> None:
        if size > len(self._dense):
            self._dense.extend(bytes(max(size, 2 * len(self._dense)) - len(self._dense)))


def _leading(flags: Iterable[object]) -> int:
    """Return how many flags are set before the first that is not."""
    count = 0
    for flag in flags:
        if not flag:
            break
        count += 1
    return count
