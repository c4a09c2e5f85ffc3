"""Whatever is damaged in a scenario or a portfolio: an error that says so, or findings; never a traceback."""

import json
import random
from functools import partial

import pytest

from placer.errors import InputError
from placer.plan.portfolio import Portfolio
from placer.portfolio.read import parse_scenario
from placer.validate import validated
from placer.verify.portfolio.verify import verify_portfolio

VALUES = (None, -1, 0, 1e308, float("nan"), "x", "", [], {}, [None], {"a": 1}, True, "5 GB", "-3 s", "qwen3-8b")


def places(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*path, key))


def damaged(document, draw):
    copy = json.loads(json.dumps(document))
    path = draw.choice([path for path in places(copy) if path])
    inner = copy
    for part in path[:-1]:
        inner = inner[part]
    if draw.random() < 0.3:
        del inner[path[-1]]
    else:
        inner[path[-1]] = draw.choice(VALUES)
    return copy


def check(read, where):
    """Read; what goes wrong must be an error that starts with the place."""
    try:
        result = read()
    except InputError as error:
        said = str(error)
    else:
        assert result
        return
    assert said.startswith(where)


@pytest.mark.parametrize("which", ["raw_scenario", "raw_service_scenario"])
@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_scenario_is_refused_in_words_or_read(request, which, seed):
    draw, fresh = random.Random(seed), request.getfixturevalue(which)
    for _ in range(60):
        raw = damaged(fresh(), draw)
        check(partial(parse_scenario, raw, "file.yaml"), "file.yaml")


@pytest.mark.parametrize("which", ["raw_portfolio", "raw_service_portfolio"])
@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_portfolio_is_refused_or_verified_without_a_crash(request, which, seed):
    draw, raw_portfolio = random.Random(seed), request.getfixturevalue(which)
    raw_portfolio["slots"][0]["members"] = raw_portfolio["slots"][0]["members"][:2]
    for _ in range(40):
        raw = damaged(raw_portfolio, draw)
        read = partial(validated, Portfolio, raw, "portfolio.json")
        check(lambda read=read: verify_portfolio(read()).checks, "portfolio.json")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("forbidden_modes", ["afd"], "expected colocated or disaggregated, got afd"),
        ("forbidden_modes", ["colocated", "disaggregated"], "prompts must be computed somewhere"),
        ("prefix_hit_rate", 1.0, "prefix_hit_rate"),
        ("ttft", "-1 s", "ttft"),
    ],
)
def test_what_cannot_be_asked_of_prefill_is_refused(raw_service_scenario, field, value, said):
    raw = raw_service_scenario()
    raw["models"][0][field] = value
    with pytest.raises(InputError, match=said):
        parse_scenario(raw, "file.yaml")


@pytest.mark.parametrize(
    ("field", "value"), [("ttft_p99", "1 s"), ("prefix_hit_rate", 0.5), ("forbidden_modes", ["afd"])]
)
def test_decode_alone_has_no_prefill_to_ask_for(raw_scenario, field, value):
    raw = raw_scenario()
    raw["models"][0][field] = value
    with pytest.raises(InputError, match=field):
        parse_scenario(raw, "file.yaml")
