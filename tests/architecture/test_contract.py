"""Imports only point down, and the contract that says so bites."""

import shutil
import subprocess
import sys

import pytest

LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


def _lint(folder):
    environment = {"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}
    return subprocess.run(
        [sys.executable, "-c", LINT], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_imports_only_point_down(repository):
    done = _lint(repository)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("verify/finding.py", "import placer.search.params", "The verifier shares no code with the search"),
        ("verify/finding.py", "import placer.cost.money", "The verifier shares no code with the search"),
        ("plan/metrics.py", "import placer.planner.verdict", "Imports only point down"),
        ("report/table.py", "import ortools", "OR-Tools is imported by search and balance only"),
        ("planner/verdict.py", "import rich", "Typer and rich stay in cli and report"),
    ],
)
def test_a_forbidden_import_breaks_the_contract(repository, tmp_path, module, line, broken):
    shutil.copytree(repository / "placer", tmp_path / "placer", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(repository / ".importlinter", tmp_path)
    file = tmp_path / "placer" / module
    file.write_text(f"{file.read_text()}\n{line}\n")
    done = _lint(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{broken} BROKEN" in done.stdout


def test_a_package_outside_the_map_breaks_the_contract(repository, tmp_path):
    shutil.copytree(repository / "placer", tmp_path / "placer", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(repository / ".importlinter", tmp_path)
    (tmp_path / "placer" / "utils.py").write_text('"""Nobody knows where this belongs."""\n')
    assert _lint(tmp_path).returncode == 1
