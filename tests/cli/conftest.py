"""Running command lines in this process."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from placer.cli.app import main


@dataclass(frozen=True)
class Result:
    """What a command line left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def placer(capsys, monkeypatch):
    """Return a function that runs a command line."""
    monkeypatch.delenv("PLACER_DEBUG", raising=False)

    def run(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run
