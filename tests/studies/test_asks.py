"""The commands of the pages ask what was asked."""

import shlex
from types import SimpleNamespace

import pytest

from benchmarks.studies.__main__ import all_asks
from benchmarks.studies.ask import ROOT
from placer.cli import plan as cli
from placer.cli.app import main

ASKS = all_asks()


def _shape(ask):
    """Questions of one shape differ in values only."""
    return tuple(name for name, value in ask if value not in {None, ()} and name not in {"model", "tps_user"})


@pytest.mark.parametrize("ask", {_shape(ask): ask for ask in ASKS}.values(), ids=lambda ask: ask.command)
def test_a_command_asks_what_was_asked(ask, monkeypatch):
    asked = []

    def caught(scenario, how, **_):
        asked.append((scenario, how))
        return SimpleNamespace(status=None)

    monkeypatch.setattr(cli, "_solve", caught)
    monkeypatch.setattr(cli, "_show", lambda *_, **__: None)
    monkeypatch.chdir(ROOT)
    assert main(shlex.split(ask.command)[1:]) == 0
    ((scenario, (gap, budget_s, _)),) = asked
    question = ask.question()
    assert scenario == question.scenario
    assert (gap, budget_s) == (question.relative_gap, question.budget_s)


def test_questions_are_asked_once():
    assert len({ask.command for ask in ASKS}) == len(ASKS) == len({*ASKS})
