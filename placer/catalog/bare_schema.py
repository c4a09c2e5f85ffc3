"""JSON Schema of models that leave absent fields out when written: the fields, which a serializer of its own hides."""

from __future__ import annotations

from typing import Any


def without_serializer(core_schema: Any) -> Any:
    """Return a core schema of pydantic, and what its validators wrap, less the serializers."""
    bare = {name: value for name, value in core_schema.items() if name != "serialization"}
    is_wrapped = str(bare["type"]).startswith("function-")
    return bare | {"schema": without_serializer(bare["schema"])} if is_wrapped else bare
