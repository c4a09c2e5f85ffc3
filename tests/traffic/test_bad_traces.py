"""Bad traces: exit 2, one line that names file, line or field, and what was expected."""

from __future__ import annotations

import io
import json
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.errors import InputError
from placer.traffic.readers.registry import READERS
from placer.traffic.source import TraceSource

LINE = '{"timestamp": 0, "input_length": 600, "output_length": 5, "hash_ids": [0, 1]}\n'
AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n"
BURST = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,GPT-4,472,18,490,API log\n"
VLLM = json.dumps(
    {
        "duration": 8.0,
        "completed": 2,
        "total_input_tokens": 300,
        "total_output_tokens": 40,
        "request_throughput": 0.25,
    }
)
DETAILS = '{"total_input_tokens": 3, "input_lens": [1, 2], "output_lens": [3, 4]}'
SAMPLES = {
    "mooncake": LINE * 2,
    "azure": AZURE,
    "burstgpt": BURST,
    "vllm-bench": VLLM,
    "lengths": "requests: [[1, 2, 3]]",
}

#: A good text, what is replaced, by what, and what the message must say after the file's name.
CASES = {
    "negative input": (LINE * 2, "600", "-600", "line 1: input_length: expected a whole number of tokens from 0 to"),
    "output as text": (LINE, ": 5", ': "5"', "line 1: output_length: expected a whole number of tokens"),
    "output as fraction": (LINE, ": 5", ": 5.5", "line 1: output_length: expected"),
    "output true": (LINE, ": 5", ": true", "line 1: output_length: expected"),
    "absurd output": (LINE, ": 5", ": 500000000", "line 1: output_length: expected"),
    "endless digits": (LINE, ": 5", ": 5" + "0" * 5000, "line 1: malformed JSON"),
    "nan": (LINE, ": 5", ": NaN", "line 1: malformed JSON: NaN is no number"),
    "infinite time": (LINE, '"timestamp": 0', '"timestamp": 1e999', "line 1: timestamp: expected milliseconds"),
    "negative time": (LINE, '"timestamp": 0', '"timestamp": -1', "line 1: timestamp: expected milliseconds"),
    "no output": (LINE, '"output_length": 5, ', "", "line 1: output_length: missing"),
    "twice": (LINE, '"output_length": 5', '"output_length": 5, "output_length": 6', "line 1: malformed JSON: a field"),
    "other block size": (LINE, "[0, 1]", "[0]", "line 1: hash_ids: expected 2 ids, one for each 512 of 600 input"),
    "ids as text": (LINE, "[0, 1]", '"ab"', "line 1: hash_ids: expected 2 ids"),
    "negative id": (LINE, "[0, 1]", "[0, -1]", "line 1: hash_ids: expected whole numbers from 0"),
    "nested ids": (LINE, "[0, 1]", "[0, [1]]", "line 1: hash_ids: expected whole numbers from 0"),
    "ids in some lines": (LINE, LINE, LINE + LINE.replace(', "hash_ids": [0, 1]', ""), "line 2: hash_ids: expected in"),
    "truncated": (LINE, "[0, 1]}\n", "[0,", "line 1: malformed JSON at column"),
    "a list": (LINE * 2, LINE * 2, LINE + "[1]\n", "line 2: expected named fields in braces, got [1]"),
    "deep": (LINE * 2, LINE * 2, LINE + "[" * 100_000 + "\n", "line 2: malformed JSON"),
    "negative tokens": (AZURE, "4808", "-4808", "line 2: ContextTokens: expected a whole number of tokens"),
    "tokens nan": (AZURE, ",10", ",nan", "line 2: GeneratedTokens: expected a whole number of tokens"),
    "empty tokens": (AZURE, ",10", ",", "line 2: GeneratedTokens: expected a whole number of tokens"),
    "absurd tokens": (AZURE, ",10", ",100000001", "line 2: GeneratedTokens: expected a whole number of tokens from 0"),
    "no date": (AZURE, "2023-11-16", "yesterday", "line 2: TIMESTAMP: expected a time such as 2023-11-16"),
    "year 3000": (AZURE, "2023", "3000", "line 2: TIMESTAMP: expected a time such as"),
    "field missing": (AZURE, "4808,", "", "line 2: expected 3 fields, got 2"),
    "field too many": (AZURE, "4808,", "4808,1,", "line 2: expected 3 fields, got 4"),
    "open quote": (AZURE, "4808", '"4808', "line 2: malformed CSV"),
    "only a header": (AZURE, "2023-11-16 18:17:03.9799600,4808,10\n", "", "has no requests"),
    "only failures": (BURST, "472,18", "472,0", "has no requests, only 1 without an answer"),
    "time nan": (BURST, "\n5,", "\nnan,", "line 2: Timestamp: expected seconds such as 118"),
    "time negative": (BURST, "\n5,", "\n-5,", "line 2: Timestamp: expected seconds"),
    "no totals": (VLLM, '"total_input_tokens": 300, ', "", "total_input_tokens: missing"),
    "negative total": (VLLM, "300", "-300", "total_input_tokens: Input should be greater than or equal to 0"),
    "no duration": (VLLM, "8.0", "0", "duration: Input should be greater than 0"),
    "other throughput": (VLLM, "0.25", "0.5", "request_throughput: expected completed / duration = 0.25, got 0.5"),
    "nothing completed": (VLLM, '"completed": 2', '"completed": 0', "has no requests with an answer"),
    "two results": (VLLM, VLLM, VLLM + "\n" + VLLM, "malformed JSON at line 2, column 1: Extra data"),
    "lengths differ": (DETAILS, "[3, 4]", "[3]", "output_lens: expected 2 lengths, as in input_lens, got 1"),
    "times differ": (DETAILS, "[3, 4]", '[3, 4], "start_times": [1]', "start_times: expected 2 times"),
    "all failed": (DETAILS, "[3, 4]", "[0, 0]", "has no requests with an answer among 2"),
    "no weight": ("requests: [[1, 2, 3]]", ", 3", "", "requests[0][2]: missing"),
    "weight zero": ("requests: [[1, 2, 3]]", ", 3", ", 0", "requests[0][2]: Input should be greater than 0"),
    "no answer": ("requests: [[1, 2, 3]]", "1, 2", "1, 0", "requests[0][1]: Input should be greater than"),
    "no requests": ("requests: [[1, 2, 3]]", "[1, 2, 3]", "", "requests: Tuple should have at least 1 item"),
    "half a law": ("input: {mean: 8000, cv: 0.8}", "x", "x", "expected either requests, or both input and output"),
    "unknown key": ("input: {mean: 8000, cv: 0.8}", "cv", "vc", "input.vc: unknown field"),
    "endless variation": ("input: {mean: 8000, cv: 0.8}", "0.8", ".inf", "input.cv: "),
}


