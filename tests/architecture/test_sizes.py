"""Modules stay small enough to be read in one go; functions are ruff's business."""

import statistics

LONGEST, MEDIAN = 400, 120


def _lengths(repository):
    modules = {path: len(path.read_text().splitlines()) for path in (repository / "placer").rglob("*.py")}
    return {str(path.relative_to(repository)): lines for path, lines in modules.items() if lines}


def test_no_module_is_longer_than_400_lines(repository):
    assert not {path: lines for path, lines in _lengths(repository).items() if lines > LONGEST}


def test_the_median_module_has_at_most_120_lines(repository):
    assert statistics.median(_lengths(repository).values()) <= MEDIAN


def test_packages_do_not_re_export(repository):
    # A re-export in cost/__init__ would load what the verifier must not see, and no contract would notice.
    files = [path for path in (repository / "placer").rglob("__init__.py") if path.parent.name != "placer"]
    assert files
    assert not [path for path in files if path.read_text().strip()]
