"""Latency over a DAG of calls: every path, one by one."""

from hypothesis import given
from hypothesis import strategies as st

from placer.portfolio.chains import longest_output, ordered, timed
from placer.scenario.portfolio import Agent


@st.composite
def agents(draw):
    number = draw(st.integers(1, 7))
    calls = [
        {
            "id": f"c{index}",
            "model": draw(st.sampled_from("xy")),
            "isl": 1,
            "osl": draw(st.integers(1, 9)),
            "after": tuple(f"c{before}" for before in range(index) if draw(st.booleans())),
        }
        for index in range(number)
    ]
    return Agent(name="a", requests_per_s=1.0, end_to_end="1 s", calls=draw(st.permutations(calls)))


def every_path(agent):
    by_id = {call.id: call for call in agent.calls}

    def ending(name):
        yield (by_id[name],)
        for before in by_id[name].after:
            for path in ending(before):
                yield (*path, by_id[name])

    return [path for name in by_id for path in ending(name)]


def seconds(call):
    return call.osl * (0.5 if call.model == "x" else 2.0)


@given(agents())
def test_the_latency_is_the_longest_of_all_paths(agent):
    result = timed(agent, seconds)
    longest = max(sum(map(seconds, path)) for path in every_path(agent))
    assert max(each.end_s for each in result) == longest
    critical = tuple(each.call for each in result if each.is_critical)
    assert sum(map(seconds, critical)) == longest
    assert critical in every_path(agent)


@given(agents())
def test_calls_start_when_all_before_them_have_ended(agent):
    ends = {each.call.id: each.end_s for each in timed(agent, seconds)}
    for each in timed(agent, seconds):
        assert each.start_s == max((ends[name] for name in each.call.after), default=0.0)
        assert each.end_s == each.start_s + seconds(each.call)
    assert sorted(call.id for call in ordered(agent)) == sorted(call.id for call in agent.calls)


@given(agents())
def test_the_longest_output_of_a_model_leaves_others_out(agent):
    paths = every_path(agent)
    assert longest_output(agent, "x") == max(sum(call.osl for call in path if call.model == "x") for path in paths)
