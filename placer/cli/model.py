"""The argument that names a model."""

from __future__ import annotations

from typing import Annotated

import typer

ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="Catalog id, alias, path of a config.json or model file.")
]
