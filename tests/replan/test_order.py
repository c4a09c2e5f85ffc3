"""Orders of moves: replayed here again, and by the checker, which itself is tested on broken orders."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.catalog.link import Duplex, Link
from placer.replan.check import check_order
from placer.replan.order import Action, Relief, Step, most_staged, order_moves
from placer.replan.timetable import LayerSteps, Timetable, Wires


@st.composite
def changes(draw):
    """An old and a new assignment; of the old one, experts may be lost."""
    ranks, slots = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    experts = draw(st.integers(1, ranks * slots))

    def assignment():
        places = draw(st.permutations([rank for rank in range(ranks) for _ in range(slots)]))
        rows = [set() for _ in range(ranks)]
        for expert, rank in zip(range(experts), places, strict=False):
            rows[rank].add(expert)
        for rank, expert in draw(st.lists(st.tuples(st.integers(0, ranks - 1), st.integers(0, experts - 1)))):
            if len(rows[rank]) < slots:
                rows[rank].add(expert)
        return [sorted(row) for row in rows]

    old, new = assignment(), assignment()
    if draw(st.booleans()):
        old[draw(st.integers(0, ranks - 1))] = []
    return old, new, slots


@given(changes(), st.sampled_from(Relief))
def test_orders_hold(change, relief):
    old, new, slots = change
    steps = order_moves(old, new, slots, relief=relief)
    assert check_order(old, new, slots, steps) == ()
    copies = sum(step.action in {Action.COPY, Action.STAGE} for step in steps)
    moves = sum(len(set(there) - set(here)) for here, there in zip(old, new, strict=True))
    if relief is Relief.BUFFER:
        assert copies == moves
    else:
        assert copies >= moves


@given(changes(), st.data())
def test_a_broken_order_is_found(change, data):
    old, new, slots = change
    steps = list(order_moves(old, new, slots))
    if not steps:
        return
    at = data.draw(st.integers(0, len(steps) - 1))
    del steps[at]
    assert check_order(old, new, slots, steps)


def test_the_checker_names_a_dropped_last_copy():
    steps = [Step(Action.EVICT, 0, 0), Step(Action.COPY, 0, 1)]
    findings = check_order([[0], []], [[], [0]], 1, steps)
    assert findings == ("step 0, evict of expert 0 on rank 0: drops the last copy of expert 0",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": 2}, "does not have it"),
        ({"source": None}, "comes from storage, though"),
        ({"rank": 0}, "is there already"),
    ],
)
def test_the_checker_names_wrong_sources(change, message):
    (good,) = order_moves([[0], [], []], [[0], [0], []], 1)
    assert message in check_order([[0], [], []], [[0], [0], []], 1, [dataclasses.replace(good, **change)])[0]


def test_circles_break_through_a_buffer_or_a_free_slot():
    old, new = [[0], [1], []], [[1], [0], []]
    staged = order_moves(old, new, 1)
    aside = order_moves(old, new, 1, relief=Relief.FREE_SLOT)
    assert most_staged(staged) == 1
    assert most_staged(aside) == 0
    assert sum(step.action is Action.COPY for step in aside) == 3
    assert check_order(old, new, 1, aside) == ()


def test_copies_come_from_the_same_domain():
    (step,) = order_moves([[0], [], [0], []], [[0], [], [0], [0]], 1, domains=[0, 0, 1, 1])
    assert step.source == 2


def _wires(ranks, **link):
    up = Link(name="up", bandwidth="1 GB/s", latency="1 s", **link)
    out = Link(name="out", bandwidth="0.5 GB/s", latency="2 s")
    names = tuple(f"p[{rank}]" for rank in range(ranks))
    return Wires(names, tuple(rank // 2 for rank in range(ranks)), up, out, storage_bytes_per_s=1e8)


class TestTimes:
    """One gigabyte an expert: two seconds in a domain, four between, ten from storage."""

    GB = 1_000_000_000

    def _timed(self, old, new, slots=1, **link):
        wires = _wires(len(old), **link)
        steps = order_moves(old, new, slots, domains=wires.domains)
        return Timetable(wires).timed(LayerSteps(7, steps, self.GB, float(self.GB)))

    def test_one_copy(self):
        (step,) = self._timed([[0], []], [[0], [0]])
        assert (step.start_s, step.end_s, step.link, step.bytes) == (0.0, 2.0, "up", self.GB)
        assert (step.layer, step.source, step.target) == (7, "p[0]", "p[1]")

    def test_a_port_sends_one_at_a_time(self):
        steps = self._timed([[0, 1], []], [[0, 1], [0, 1]], slots=2)
        assert [step.end_s for step in steps] == [2.0, 4.0]

    def test_links_overlap(self):
        steps = self._timed([[0], [], []], [[0], [0], [0]])
        assert sorted(step.end_s for step in steps) == [2.0, 4.0]

    def test_storage(self):
        (step,) = self._timed([[], []], [[0], []])
        assert (step.source, step.end_s) == ("storage", 10.0)

    def test_full_duplex_swaps_at_once_half_duplex_does_not(self):
        old, new = [[0, 1], [2, 3]], [[0, 2], [1, 3]]
        ends = [max(step.end_s for step in self._timed(old, new, slots=3, duplex=mode)) for mode in Duplex]
        assert ends == [2.0, 4.0]

    @given(changes())
    def test_at_no_time_is_an_expert_without_a_copy(self, change):
        old, new, slots = change
        steps = self._timed(old, new, slots)
        names = [f"p[{rank}]" for rank in range(len(old))]
        places = {(names[rank], expert): [0.0, float("inf")] for rank, row in enumerate(old) for expert in row}
        for step in steps:
            if step.action in {"copy", "stage"}:
                places[step.target, step.expert] = [step.end_s, float("inf")]
            elif step.action == "evict":
                places[step.target, step.expert][1] = step.end_s
        for expert in {expert for _, expert in places}:
            spans = sorted(span for (_, held), span in places.items() if held == expert)
            until = spans[0][1]
            for start, end in spans[1:]:
                assert start <= until
                until = max(until, end)
            assert until == float("inf")
