"""Rows of the survey that commands decide, or nothing does: read from ``docs/claims.md``."""

from __future__ import annotations

import re
from collections.abc import Collection

from benchmarks.studies import render

SECTION = re.compile(r"^### (?P<ids>[AB]\d+(?:, [AB]\d+)*): (?P<claim>.+?): (?P<verdict>[^:\n]+)$", re.MULTILINE)
ROW = re.compile(r"^\| (?P<ids>[AB]\d+) \| (?P<claim>[^|]+) \| (?P<verdict>[^|]+) \|", re.MULTILINE)


def elsewhere(page: str, decided: Collection[str]) -> list[tuple[str, str, str]]:
    """Return id, claim and verdict of the rows of a page that are not decided already.

    Parameters
    ----------
    page
        The text of ``docs/claims.md``.
    decided
        Ids to leave out.
    """
    rows = []
    for pattern in (SECTION, ROW):
        for match in pattern.finditer(page):
            ids = [name for name in match["ids"].split(", ") if name not in decided]
            rows += [(name, match["claim"].strip(), match["verdict"].strip()) for name in ids]
    return sorted(rows, key=lambda row: (row[0][0], int(row[0][1:])))


def elsewhere_section(page: str, decided: Collection[str]) -> list[str]:
    """Return the lines of the section that lists them."""
    lines = ["## Decided by commands", ""]
    lines += ["Arithmetic, and what one command shows; the commands and their output are in [claims](claims.md).", ""]
    return lines + render.table(("", "claim", "verdict"), elsewhere(page, decided))
