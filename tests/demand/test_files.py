"""Profiles and prices on disk: what is read, and what is refused with its place."""

import pytest

from placer.demand.files import read_prices, read_profile
from placer.errors import InputError

HOURS = list(range(1, 25))


@pytest.fixture
def written(tmp_path):
    """Return a function that writes a file."""

    def write(text, name="profile.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def refusal(path, read=read_profile):
    with pytest.raises(InputError) as caught:
        read(path)
    return str(caught.value)


def test_a_day_in_yaml(written):
    profile, prices = read_profile(written(f"source: by hand\nrequests_per_s: {HOURS}\n"))
    assert profile.requests_per_s == tuple(map(float, HOURS))
    assert (profile.name, profile.source, profile.peakedness, prices) == ("profile", "by hand", 1.0, None)
    assert profile.num_requests == 3600 * sum(HOURS)


def test_prices_may_stand_in_the_profile_or_alone(written):
    prices = "prices:\n  on_demand: {price: 1.0, source: by hand}\n"
    _, own = read_profile(written(f"requests_per_s: {HOURS}\n{prices}"))
    assert own == read_prices(written(prices, "prices.yaml"))
    assert own.on_demand.price == 1.0


def test_a_week_in_csv(written):
    lines = "\n".join(f"{hour},{hour % 24}" for hour in range(168))
    profile, prices = read_profile(written(f"hour,requests_per_s\n{lines}\n", "week.csv"))
    assert profile.num_hours == 168
    assert profile.requests_per_s[25] == 1.0
    assert prices is None


def test_json_on_one_line(written):
    profile, _ = read_profile(written(f'{{"source": "by hand", "requests_per_s": {HOURS}}}', "day.json"))
    assert profile.requests_per_s == tuple(map(float, HOURS))


def test_a_trace_is_counted_by_the_hour(written):
    # BurstGPT: seconds from midnight; two requests an hour, three in hour 5, and 30 minutes of a second day.
    times = [*(3600.0 * hour + 60 * minute for hour in range(24) for minute in (0, 30)), 5 * 3600.0 + 1, 86_400.0]
    rows = "".join(f"{time},ChatGPT,10,20,30,API log\n" for time in sorted(times))
    header = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    profile, _ = read_profile(written(header + rows, "trace.csv"))
    assert profile.num_hours == 24
    assert profile.requests_per_s[5] == 3 / 3600
    assert {profile.requests_per_s[hour] for hour in range(24) if hour != 5} == {2 / 3600}
    assert "first 24 of 25 h" in profile.source


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"requests_per_s: {HOURS[:23]}", "expected 24 hours (a day) or 168 (a week), got 23; the nearest is 24"),
        (f"requests_per_s: {HOURS * 6}", "got 144; the nearest is 168"),
        (
            f"requests_per_s: {[*HOURS[:23], -1]}",
            "requests_per_s[23]: Input should be greater than or equal to 0, got -1",
        ),
        (f"requests_per_s: {[*HOURS[:23], '.nan']}".replace("'", ""), "requests_per_s[23]: Input should be a finite"),
        ("requests_per_s: [" + ", ".join(["0"] * 24) + "]", "expected requests in at least one hour"),
        (f"requests_per_s: {HOURS}\npeakednes: 2", 'peakednes: unknown field; did you mean "peakedness"?'),
        (f"requests_per_s: {HOURS}\npeakedness: 0.5", "peakedness: Input should be greater than or equal to 1"),
        (f"requests_per_s: {HOURS}\nprices: {{}}", "prices: expected reserved or on_demand"),
        (
            f"requests_per_s: {HOURS}\nprices: {{reserved: {{price: 0.6}}}}",
            "prices.reserved.source: missing",
        ),
        (
            f"requests_per_s: {HOURS}\nprices:\n  reserved: {{price: 0.6, source: x}}\n"
            "  spot: {price: 0.3, source: x, availability: 0.9, overhead: 0.1}",
            "spot: expected on_demand beside it",
        ),
        ("hello: [1]", "is in no known format"),
        ("", "is empty"),
    ],
)
def test_a_wrong_profile_is_refused_by_field(written, text, message):
    path = written(text)
    found = refusal(path)
    assert message in found
    assert found.startswith(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hour,requests_per_s\n0,1\n1\n", "line 3: expected 2 fields, got 1"),
        (
            "hour,requests_per_s\n0,1\n1,many\n",
            "line 3: requests_per_s: expected requests per second such as 12.5, got",
        ),
        ("hour,requests_per_s\n0,1\n2,1\n", "line 3: expected hour 1, as hours count from 0 in order, got '2'"),
        ("hour,requests_per_s\n0,1\n", "expected 24 hours (a day) or 168 (a week), got 1"),
    ],
)
def test_a_wrong_table_is_refused_by_line(written, text, message):
    assert message in refusal(written(text, "profile.csv"))


def test_a_short_trace_is_refused(written):
    rows = "".join(f"{time},m,1,1,2,x\n" for time in (0, 5400))
    header = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    message = refusal(written(header + rows, "trace.csv"))
    assert "covers 1.5 h, expected at least 24 (a day) or 168 (a week)" in message


def test_a_trace_without_times_is_refused(written):
    assert "tells no times of arrival (lengths)" in refusal(
        written("input: {mean: 8, cv: 1}\noutput: {mean: 8, cv: 1}\n")
    )


def test_prices_without_a_unit_are_refused(written):
    path = written("prices: {on_demand: {price: {chip: 2}, source: x}}", "prices.yaml")
    assert "prices.on_demand.price" in refusal(path, read_prices)
