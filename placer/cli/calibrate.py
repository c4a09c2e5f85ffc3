"""``placer calibrate``: measure this machine, write it as a device, prove it on a real decoder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from placer.cli.output import emit, render, say

if TYPE_CHECKING:
    from placer.calibrate.measure import Progress


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("calibrate")(calibrate_command)


def calibrate_command(  # noqa: PLR0913 one parameter per option
    *,
    output: Annotated[Path, typer.Option(metavar="FILE", help="Device file to write (YAML).")],
    device: Annotated[
        str | None, typer.Option(metavar="NAME", help="cpu or cuda; absent, CUDA where PyTorch sees it.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="CPU threads; absent, as PyTorch chooses.")
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Of the device; absent, the file's.")] = None,
    usd_per_hour: Annotated[
        float | None, typer.Option(metavar="USD", help="Rent; absent, a guess per thread or accelerator.")
    ] = None,
    price_basis: Annotated[str, typer.Option(metavar="NAME", help="What fleets call that rent.")] = "on_demand",
    watts: Annotated[
        float | None, typer.Option(metavar="W", help="Power; absent, a guess per thread or accelerator.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Measure fewer blocks, less often.")] = False,
    prove: Annotated[bool, typer.Option("--prove/--no-prove", help="Run a real decoder and compare.")] = True,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure this machine with PyTorch and write it as a device file; minutes, quick one."""
    from placer.calibrate.backend import load_backend, load_module
    from placer.calibrate.calibrate import Request, calibrate
    from placer.calibrate.device_file import Money, check_request, write_device

    money = Money(usd_per_hour, watts, price_basis)
    check_request(output, money)
    backend = load_backend(device, threads)
    load_module("transformers")
    request = Request(name or output.stem, money, is_quick=quick, is_proved=prove)
    with measuring_line(is_quiet=json_) as progress:
        result = calibrate(backend, request, progress=progress)
    write_device(output, result.device, result.calibration)
    if json_:
        emit(result.to_json(), None)
        return
    from placer.report.calibration import render_calibration

    render(render_calibration(result))
    say("note", f"{output} written")


@contextmanager
def measuring_line(*, is_quiet: bool) -> Iterator[Progress]:
    """Give a sink that says what is being measured, in one line kept up to date; silent without a terminal."""
    from placer.calibrate.measure import ignore

    if is_quiet or not sys.stderr.isatty():
        yield ignore
        return
    console = Console(file=sys.stderr, highlight=False)
    with console.status("starting", spinner="dots") as status:
        yield lambda what, done, total: status.update(f"measuring, {what}: {done:,} of {total:,}")
