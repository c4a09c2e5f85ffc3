import pytest

from placer.planner.limits import LIMITS, SLOWEST
from placer.scenario.service import Service

BY_NAME = {limit.name: limit for limit in LIMITS}
FULL = {
    "tokens_per_s_per_user": 50.0,
    "tokens_per_s": 1e4,
    "cost_cap": "5 USD/h",
    "power_cap": "800 W",
    "required_pools": ["big"],
}


@pytest.fixture(scope="module")
def full(toys):
    return toys.scenario(target=FULL).model_copy(update={"service": Service(ttft="2 s", ttft_p99="3 s")})


def test_what_is_not_asked_for_is_no_limit(toys, full):
    assert [limit.name for limit in LIMITS if limit.is_active(full)] == list(BY_NAME)
    assert [limit.name for limit in LIMITS if limit.is_active(toys.scenario())] == ["speed", "context"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("power_cap", 800.0, "800 W"),
        ("cost_cap", 5.0, "$5/h"),
        ("rate", 1e4, "10000 tokens/s"),
        ("speed", 50.0, "50 tokens/s/user"),
        ("context", 24.0, "24 tokens"),
        ("ttft", 2.0, "2 s"),
        ("ttft_p99", 3.0, "3 s"),
    ],
)
def test_limits_say_what_they_are(full, name, value, words):
    limit = BY_NAME[name]
    assert limit.value(full) == value
    assert words in limit.describe(full)


def test_required_pools_have_no_number_to_move(full):
    limit = BY_NAME["required_pools"]
    assert limit.set_to is None
    assert "big" in limit.describe(full)
    assert limit.relaxed(full).target.required_pools == ()


@pytest.mark.parametrize("name", [name for name, limit in BY_NAME.items() if limit.set_to is not None])
def test_a_limit_moves_alone(full, name):
    limit = BY_NAME[name]
    value = 37.0
    moved = limit.set_to(full, value)
    assert limit.value(moved) == value
    for other in LIMITS:
        if other is not limit and other.is_active(full):
            assert other.value(moved) == other.value(full)
    assert type(full).model_validate(moved.model_dump()) == moved


@pytest.mark.parametrize("name", BY_NAME)
def test_a_limit_is_dropped_alone(full, name):
    limit = BY_NAME[name]
    relaxed = limit.relaxed(full)
    for other in LIMITS:
        if other is not limit:
            assert other.value(relaxed) == other.value(full)
    if name in {"required_pools", "power_cap", "cost_cap", "rate"}:
        assert not limit.is_active(relaxed)


def test_speed_and_context_are_never_quite_dropped(full):
    assert BY_NAME["speed"].value(BY_NAME["speed"].relaxed(full)) == SLOWEST
    workload = BY_NAME["context"].relaxed(full).workload
    assert (workload.input_tokens, workload.output_tokens) == (1, 1)


@pytest.mark.parametrize(("context", "tokens"), [(24, (20, 4)), (12, (8, 4)), (6, (3, 3)), (2, (1, 1))])
def test_a_shorter_context_shortens_the_prompt_first(full, context, tokens):
    workload = BY_NAME["context"].set_to(full, float(context)).workload
    assert (workload.input_tokens, workload.output_tokens) == tokens


@pytest.mark.parametrize("name", BY_NAME)
def test_reliefs_name_a_field_and_a_number(full, name):
    relief = BY_NAME[name].relief(12.0, full)
    assert relief.value == 12.0
    assert relief.change.startswith(("target.", "workload.", "service."))
    assert relief.text
