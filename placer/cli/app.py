"""The command line: commands, exit codes, and one line for whatever goes wrong.

Exit codes: those of `placer.errors`, 130 for Ctrl-C, 141 where the reader of a pipe went away,
74 where the disk is full, 70 for our bugs.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from placer.cli import (
    balance,
    breakeven,
    calibrate,
    catalog,
    compare,
    demand,
    explain,
    frontier,
    kv,
    kv_tiers,
    lower,
    plan,
    predict,
    replan,
    roofline,
    schema,
    sensitivity,
    simulate,
    traffic,
    verify,
)
from placer.cli.output import say
from placer.errors import InputError, MissingFiguresError, PlacerError

INTERRUPTED = 130
PIPE_CLOSED = 141
IO_FAILED = 74
INTERNAL = PlacerError.exit_code

#: One line per module of commands.
COMMANDS: tuple[Callable[[typer.Typer], None], ...] = (
    plan.register,
    verify.register,
    simulate.register,
    breakeven.register,
    sensitivity.register,
    compare.register,
    frontier.register,
    replan.register,
    explain.register,
    demand.register,
    lower.register,
    kv.register,
    kv_tiers.register,
    predict.register,
    roofline.register,
    traffic.register,
    balance.register,
    catalog.register,
    calibrate.register,
    schema.register,
)

# Typer carries its own click, or the installed one, depending on its version.
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]


def _print_version(asked: bool) -> None:  # noqa: FBT001 the signature is Typer's
    if asked:
        try:
            version = importlib.metadata.version("placer")
        except importlib.metadata.PackageNotFoundError:
            version = "(not installed)"
        typer.echo(f"placer {version}")
        raise typer.Exit


def build_app() -> typer.Typer:
    """Return the app with all commands."""
    app = typer.Typer(
        name="placer",
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback(invoke_without_command=True)(_root)
    for register in COMMANDS:
        register(app)
    return app


def _root(
    context: typer.Context,
    *,
    version: Annotated[  # noqa: ARG001 acts through its callback
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
    debug: Annotated[  # noqa: ARG001 read in main, so that it covers the parsing too
        bool, typer.Option("--debug", help="Show a traceback when something fails (or PLACER_DEBUG=1).")
    ] = False,
) -> None:
    """Place LLM inference on mixed fleets, with a proven bound and an independent check."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code.

    Parameters
    ----------
    arguments
        Without the program's name; those of the process where absent.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run(list(given))
        sys.stdout.flush()
    except BaseException as error:
        if isinstance(error, SystemExit | GeneratorExit):
            raise
        return _report(error, given)
    return code


def _run(arguments: list[str]) -> int:
    command = typer.main.get_command(build_app())
    try:
        with command.make_context("placer", arguments) as context:
            command.invoke(context)
    except typer.Exit as exit_:
        return exit_.exit_code
    return 0


def _report(error: BaseException, arguments: Sequence[str]) -> int:
    """Say on standard error what went wrong, in one line, and one per missing figure; return the exit code."""
    if isinstance(error, BrokenPipeError):
        _discard_output()
        return PIPE_CLOSED
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        say("error", "interrupted")
        return INTERRUPTED
    if "--debug" in arguments or os.environ.get("PLACER_DEBUG", "0") not in {"", "0"}:
        traceback.print_exception(error)
    if isinstance(error, _UsageError):
        say("error", f"{getattr(error, 'message', '') or error} (see `placer --help`)")
        return InputError.exit_code
    if isinstance(error, PlacerError):
        say("internal error" if error.exit_code == INTERNAL else "error", str(error))
        for field, wanted in error.figures if isinstance(error, MissingFiguresError) else ():
            say("missing", f"{field}: {wanted}")
        return error.exit_code
    if isinstance(error, OSError):
        _discard_output()
        say("error", f"input or output failed: {error.strerror or error}")
        return IO_FAILED
    say("internal error", f"{type(error).__name__}: {error} (PLACER_DEBUG=1 shows where)")
    return INTERNAL


def _discard_output() -> None:
    # What is still buffered can never be written; without this, Python complains about it on the way out.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
