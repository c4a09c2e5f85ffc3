"""Field types of the catalog: written with a unit, held in SI base units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from placer.errors import UnitError
from placer.units import Dimension, exact_text, parse_quantity


def _parser(dimension: Dimension) -> Callable[[Any], float]:
    def parse(text: Any) -> float:
        try:
            return parse_quantity(text, dimension)
        except UnitError as error:
            raise ValueError(error.message) from error

    return parse


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError("expected more than zero")
    return value


def _schema(dimension: Dimension) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": str(dimension)})


Bytes = Annotated[
    float,
    BeforeValidator(_parser(Dimension.BYTES)),
    PlainSerializer(lambda value: exact_text(value, "B"), return_type=str),
    _schema(Dimension.BYTES),
]
BytesPerSecond = Annotated[
    float,
    BeforeValidator(lambda text: _positive(_parser(Dimension.BYTES_PER_SECOND)(text))),
    PlainSerializer(lambda value: exact_text(value, "B/s"), return_type=str),
    _schema(Dimension.BYTES_PER_SECOND),
]
FlopPerSecond = Annotated[
    float,
    BeforeValidator(lambda text: _positive(_parser(Dimension.FLOP_PER_SECOND)(text))),
    PlainSerializer(lambda value: exact_text(value, "FLOP/s"), return_type=str),
    _schema(Dimension.FLOP_PER_SECOND),
]
Seconds = Annotated[
    float,
    BeforeValidator(_parser(Dimension.SECONDS)),
    PlainSerializer(lambda value: exact_text(value, "s"), return_type=str),
    _schema(Dimension.SECONDS),
]
Watts = Annotated[
    float,
    BeforeValidator(_parser(Dimension.WATTS)),
    PlainSerializer(lambda value: exact_text(value, "W"), return_type=str),
    _schema(Dimension.WATTS),
]
UsdPerHour = Annotated[
    float,
    BeforeValidator(_parser(Dimension.USD_PER_HOUR)),
    PlainSerializer(lambda value: exact_text(value, "USD/h"), return_type=str),
    _schema(Dimension.USD_PER_HOUR),
]
Usd = Annotated[
    float,
    BeforeValidator(_parser(Dimension.USD)),
    PlainSerializer(lambda value: exact_text(value, "USD"), return_type=str),
    _schema(Dimension.USD),
]
UsdPerKwh = Annotated[
    float,
    BeforeValidator(_parser(Dimension.USD_PER_KWH)),
    PlainSerializer(lambda value: exact_text(value, "USD/kWh"), return_type=str),
    _schema(Dimension.USD_PER_KWH),
]
Years = Annotated[
    float,
    BeforeValidator(lambda text: _positive(_parser(Dimension.YEARS)(text))),
    PlainSerializer(lambda value: exact_text(value, "years"), return_type=str),
    _schema(Dimension.YEARS),
]


#: An efficiency: achieved over peak, in (0, 1].
Efficiency = Annotated[float, Field(gt=0, le=1, strict=True)]
#: A share of a whole, in [0, 1).
Share = Annotated[float, Field(ge=0, lt=1, strict=True)]
