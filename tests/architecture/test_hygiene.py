"""Nothing unfinished and nothing of one machine lies in the repository."""

import re
import subprocess

import pytest

# Spelt in parts, so that this file passes its own test.
UNFINISHED = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error")))
ABSOLUTE = re.compile(
    r"(?<![\w.~}$:/-])/(?:" + "|".join(("ho" + "me", "Us" + "ers", "ro" + "ot", "wo" + "rk", "t" + "mp")) + r")/"
)


@pytest.fixture(scope="module")
def texts(repository):
    """Text of every file of the repository that git does not ignore."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(listing, cwd=repository, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git checkout")
    paths = [repository / line for line in done.stdout.splitlines()]
    return {str(path.relative_to(repository)): path.read_text(encoding="utf-8") for path in paths if path.is_file()}


@pytest.mark.parametrize("pattern", [UNFINISHED, ABSOLUTE], ids=["unfinished", "absolute paths"])
def test_no_file_has(texts, pattern):
    hits = {name: found.group() for name, text in texts.items() if (found := pattern.search(text))}
    assert not hits


def test_files_end_with_one_line_break_and_have_no_carriage_returns(texts):
    assert not [name for name, text in texts.items() if text and (not text.endswith("\n") or text.endswith("\n\n"))]
    assert not [name for name, text in texts.items() if "\r" in text]


def test_the_license_is_the_whole_apache_license(texts):
    license_ = texts["LICENSE"]
    assert "Version 2.0, January 2004" in license_
    assert "END OF TERMS AND CONDITIONS" in license_
    assert len(license_) == 11_358
