"""Traces written by the tests: small, in the published formats."""

from __future__ import annotations

import io
import json

import pytest

from placer.cli.app import main
from placer.traffic.measure import measure
from placer.traffic.readers.registry import READERS, ReadTraffic
from placer.traffic.source import TraceSource


@pytest.fixture(scope="session")
def measured():
    """Return a function that measures a text; the format is detected, or named."""

    def run(text, name=None):
        source = TraceSource(io.BytesIO(text.encode()), "trace")
        reader = next(r for r in READERS if name == r.NAME or (name is None and r.matches(source.head)))
        return measure(ReadTraffic(reader.NAME, reader.read(source)))

    return run


@pytest.fixture(scope="session")
def write_mooncake():
    """Return a function that writes rows of timestamp, input, output, hash ids as a Mooncake trace."""

    def write(rows):
        names = ("timestamp", "input_length", "output_length", "hash_ids")
        return "".join(json.dumps(dict(zip(names, row, strict=False))) + "\n" for row in rows)

    return write


@pytest.fixture(scope="session")
def write_burstgpt():
    """Return a function that writes rows of timestamp, input, output as a BurstGPT trace."""

    def write(rows):
        head = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
        return head + "".join(f"{t},GPT-4,{i},{o},{i + o},API log\n" for t, i, o in rows)

    return write


@pytest.fixture
def run_placer(capsys, monkeypatch):
    """Return a function that runs a command line: exit code, standard output, standard error."""
    monkeypatch.delenv("PLACER_DEBUG", raising=False)

    def run(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
