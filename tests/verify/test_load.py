import numpy as np
import pytest

from placer.verify.recompute.load import part_load


def test_a_part_is_as_slow_as_its_busiest_rank():
    # b = 2: touched 1 - (1-p)^2 = 0.75, 0.4375, 0.4375, 0.4375; ranks 0.75 + 0.4375 = 1.1875 and 0.875
    load = part_load(np.array([0.5, 0.25, 0.25, 0.25]), [[0, 1], [2, 3]], 2)
    assert load.touched == pytest.approx(1.1875)
    assert load.tokens == pytest.approx(2 * 0.75)
    assert (load.num_experts, load.selected) == (4, pytest.approx(1.25))


def test_the_ranks_experts_count_by_their_own_ids():
    load = part_load(np.array([0.5, 0.25, 0.25, 0.25]), [[3], [2]], 2)
    # q = 1 - (0.75^2)^2 = 0.68359375 exceeds both 0.4375 touched and 0.5 tokens
    assert load.touched == pytest.approx(0.68359375)
    assert load.tokens == pytest.approx(0.68359375)


def test_a_certain_expert_is_always_touched():
    load = part_load(np.array([1.0, 0.5, 0.5]), [[0], [1], [2]], 4)
    assert (load.touched, load.tokens) == (1.0, 4.0)


@pytest.mark.parametrize(
    ("expert_tp", "ranks", "copies"),
    [
        (1, 1, 1 - 0.5**4),  # one rank: the chance that any of its four experts is chosen
        (1, 4, 4 * 0.5),  # one expert a rank: as many copies as experts chosen
        (2, 2, 2 * 2 * (1 - 0.5**2)),  # every copy goes to both devices an expert is cut over
        (1, 8, 4 * 0.5),  # more ranks than experts: only as many as experts hold any
        (2, 8, 2 * 4 * 0.5),
    ],
)
def test_copies_of_a_token(expert_tp, ranks, copies):
    load = part_load(np.full(4, 0.5), [[0, 1, 2, 3]], 1)
    assert load.copies(expert_tp, ranks) == pytest.approx(copies)
