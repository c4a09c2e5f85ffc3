import math

from placer.search.scouts import EAGERNESS, PATIENCE, Scouts


class Search:
    """A search that finds something after so many pieces of work."""

    def __init__(self, pieces, open_bound=1.0):
        self.pieces, self.open_bound, self.is_done = pieces, open_bound, False

    @property
    def found(self):
        return None if self.pieces > 0 else "a plan"

    def advance(self):
        self.pieces -= 1


def test_scouts_are_sent_when_patience_ends_and_work_until_they_find():
    search = Search(EAGERNESS + 1)
    scouts = Scouts(lambda: [search])
    assert [scouts.advance(math.inf) for _ in range(PATIENCE)] == [None] * PATIENCE
    assert search.pieces == 1
    assert scouts.advance(math.inf) == "a plan"


def test_nobody_is_sent_while_a_plan_is_known():
    def never():
        raise AssertionError

    scouts = Scouts(never)
    assert [scouts.advance(1.0) for _ in range(2 * PATIENCE)] == [None] * 2 * PATIENCE


def test_the_least_bound_goes_first_and_those_done_rest():
    searches = [Search(100, 2.0), Search(100, 1.0)]
    scouts = Scouts(lambda: searches)
    for _ in range(PATIENCE):
        scouts.advance(math.inf)
    assert [search.pieces for search in searches] == [100, 100 - EAGERNESS]
    searches[1].is_done = True
    scouts.advance(math.inf)
    assert [search.pieces for search in searches] == [100 - EAGERNESS, 100 - EAGERNESS]
    searches[0].is_done = True
    assert scouts.advance(math.inf) is None
