"""The page of claims: its commands are run, and the figures under them are in what they print."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from placer.cli.app import main

PAGE = (Path(__file__).parents[2] / "docs" / "claims.md").read_text()
SECTION = re.compile(r"^### (?P<ids>[AB]\d+(?:, [AB]\d+)*): (?P<title>.+)\n(?P<body>(?:(?!^##).*\n)*)", re.MULTILINE)
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAVED = re.compile(r"Save this\s+as `([\w.-]+)`:\n\n```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| ([AB]\d+) \|", re.MULTILINE)
EXIT = re.compile(r"^\(exit (\d+)\)$")

#: The rows of the survey.
EVERY_ROW = {f"A{number}" for number in range(1, 43)} | {f"B{number}" for number in range(1, 21)}


@dataclass(frozen=True)
class Shown:
    """A command of the page and what stands under it."""

    command: str
    pieces: tuple[str, ...]
    code: int


def _shown(block: str) -> list[Shown]:
    found = []
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *lines = part.splitlines()
        codes = [int(match.group(1)) for line in lines if (match := EXIT.match(line))]
        pieces = (piece for line in lines if not EXIT.match(line) for piece in line.split(" ... "))
        found.append(Shown(command, tuple(" ".join(piece.split()) for piece in pieces), *(codes or [0])))
    return found


def _sections() -> dict[str, list[Shown]]:
    return {
        match["ids"]: [shown for block in CONSOLE.findall(match["body"]) for shown in _shown(block)]
        for match in SECTION.finditer(PAGE)
    }


SECTIONS = _sections()


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """Return a function that runs a command once, in a folder with the page's files, and returns code and text."""
    folder, answers = tmp_path_factory.mktemp("claims"), {}
    for name, text in SAVED.findall(PAGE):
        (folder / name).write_text(text)

    def run(command: str) -> tuple[int, str]:
        if command not in answers:
            out, err = io.StringIO(), io.StringIO()
            with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = main(shlex.split(command)[1:])
            answers[command] = code, " ".join((out.getvalue() + err.getvalue()).split())
        return answers[command]

    return run


def _missing(pieces: tuple[str, ...], text: str) -> str | None:
    """Return the first piece that does not follow the ones before it."""
    at = 0
    for piece in pieces:
        # A figure is a whole figure: 5.9 is not found in 85.9, nor in 5.91.
        whole = re.compile(r"(?<![\d.,])" + re.escape(piece) + (r"(?!\d)" if piece[-1].isdigit() else ""))
        found = whole.search(text, at)
        if found is None:
            return piece
        at = found.end()
    return None


@pytest.mark.parametrize("ids", SECTIONS)
def test_what_is_shown_is_printed(ids, printed):
    assert SECTIONS[ids], "a claim with no command belongs in the table"
    for shown in SECTIONS[ids]:
        assert shown.command.startswith("placer ")
        code, text = printed(shown.command)
        assert code == shown.code, text
        assert shown.pieces, shown.command
        missing = _missing(shown.pieces, text)
        assert missing is None, f"{shown.command}\nlacks {missing!r} in\n{text}"


@pytest.mark.parametrize("ids", [ids for ids in SECTIONS if ids != "B20"])
def test_every_section_shows_a_figure(ids):
    assert any(re.search(r"\d", piece) for shown in SECTIONS[ids] for piece in shown.pieces)


def test_every_row_is_decided_or_says_why_not():
    decided = [row for ids in SECTIONS for row in ids.split(", ")]
    undecided = ROW.findall(PAGE)
    assert len({*decided, *undecided}) == len(decided) + len(undecided)
    assert {*decided, *undecided} == EVERY_ROW


def test_no_block_is_outside_a_section():
    inside = sum(len(shown) for shown in SECTIONS.values())
    assert inside == sum(len(_shown(block)) for block in CONSOLE.findall(PAGE))
    assert inside == len(re.findall(r"^\$ placer ", PAGE, re.MULTILINE))


def test_a_wrong_figure_is_noticed(printed):
    # The check itself: every digit of a figure matters, and so does the order.
    (shown,) = (shown for shown in SECTIONS["A25"])
    _, text = printed(shown.command)
    assert _missing(shown.pieces, text) is None
    for digit in (each for piece in shown.pieces for each in re.finditer(r"\d", piece)):
        piece = digit.string
        wrong = f"{piece[: digit.start()]}{(int(digit.group()) + 1) % 10}{piece[digit.end() :]}"
        assert _missing((wrong,), text) == wrong
    assert _missing(("5.9 GB",), text) == "5.9 GB"
    assert _missing(("a sequence is", "85.9 GB"), text) == "85.9 GB"
