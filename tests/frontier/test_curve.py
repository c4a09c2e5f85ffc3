"""Neighbours decide points: bounds rise with the speed, plans of faster points serve slower ones."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from placer.frontier.curve import Curve, Known, bisected
from placer.frontier.point import frontier_point
from placer.plan.plan import Status

GAP = 0.01
#: Decode alone: costs are those of output tokens.
DECODE = SimpleNamespace(service=None)


def answer(target, optimum, slack, speed):
    """A plan that costs a little more than the optimum, its bound a little less, at a speed it reaches."""
    if optimum is None:
        none = {"metrics": None, "bound": None, "refusal": None, "verdict": "none"}
        return SimpleNamespace(status=Status.INFEASIBLE, scenario=DECODE, **none)
    above, below = slack
    figures = {"tokens_per_s": 1.0, "tokens_per_s_per_mw": 1.0, "ttft_s": None, "usd_per_million_input_tokens": None}
    return SimpleNamespace(
        status=Status.PLANNED,
        scenario=DECODE,
        metrics=SimpleNamespace(
            usd_per_request=None,
            usd_per_million_output_tokens=optimum * (1 + above),
            tokens_per_s_per_user=target * (1 + speed),
            **figures,
        ),
        bound=SimpleNamespace(usd_per_request=None, usd_per_million_output_tokens=optimum * (1 - below)),
        mode="",
        speculation=None,
        devices={"chip": 1},
        binding=(),
        provenance=SimpleNamespace(estimates=()),
    )


@st.composite
def worlds(draw):
    """Rising speeds, what they cost at least (never falling; none from some speed on), and how plans come out."""
    number = draw(st.integers(1, 12))
    targets = tuple(10.0 + 10.0 * index for index in range(number))
    rises = draw(st.lists(st.sampled_from([0.0, 0.0, 0.001, 0.2]), min_size=number, max_size=number))
    costs, cost = [], 1.0
    for rise in rises:
        cost *= 1 + rise
        costs.append(cost)
    end = draw(st.integers(1, number + 1))
    optima = [cost if index < end else None for index, cost in enumerate(costs)]
    slacks = draw(st.lists(st.tuples(st.floats(0, 0.004), st.floats(0, 0.004)), min_size=number, max_size=number))
    speeds = draw(st.lists(st.sampled_from([0.0, 0.1, 2.0]), min_size=number, max_size=number))
    return targets, optima, slacks, speeds


def solved(world):
    """Solve a curve wave by wave; a plan that is faster costs what the speed it reaches costs."""
    targets, optima, slacks, speeds = world
    scenario = SimpleNamespace(
        service=None, model=SimpleNamespace(name="m"), fleet=SimpleNamespace(name="f"), workload=None
    )
    known = Known(Curve("c", scenario, targets), GAP)
    for wave in known.waves():
        for index in wave:
            reached = targets[index] * (1 + speeds[index])
            fastest = max(at for at, target in enumerate(targets) if target <= reached)
            is_fast = optima[index] is not None and optima[fastest] == optima[index]
            known.answers[index] = answer(
                targets[index], optima[index], slacks[index], speeds[index] if is_fast else 0.0
            )
    return known, [frontier_point(known, index) for index in range(len(targets))]


@given(worlds())
def test_every_point_is_settled_and_right(world):
    targets, optima, _, _ = world
    known, points = solved(world)
    assert all(known.is_settled(index) for index in range(len(targets)))
    for point, optimum in zip(points, optima, strict=True):
        if optimum is None:
            assert point.status is Status.INFEASIBLE
            continue
        assert point.status is Status.PLANNED
        assert point.bound_usd_per_million_tokens <= optimum * (1 + 1e-12)
        assert optimum <= point.usd_per_million_tokens * (1 + 1e-12)
        assert point.relative_gap <= GAP
        assert point.tokens_per_s_per_user >= point.target_tokens_per_s_per_user


@given(worlds())
def test_the_frontier_never_falls_with_speed(world):
    _, points = solved(world)
    prices = [point.usd_per_million_tokens for point in points if point.status is Status.PLANNED]
    assert prices == sorted(prices)
    bounds = [known_bound for known_bound in (point.bound_usd_per_million_tokens for point in points) if known_bound]
    assert bounds == sorted(bounds) or max(b / a for b, a in zip(bounds, sorted(bounds), strict=True)) < 1 + 1e-12


@given(worlds())
def test_nothing_is_solved_that_neighbours_decide(world):
    targets, optima, _, _ = world
    known, _ = solved(world)
    without = [index for index, optimum in enumerate(optima) if optimum is None and index in known.answers]
    # The fastest is asked first; of the rest only the bisection down to the slowest without a plan.
    assert len(without) <= 1 + len(targets).bit_length()


@given(worlds())
def test_pareto_points_are_those_no_faster_one_matches(world):
    _, points = solved(world)
    planned = [point for point in points if point.status is Status.PLANNED]
    for number, point in enumerate(planned):
        beaten = any(other.usd_per_million_tokens <= point.usd_per_million_tokens for other in planned[number + 1 :])
        assert point.is_pareto is not beaten


@given(st.integers(1, 40))
def test_bisection_names_every_point_once(number):
    order = [index for wave in bisected(number) for index in wave]
    assert sorted(order) == list(range(number))
