"""Frontiers as pictures: interactivity against what it costs, on the axes the industry uses.

Drawn with Matplotlib, an extra. Colours, lines and words are of middle lightness on no background, so that a picture
reads on white and on black.
"""

from __future__ import annotations

import importlib.util
import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from placer.errors import InputError, nearest_hint
from placer.files import write_atomic
from placer.plan.frontier import Frontier, FrontierPoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colours that the colour-blind can tell apart, each with a contrast above 3 on white and on black (Okabe and Ito's).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#b5628f", "#8a6d00", "#5f7fbf", "#7a7a7a", "#c0392b")
INK = "#7d7d7d"
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
#: Kinds of pictures, by the ending of their names.
FORMATS = ("svg", "png", "pdf")
#: Size of one panel [inch], and dots per inch of a PNG.
PANEL_INCHES, DPI = (4.6, 3.7), 200
#: First digits of the ticks between powers of ten that are labelled, by whole decades that an axis spans.
MANTISSAS_BY_DECADES = ((2, 3, 4, 5, 6, 8), (2, 5), (3,), ())
#: Height of a label, as a share of a panel's; how far from its point it is, and how wide a letter, of its width.
LABEL_SPACE, LABEL_OFFSET, LETTER_WIDTH = 0.055, 0.02, 0.02
#: Where a label may stand, the best first: which end of it is at the point, and how much higher it is.
PLACES = tuple((side, rise) for rise in (0.0, 0.05, -0.05, 0.1, -0.1) for side in ("left", "right"))
#: Points of curves that a place may cover before the next one is better.
EFFORT = 3
#: A piece of a curve is looked at in so many points.
STEPS_OF_A_PIECE = 60

#: Left, right, bottom, top, as shares of a panel.
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Axis:
    """What a panel shows over interactivity: a figure of points, its name and unit, and whether bounds go with it."""

    figure: Callable[[FrontierPoint], float | None]
    label: str
    bound: Callable[[FrontierPoint], float | None] | None = None


#: Panels by name.
AXES = {
    "tokens-per-mw": Axis(lambda point: point.tokens_per_s_per_mw, "output tokens/s per MW"),
    "usd-per-million": Axis(
        lambda point: point.usd_per_million_tokens,
        "USD per million tokens",
        lambda point: point.bound_usd_per_million_tokens,
    ),
    "tokens-per-device": Axis(lambda point: point.tokens_per_s_per_device, "output tokens/s per device"),
}
STANDARD_AXES = ("tokens-per-mw", "usd-per-million")


def assert_format(path: Path) -> str:
    """Return the kind of picture a path names.

    Raises
    ------
    InputError
        If there is no such kind, or Matplotlib is not installed.
    """
    kind = path.suffix.removeprefix(".").lower()
    if kind not in FORMATS:
        raise InputError(
            f"expected a name that ends in .{', .'.join(FORMATS)}{nearest_hint(kind, FORMATS)}", where=str(path)
        )
    if importlib.util.find_spec("matplotlib") is None:
        raise InputError("pictures need Matplotlib; expected pip install 'placer[chart]'", where=str(path))
    return kind


def save_chart(frontier: Frontier, path: Path, axes: Sequence[str] = STANDARD_AXES, title: str = "") -> None:
    """Draw a frontier and write it; the kind of file follows from its name.

    Raises
    ------
    InputError
        As `assert_format`; if an axis is unknown, nothing can be drawn, or the file cannot be written.
    """
    kind = assert_format(path)
    for name in axes:
        if name not in AXES:
            raise InputError(f"expected one of {', '.join(AXES)}, got {name!r}{nearest_hint(name, AXES)}", where="axes")
    import matplotlib as mpl  # noqa: PLC0415

    # The same picture byte for byte: no date, and names of shapes that do not change.
    with mpl.rc_context({"svg.hashsalt": "placer", "font.size": 9.5}):
        figure = _figure(frontier, [AXES[name] for name in axes], title)
        drawn = io.BytesIO()
        metadata: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
        figure.savefig(drawn, format=kind, dpi=DPI, transparent=True, metadata=metadata)
    write_atomic(path, drawn.getvalue())


def _figure(frontier: Frontier, axes: Sequence[Axis], title: str) -> Figure:
    from matplotlib.figure import Figure  # noqa: PLC0415

    width, height = PANEL_INCHES
    figure = Figure(figsize=(width * len(axes), height + (0.25 if title else 0.0)), layout="constrained")
    panels = figure.subplots(1, len(axes), squeeze=False)[0]
    for axis, panel in zip(axes, panels, strict=True):
        _draw(panel, axis, frontier)
    if title:
        figure.suptitle(title, color=INK, fontsize=10.5)
    return figure


def _draw(panel: Axes, axis: Axis, frontier: Frontier) -> None:
    panel.set_xscale("log")
    panel.set_yscale("log")
    ends: list[tuple[float, float, str, str]] = []
    for number, curve in enumerate(frontier.curves):
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        points = [point for point in frontier.of(curve) if axis.figure(point) and point.tokens_per_s_per_user]
        if not points:
            continue
        # A plan that serves several targets is one point, at the speed it reaches.
        at = dict(sorted((point.tokens_per_s_per_user or 0.0, point) for point in points if point.is_pareto))
        speeds, figures = list(at), [axis.figure(point) or 0.0 for point in at.values()]
        panel.plot(speeds, figures, color=colour, marker=marker, markersize=3.5, linewidth=1.6)
        if axis.bound is not None:
            bounds = [axis.bound(point) or figure for point, figure in zip(at.values(), figures, strict=True)]
            panel.fill_between(speeds, bounds, figures, color=colour, alpha=0.2, linewidth=0)
        ends.append((speeds[-1], figures[-1], curve, colour))
    whole = any(point.usd_per_million_input_tokens is not None for point in frontier.points)
    _style(panel, axis.label if axis.bound is None else f"{axis.label}, {'input and output' if whole else 'output'}")
    _label(panel, ends)


def _style(panel: Axes, label: str) -> None:
    from matplotlib.ticker import FuncFormatter  # noqa: PLC0415

    panel.set_xlabel("interactivity, tokens/s per user", color=INK)
    panel.set_ylabel(label, color=INK)
    panel.grid(visible=True, which="major", color=INK, alpha=0.35, linewidth=0.7)
    panel.grid(visible=True, which="minor", color=INK, alpha=0.15, linewidth=0.5)
    panel.tick_params(which="both", colors=INK, labelsize=8.5)
    for side in (panel.xaxis, panel.yaxis):
        low, high = side.get_view_interval()
        shown = MANTISSAS_BY_DECADES[min(int(math.log10(high / low)), len(MANTISSAS_BY_DECADES) - 1)]
        side.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
        side.set_minor_formatter(FuncFormatter(lambda value, _, shown=shown: tick(value, shown)))
    for name in ("top", "right"):
        panel.spines[name].set_visible(False)
    for name in ("left", "bottom"):
        panel.spines[name].set_color(INK)


def tick(value: float, mantissas: Sequence[int] = range(1, 10)) -> str:
    """Return the label of a tick, short; nothing where its first digit is none of those to be shown.

    >>> tick(20000.0), tick(2000.0), tick(0.05), tick(3e6), tick(300.0, (1, 2, 5))
    ('20k', '2,000', '0.05', '3M', '')
    """
    first = round(value / 10.0 ** math.floor(math.log10(value) + 1e-9))
    if first not in mantissas:
        return ""
    for size, name in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= size * (1.0 - 1e-9):
            return f"{value / min(size, 1e3 if name == 'k' else size):g}{name}"
    return f"{value:,.0f}" if value >= 1.0 else f"{value:.3g}"


def _label(panel: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Write the name of every curve near its fastest point, where it covers the least of curves and other names."""
    to_share = panel.transAxes.inverted().transform
    lines = [to_share(panel.transData.transform(line.get_xydata())).tolist() for line in panel.lines]
    inked = [spot for line in lines for spot in _along(line)]
    placed: list[Box] = []
    for x, y, name, colour in sorted(ends, reverse=True):
        at_x, at_y = to_share(panel.transData.transform((x, y))).tolist()
        at = (at_x, at_y)
        boxes = [(_box(at, name, place), place) for place in PLACES]
        covered = [_covered(box, inked, placed) + EFFORT * number for number, (box, _) in enumerate(boxes)]
        box, (side, rise) = boxes[covered.index(min(covered))]
        placed.append(box)
        panel.annotate(
            name,
            at,
            xycoords="axes fraction",
            xytext=(box[1] if side == "right" else box[0], at[1] + rise),
            textcoords="axes fraction",
            color=colour,
            fontsize=9,
            ha=side,
            va="center",
            annotation_clip=False,
        )


def _along(corners: Sequence[Sequence[float]]) -> Iterator[tuple[float, float]]:
    """Yield points along a line of straight pieces."""
    for (x0, y0), (x1, y1) in pairwise(corners):
        for step in range(STEPS_OF_A_PIECE):
            share = step / STEPS_OF_A_PIECE
            yield x0 + share * (x1 - x0), y0 + share * (y1 - y0)


def _box(at: tuple[float, float], name: str, place: tuple[str, float]) -> Box:
    """Return left, right, bottom and top of a name at a place; ``place`` says which end of it is at the point."""
    side, rise = place
    width = LETTER_WIDTH * len(name)
    left = at[0] + LABEL_OFFSET if side == "left" else at[0] - LABEL_OFFSET - width
    return left, left + width, at[1] + rise - LABEL_SPACE / 2, at[1] + rise + LABEL_SPACE / 2


def _covered(box: Box, inked: Sequence[tuple[float, float]], placed: Sequence[Box]) -> float:
    """Return how bad a place is: points of curves under it, other names above all, what leaves the panel."""
    left, right, bottom, top = box
    covered = sum(left <= x <= right and bottom <= y <= top for x, y in inked)
    names = sum(left < other[1] and other[0] < right and bottom < other[3] and other[2] < top for other in placed)
    return covered + 1e3 * names + 1e3 * (bottom < 0.0 or top > 1.0 or left < 0.0)
