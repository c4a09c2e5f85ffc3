"""Pages say what the answers say."""

import re

from benchmarks.studies.claims.all import CLAIMS
from benchmarks.studies.elsewhere import elsewhere
from benchmarks.studies.page import verdicts_page
from tests.studies.made_up import planned, refused

CLAIM = next(claim for claim in CLAIMS if claim.id == "B18")
BY_COMMANDS = "### A1, A2: so much: right, nearly\n\n| A31 | so little | wrong | none |\n### B18: all: wrong\n"


def _page(dense, sparse=1.0):
    def answer(name):
        value = dense if name.endswith("V3") else sparse
        return planned(value) if isinstance(value, float) else value

    evidence = {ask.command: answer(name) for name, ask in CLAIM.asks.items()}
    return verdicts_page((CLAIM,), evidence, BY_COMMANDS)


def _glance(page):
    return re.search(r"^\| \[B18\]\(#b18\) \| .* \| (\w+) \| (.*) \|$", page, re.MULTILINE).groups()


def test_verdict_figure_and_advice_follow_from_answers():
    right, wrong = _page(2.0), _page(1.0)
    assert _glance(right) == ("RIGHT", "8K tokens: 2 times; 128K tokens: 2 times")
    assert _glance(wrong) == ("WRONG", "8K tokens: 1 times; 128K tokens: 1 times")
    assert "**RIGHT.** With long prompts choose the model" in right
    assert "**WRONG.** Sparse attention does not pay" in wrong


def test_proofs_that_there_is_no_plan_are_shown():
    page = _page(refused())
    assert _glance(page)[0] == "RIGHT"
    assert "no plan at all" in page
    assert "too much is asked" in page


def test_every_command_is_on_the_page():
    page = _page(2.0)
    assert all(f"$ {ask.command}  # {name}\n" in page for name, ask in CLAIM.asks.items())


def test_rows_of_the_other_page_are_listed_once():
    assert elsewhere(BY_COMMANDS, {"B18"}) == [
        ("A1", "so much", "right, nearly"),
        ("A2", "so much", "right, nearly"),
        ("A31", "so little", "wrong"),
    ]
