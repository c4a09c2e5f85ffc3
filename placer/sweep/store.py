"""Answers kept in one SQLite file, so that what was solved once is never solved again."""

from __future__ import annotations

import os
import sqlite3
import zlib
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from placer.errors import InputError
from placer.plan.plan import Plan
from placer.sweep.question import Question

#: Version of the tables, in the file's ``user_version``.
TABLES_VERSION = 1
#: How long to wait for another process that writes [s].
PATIENCE_S = 30.0

_TABLES = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    question TEXT NOT NULL,
    plan BLOB NOT NULL,
    wall_s REAL NOT NULL,
    written TEXT NOT NULL
) WITHOUT ROWID
"""


def default_store_path() -> Path:
    """Return where answers are kept unless told otherwise: ``PLACER_CACHE``, else the user's cache folder."""
    if given := os.environ.get("PLACER_CACHE"):
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "placer" / "answers.sqlite"


class Store:
    """Answers by the keys of their questions; several processes may use one file.

    An answer is there whole or not at all, whatever happens to the process that writes it.

    Parameters
    ----------
    path
        The file; it and its folder are made where they are absent.

    Raises
    ------
    InputError
        If the file is no such store, is damaged, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(path, timeout=PATIENCE_S)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=NORMAL")
            (version,) = self._base.execute("PRAGMA user_version").fetchone()
            if version not in {0, TABLES_VERSION}:
                raise InputError(f"expected tables of version {TABLES_VERSION}, got {version}", where=str(path))
            with self._base:
                self._base.execute(_TABLES)
                self._base.execute(f"PRAGMA user_version={TABLES_VERSION}")
        except (OSError, sqlite3.Error) as error:
            raise InputError(f"cannot be used to keep answers: {error}", where=str(path)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def __len__(self) -> int:
        (number,) = self._base.execute("SELECT COUNT(*) FROM answers").fetchone()
        return int(number)

    def get(self, question: Question) -> Plan | None:
        """Return the answer of a question; None if there is none yet.

        Raises
        ------
        InputError
            If the file is damaged.
        """
        try:
            row = self._base.execute("SELECT plan FROM answers WHERE key = ?", (question.key,)).fetchone()
            return None if row is None else Plan.model_validate_json(zlib.decompress(row[0]))
        except (sqlite3.Error, zlib.error, ValueError) as error:
            raise InputError(f"is damaged: {error}", where=str(self._path)) from error

    def put(self, question: Question, plan: Plan, wall_s: float) -> None:
        """Keep an answer; one that is there already stays.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        about = f"{question.scenario.model.name} on {question.scenario.fleet.name}"
        row = (
            question.key,
            f"{about} at {question.scenario.target.tokens_per_s_per_user:g} tokens/s/user",
            zlib.compress(plan.model_dump_json().encode()),
            wall_s,
            datetime.now(UTC).isoformat(timespec="seconds"),
        )
        try:
            with self._base:
                self._base.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?)", row)
        except sqlite3.Error as error:
            raise InputError(f"cannot be written: {error}", where=str(self._path)) from error
