"""Answers are kept whole or not at all, and found by what was asked."""

import sqlite3

import pytest

from placer.errors import InputError
from placer.sweep.solve import answer
from placer.sweep.store import Store, default_store_path


@pytest.fixture(scope="module")
def answered(toys):
    question = toys.question()
    return question, answer(question)[0]


def test_an_answer_is_found_again_by_another_process_of_the_same_file(tmp_path, toys, answered):
    question, plan = answered
    path = tmp_path / "new" / "answers.sqlite"
    with Store(path) as store:
        assert store.get(question) is None
        store.put(question, plan, 1.5)
    with Store(path) as store:
        assert store.get(question) == plan
        assert store.get(toys.question(0.02)) is None
        assert len(store) == 1


def test_the_first_answer_stays(tmp_path, answered):
    question, plan = answered
    with Store(tmp_path / "answers.sqlite") as store:
        store.put(question, plan, 1.0)
        store.put(question, plan.model_copy(update={"verdict": "another"}), 1.0)
        assert store.get(question).verdict == plan.verdict


@pytest.mark.parametrize(
    "other",
    [
        {"speed": 0.02},
        {"name": "sram-wins"},
        {"seed": 1},
        {"relative_gap": 0.1},
        {"budget_s": 3.0},
        {"with_alternatives": True},
    ],
)
def test_another_question_has_another_key(toys, other):
    assert toys.question(**other).key != toys.question().key


def test_equal_questions_have_equal_keys(toys):
    assert toys.question().key == toys.question().key


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be one" * 40, b"\x00" * 4096])
def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "answers.sqlite"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"answers\.sqlite.*cannot be used to keep answers"):
        Store(path)
    assert path.read_bytes() == content


def test_a_store_of_a_later_version_is_refused(tmp_path):
    path = tmp_path / "answers.sqlite"
    with Store(path):
        pass
    base = sqlite3.connect(path)
    base.execute("PRAGMA user_version=99")
    base.close()
    with pytest.raises(InputError, match="expected tables of version 1, got 99"):
        Store(path)


def test_a_damaged_answer_is_told(tmp_path, answered):
    question, plan = answered
    path = tmp_path / "answers.sqlite"
    with Store(path) as store:
        store.put(question, plan, 1.0)
    base = sqlite3.connect(path)
    with base:
        base.execute("UPDATE answers SET plan = ?", (b"rubbish",))
    base.close()
    with Store(path) as store, pytest.raises(InputError, match="is damaged"):
        store.get(question)


def test_the_environment_names_another_place(monkeypatch, tmp_path):
    monkeypatch.setenv("PLACER_CACHE", str(tmp_path / "mine"))
    assert default_store_path() == tmp_path / "mine"
    monkeypatch.delenv("PLACER_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_store_path() == tmp_path / "placer" / "answers.sqlite"
