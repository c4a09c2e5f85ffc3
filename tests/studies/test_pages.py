"""The pages are what the evidence says, the evidence answers what is asked today, and solving again agrees."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.studies import __main__ as studies
from benchmarks.studies.claims.all import CLAIMS
from benchmarks.studies.evidence import EVIDENCE, present_hash, read_evidence, stale, write_evidence
from benchmarks.studies.matrix import COLUMNS
from benchmarks.studies.record import record_of
from placer.catalog.loader import fleet_names
from placer.errors import InputError
from placer.sweep.solve import answer

EVERY_ROW = {f"A{number}" for number in range(1, 43)} | {f"B{number}" for number in range(1, 21)}
#: Solved again in a second or two each: a dense one, a MoE, a split one, and two refusals.
CHEAP = (
    "llama-3.1-70b --fleet cs3-x4 --tps-user 450",
    "llama-3.1-8b --fleet h200-8x --tps-user 50 --isl 8192 --osl 1024 --phase decode",
    "qwen3-8b --fleet benchmarks/studies/fleets/hop-1us.yaml --tps-user 600 --isl 32000",
    "llama-3.1-70b --fleet cs3-x4 --tps-user 2000",
    "llama-3.1-70b --fleet benchmarks/studies/fleets/cs3-x3.yaml",
)


@pytest.fixture(scope="module")
def evidence():
    """Answers of the repository."""
    return read_evidence()


def test_everything_is_up_to_date():
    assert studies.out_of_date() == [], "run python -m benchmarks.studies"


def test_the_evidence_is_small_and_written_in_one_way(evidence, tmp_path):
    text = EVIDENCE.read_text()
    assert len(text) < 300_000
    write_evidence(dict(reversed(evidence.items())), tmp_path / "evidence.json")
    assert (tmp_path / "evidence.json").read_text() == text


def test_damaged_evidence_is_refused(tmp_path):
    path = tmp_path / "evidence.json"
    assert read_evidence(path) == {}
    for text, said in (("{", "is damaged"), ('{"placer plan": {"status": "planned"}}', "evidence.json: placer plan")):
        path.write_text(text)
        with pytest.raises(InputError, match=said):
            read_evidence(path)


def test_every_row_of_the_survey_is_on_the_page_once():
    text = (EVIDENCE.parent / "verdicts.md").read_text()
    rows = re.findall(r"^\| (?:\[([AB]\d+)\]\(#[ab]\d+\)|([AB]\d+)) \|", text, re.MULTILINE)
    found = [linked or plain for linked, plain in rows]
    assert len(found) == len(set(found))
    assert set(found) == EVERY_ROW


def test_every_fleet_is_in_every_table_of_the_matrix():
    text = (EVIDENCE.parent / "matrix.md").read_text()
    for name in fleet_names():
        assert len(re.findall(rf"^\| {re.escape(name)}(?: \([\w-]+\))? \|", text, re.MULTILINE)) == len(COLUMNS), name


def test_another_figure_makes_an_answer_stale(evidence):
    ask = next(iter(CLAIMS[0].asks.values()))
    assert stale((ask,), evidence) == ()
    other = evidence[ask.command].model_copy(update={"inputs": "other"})
    assert stale((ask,), evidence | {ask.command: other}) == (ask,)
    assert stale((ask.model_copy(update={"tps_user": 21}),), evidence) != ()


def test_what_is_stale_is_named(evidence, monkeypatch):
    first = sorted(evidence)[0]
    less = {command: record for command, record in evidence.items() if command != first}
    monkeypatch.setattr(studies, "read_evidence", lambda: less)
    assert studies.out_of_date() == [f"no answer yet, or to another question: {first}"]
    more = evidence | {"placer plan nobody-asked": evidence[first]}
    monkeypatch.setattr(studies, "read_evidence", lambda: more)
    assert studies.out_of_date() == ["nobody asks: placer plan nobody-asked"]


def test_a_page_changed_by_hand_is_noticed(monkeypatch):
    monkeypatch.setattr(studies, "verdicts_page", lambda *_: "everything pays\n")
    assert studies.out_of_date() == ["not what the evidence says: verdicts.md"]


def test_solving_again_agrees(evidence):
    asks = [next(ask for ask in studies.all_asks() if ask.command.startswith(f"placer plan {part}")) for part in CHEAP]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(answer, [ask.question() for ask in asks]))
    for ask, (plan, wall_s) in zip(asks, answers, strict=True):
        old, new = evidence[ask.command], record_of(plan, present_hash(ask), wall_s)
        assert new.inputs == old.inputs
        assert new.status == old.status, ask.command
        # The least price lies in both intervals.
        assert new.optimum.low <= old.optimum.high, ask.command
        assert old.optimum.low <= new.optimum.high, ask.command
