"""The frame of all commands: start-up, exit codes, one line for whatever goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
import typer

from placer.cli import app as app_module
from placer.errors import InternalError, VerificationError


def _python(repository, *arguments, **options):
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **options,
    )


@pytest.mark.parametrize("module", ["placer.cli.app", "placer.cli.lower", "placer.cli.catalog"])
def test_starting_up_loads_no_solver(repository, module):
    code = f"import sys, {module}; print([n for n in ('ortools', 'networkx', 'numpy') if n in sys.modules])"
    result = _python(repository, "-c", code)
    assert (result.stdout.strip(), result.stderr) == ("[]", "")


def test_lowering_loads_no_solver(repository):
    code = (
        "import sys; from placer.cli.app import main; code = main(['lower', 'llama-8b', '--json'])\n"
        "sys.exit(code or 'ortools' in sys.modules)"
    )
    assert _python(repository, "-c", code).returncode == 0


def test_the_three_ways_to_start_are_the_same(repository):
    script = "import sys; from placer.cli.app import main; sys.exit(main())"
    texts = {
        _python(repository, *start, "fleets", "--json").stdout
        for start in (("-m", "placer"), ("cli.py",), ("-c", script))
    }
    assert len(texts) == 1
    assert texts.pop().startswith("{")


def test_version_and_help(placer):
    version = placer("--version")
    assert version.code == 0
    assert version.out.startswith("placer ")
    for arguments in ((), ("--help",), ("-h",)):
        result = placer(*arguments)
        assert result.code == 0
        for command in ("lower", "fleets", "devices", "models", "schema"):
            assert f"  {command} " in result.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lowr",), "'lowr'"),
        (("lower",), "model"),
        (("fleets", "shwo"), "'shwo'"),
        (("--verbose",), "--verbose"),
        (("schema",), "name"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_2(placer, arguments, message):
    result = placer(*arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert message in result.err.casefold()
    assert result.err.count("\n") == 1


@pytest.fixture
def failing(monkeypatch):
    """Return a function that adds a command ``fail`` that raises an error."""

    def install(error):
        def command() -> None:
            raise error

        def register(app: typer.Typer) -> None:
            app.command("fail")(command)

        monkeypatch.setattr(app_module, "COMMANDS", (*app_module.COMMANDS, register))

    return install


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (VerificationError("no\nmatch"), 4, "error: no match"),
        (InternalError("a contradiction"), 70, "internal error: a contradiction"),
        (ZeroDivisionError("by zero"), 70, "internal error: ZeroDivisionError: by zero"),
        (RecursionError("too deep"), 70, "internal error: RecursionError: too deep"),
        (MemoryError(), 70, "internal error: MemoryError:"),
        (KeyboardInterrupt(), 130, "error: interrupted"),
        (typer.Abort(), 130, "error: interrupted"),
    ],
)
def test_every_failure_is_one_line_and_its_code(placer, failing, error, code, line):
    failing(error)
    result = placer("fail")
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(line)
    assert result.err.count("\n") == 1


def test_debug_shows_where(placer, failing, monkeypatch):
    failing(ZeroDivisionError("by zero"))
    assert "Traceback" not in placer("fail").err
    assert "Traceback" in placer("--debug", "fail").err
    monkeypatch.setenv("PLACER_DEBUG", "1")
    result = placer("fail")
    assert "Traceback" in result.err
    assert result.code == 70


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(("command", "num_lines"), [("lower deepseek-v3 --graphml", 1), ("fleets", 0)])
def test_a_reader_that_goes_away_is_no_error(repository, command, num_lines, unbuffered):
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "placer", *command.split()],
        cwd=repository,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    for _ in range(num_lines):
        process.stdout.readline()
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), error) == (141, b"")


def test_ctrl_c_ends_with_130(repository, tmp_path):
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [sys.executable, "-m", "placer", "lower", str(pipe), "-o", str(tmp_path / "out")],
        cwd=repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with pipe.open("w"):  # opens only once the command reads
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=60)
    assert (process.returncode, out, error) == (130, "", "error: interrupted\n")
    assert list(tmp_path.iterdir()) == [pipe]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")  # noqa: PTH110
def test_a_full_disk_is_said_in_one_line(repository):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        result = subprocess.run(
            [sys.executable, "-m", "placer", "fleets"],
            cwd=repository,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert result.returncode == 74
    assert result.stderr == "error: input or output failed: No space left on device\n"


def test_a_terminal_without_unicode_gets_plain_letters(repository):
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    for command in (("fleets",), ("lower", "llama-8b"), ("devices", "show", "cs3")):
        result = _python(repository, "-m", "placer", *command, env=environment)
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.isascii()
