"""A model in our own schema, as a catalog entry: what ``placer lower --save`` writes."""

from __future__ import annotations

import yaml

from placer.errors import ModelConfigError
from placer.graph.model_graph import ModelGraph
from placer.graph.totals import totals
from placer.model.spec import ExpectedParameters, ModelSpec


def checked(model: ModelGraph, expected: ExpectedParameters) -> ExpectedParameters:
    """Return counts from elsewhere if the lowering reproduces them.

    Raises
    ------
    ModelConfigError
        If it does not.
    """
    found = totals(model, 1)
    for name, wanted, counted in (
        ("total", expected.total, found.parameters),
        ("active", expected.active, found.active_parameters),
    ):
        if wanted is not None and wanted != counted:
            raise ModelConfigError(f"{counted:,} parameters lowered, {wanted:,} expected", where=f"expected.{name}")
    return expected


def render_model_file(spec: ModelSpec) -> str:
    """Return a model as YAML, defaults left out."""
    raw = spec.model_dump(mode="json", exclude_defaults=True)
    for section, blocks in (("mixers", spec.mixers), ("ffns", spec.ffns)):
        raw[section] = {name: {"kind": block.kind} | raw[section][name] for name, block in blocks.items()}
    text: str = yaml.safe_dump(raw, sort_keys=False, width=1_000, allow_unicode=True)
    return text
