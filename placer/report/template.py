"""Templates of fleets: what they demand."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from placer.catalog.template import Template
from placer.report.table import new_table


def with_templates(fleets: RenderableType, templates: tuple[Template, ...]) -> Group:
    """Return the table of fleets, and below it the templates."""
    table = new_table("<template", "what it is", ">figures to fill in")
    for template in templates:
        table.add_row(template.name, template.title, str(len(template.demands)))
    note = "templates lack figures that nobody published; `placer fleets show NAME` says which"
    return Group(fleets, "", table, "", note)


def render_template(template: Template) -> Group:
    """Return a template: every figure it demands, and how to give them."""
    table = new_table("<figure", "what it is")
    for demand in template.demands:
        table.add_row(demand.field, demand.wanted)
    return Group(
        Text(f"{template.name}: {template.title}"),
        Text(f"a template: {len(template.demands)} figures are not public and must be yours"),
        "",
        table,
        "",
        *(Text(f"- {note}") for note in template.notes),
        Text(f"`placer fleets template {template.name} -o mine.yaml` writes it out; fill in, then --fleet mine.yaml"),
    )