@pytest.fixture
def refused(run_placer, tmp_path):
    """Return a function that shows a file is refused, and gives the message after its name."""

    def check(content, *options):
        path = tmp_path / "trace"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        code, out, err = run_placer("traffic", path, *options)
        assert (code, out) == (2, ""), err
        assert err.startswith(f"error: {path}: ")
        assert err.count("\n") == 1
        assert len(err) < 1200
        return err.removeprefix(f"error: {path}: ")

    return check


@pytest.mark.parametrize("case", CASES)
def test_a_trace_is_refused_by_line_and_field(refused, case):
    good, old, new, message = CASES[case]
    assert message in refused(good.replace(old, new, 1))


@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_themselves_are_fine(run_placer, tmp_path, name):
    path = tmp_path / "trace"
    path.write_text(SAMPLES[name])
    for options in ((), ("--format", name)):
        assert run_placer("traffic", path, *options)[0] == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"\x1f\x8b\x08\x00\xff\xfe", "is no UTF-8 text (a binary file?)"),
        (b"a\x00b", "is a binary file"),
        (b"hello", "is in no known format (mooncake: JSON lines with timestamp"),
        (b"a,b\n1,2\n", "is in no known format"),
        (b"{}", "is in no known format"),
        (LINE.encode() * 2000 + b"\xff\n", "line 2001: is no UTF-8 text"),
        (LINE.encode() + b"{" + b" " * 2**24, "line 2: is longer than 16 MiB"),
    ],
)
def test_a_broken_file_is_refused(refused, content, message):
    assert message in refused(content)


def test_a_format_that_is_named_is_the_one_that_is_read(refused):
    assert 'column "Timestamp" is missing; did you mean "TIMESTAMP"?' in refused(AZURE, "--format", "burstgpt")
    assert "line 1: malformed JSON" in refused(AZURE, "--format", "mooncake")
    assert "expected named fields at the top level" in refused(AZURE, "--format", "vllm-bench")


def test_an_unknown_format_is_named_with_the_nearest(run_placer, tmp_path):
    code, out, err = run_placer("traffic", tmp_path, "--format", "moncake")
    assert (code, out) == (2, "")
    assert 'unknown format "moncake"; did you mean "mooncake"?' in err


@pytest.mark.parametrize(("place", "message"), [(".", "is a directory"), ("absent.csv", "no such file")])
def test_what_is_no_file_is_refused(run_placer, tmp_path, monkeypatch, place, message):
    monkeypatch.chdir(tmp_path)
    code, out, err = run_placer("traffic", place)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {place}: {message}")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_is_read_once(run_placer, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(LINE * 3000,))
    writer.start()
    code, out, _ = run_placer("traffic", pipe, "--json")
    writer.join()
    assert code == 0
    assert json.loads(out)["num_requests"] == 3000


@given(data=st.data(), name=st.sampled_from(sorted(SAMPLES)))
def test_a_damaged_trace_is_read_or_refused_and_nothing_else(data, name):
    content = bytearray(SAMPLES[name].encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        content = content or bytearray(b"x")
    reader = next(reader for reader in READERS if name == reader.NAME)
    try:
        reader.read(TraceSource(io.BytesIO(bytes(content)), "trace"))
    except InputError as error:
        message = str(error)
    else:
        return
    assert message.startswith("trace: ")
