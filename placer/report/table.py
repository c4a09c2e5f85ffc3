"""The look of every table."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table


def new_table(*columns: str, title: str = "") -> Table:
    """Return an empty table in the house style.

    Parameters
    ----------
    columns
        Headings; one that starts with ``>`` is of numbers, which are set to the right and never broken, one that starts
        with ``<`` of names, which are never broken.
    title
        Line above the table.
    """
    table = Table(
        box=SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        title=title or None,
        title_justify="left",
        title_style="",
    )
    for column in columns:
        if column.startswith(">"):
            table.add_column(column[1:], justify="right", no_wrap=True)
        elif column.startswith("<"):
            table.add_column(column[1:], no_wrap=True)
        else:
            table.add_column(column, overflow="fold")
    return table
