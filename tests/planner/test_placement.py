from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from placer.cost.block_time import experts_s, loaded_experts_s
from placer.cost.group import Batch, build_group
from placer.planner.placement import PlacementBuilder, deal_sequences


@given(st.integers(0, 10_000), st.integers(1, 300))
def test_every_sequence_lies_with_one_rank_and_none_has_two_more(sequences, ranks):
    dealt = deal_sequences(sequences, ranks)
    assert len(dealt) == ranks
    assert sum(dealt) == sequences
    assert max(dealt) - min(dealt) <= 1
    assert max(dealt) == -(-sequences // ranks)


def test_experts_of_a_part_are_dealt_once_and_the_hottest_are_split_off(toys):
    # counts rank the experts 4, 1, 5, 0, 3, 2 by popularity: four of six on the sidecar are 4, 1, 5 and 0
    counts = {"kind": "counts", "counts": [3, 9, 1, 2, 12, 6]}
    search = toys.Searched(toys.scenario(routing=counts))
    family, random = search.family(("big", "fast")), Random(5)
    layouts = {}
    for _ in range(200):
        candidate = search.draw_candidate(random, family, search.draw_box(random, family))
        if candidate is None:
            continue
        problem = search.builder.exact(candidate)
        found = search.found(candidate, search.draw_layout(random, problem))
        if found is None:
            continue
        placement = PlacementBuilder(search.searcher.placed_cost, problem, found).build()
        for name, layout in placement.experts.items():
            # Copies of experts heavier than the mean rank may lie on several ranks.
            held = sorted({expert for rank in layout.experts_by_rank for expert in rank})
            layouts.setdefault(name.split("-", 2)[2], set()).add(tuple(held))
    # six experts in four parts: 1, 3 or 4 hot ones
    assert layouts == {
        "0-6": {(0, 1, 2, 3, 4, 5)},
        "0-1": {(4,)},
        "1-6": {(0, 1, 2, 3, 5)},
        "0-3": {(1, 4, 5)},
        "3-6": {(0, 2, 3)},
        "0-4": {(0, 1, 4, 5)},
        "4-6": {(2, 3)},
    }


def test_the_layout_of_a_plan_is_the_one_its_step_is_priced_with(toys):
    # Every rank of two experts or more: what serves evenly does not touch evenly, and the plan writes down one of both.
    search = toys.Searched(toys.scenario(routing={"kind": "counts", "counts": [90, 30, 30, 30, 10, 10]}))
    family, random, seen = search.family(("big",)), Random(3), set()
    model, loads = search.searcher.cost.model, search.searcher.placed_cost.loads[1]
    for _ in range(200):
        candidate = search.draw_candidate(random, family, search.draw_box(random, family))
        if candidate is None:
            continue
        problem = search.builder.exact(candidate)
        found = search.found(candidate, search.draw_layout(random, problem))
        if found is None:
            continue
        placement = PlacementBuilder(search.searcher.placed_cost, problem, found).build()
        group, batch = build_group(search.scenario.fleet, candidate.host), np.array([float(candidate.most)])
        moe = model.layer_ops[2].moe
        (layout,) = placement.experts.values()
        hottest_first = {expert: number for number, expert in enumerate(np.argsort([-90, -30, -30, -30, -10, -10]))}
        ranks = tuple(tuple(sorted(hottest_first[e] for e in rank)) for rank in layout.experts_by_rank)
        written = loaded_experts_s(group, moe, loads.load_of(ranks, (0, 6), batch), 6)[0]
        assert written == experts_s(group, moe, loads, (0, 6), Batch(batch, batch, batch))[0]
        seen.add(ranks)
    assert len(seen) > 2
