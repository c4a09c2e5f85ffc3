"""What sets two plans apart: questions, prices and where their difference comes from, proofs, what a move takes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.plan.moving import Moving
from placer.plan.plan import Status

Figure = Annotated[float, Field(allow_inf_nan=False)]
Ratio = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Effect(StrEnum):
    """What a difference between two questions does to the plans they allow.

    ``a-looser``: as far as this field goes, every plan that b's question allows is allowed by a's, at no higher price.
    """

    NONE = "none"
    A_LOOSER = "a-looser"
    B_LOOSER = "b-looser"
    OTHER = "other"


class Relation(StrEnum):
    """How two questions are related: every plan one of them allows is allowed by the wider one, at no higher price."""

    SAME = "same"
    A_WIDER = "a-wider"
    B_WIDER = "b-wider"
    OTHER = "other"


class PriceBasis(StrEnum):
    """Whether the dollars of two plans can be compared."""

    SAME = "same prices"
    OTHER_FIGURES = "other prices on the same basis"
    OTHER_BASIS = "other basis"


class FieldDifference(_Model):
    """One field of the question that differs; null where a side has no such field."""

    field: str = Field(description="where it stands in the scenario; pools, links and kernels by name")
    a: str | None = Field(description="value in a; null = there is none")
    b: str | None = Field(description="value in b; null = there is none")
    effect: Effect = Field(description="what it does to the plans that are allowed")


class QuestionComparison(_Model):
    """What differs in the questions; titles, notes and sources are left out."""

    relation: Relation = Field(description="whether they are the same, or one allows all that the other allows")
    same_model: bool = Field(description="whether both serve the same model with the same weights")
    prices: PriceBasis = Field(description="whether dollars can be compared")
    decode_only: bool = Field(description="whether one plans decode only, so that of the other decode is compared")
    differences: tuple[FieldDifference, ...] = Field(description="field by field")


class SideSummary(_Model):
    """One of the two answers."""

    label: str = Field(description="name of the file, or what the caller calls it")
    status: Status = Field(description="how planning ended")
    verdict: str = Field(description="the answer in one line, as the plan has it")
    mode: str = Field(description="how the service lies on the fleet; empty where only decode is planned")
    shapes: tuple[str, ...] = Field(description="groups: pool, stages x width, TP, DP, EP, who decodes and prefills")
    conflict: tuple[str, ...] = Field(default=(), description="of a refusal: limits that cannot hold together")
    nearest: tuple[str, ...] = Field(default=(), description="of a refusal: changes after which there is a plan")


class FigurePair(_Model):
    """One figure of both plans; null where a plan has none."""

    name: str = Field(description="name of the figure, as in the metrics of a plan")
    unit: str = Field(description="its unit; empty for a count or share")
    a: Figure | None = Field(description="in a")
    b: Figure | None = Field(description="in b")
    ratio: Figure | None = Field(description="b over a; null where a is zero or one is lacking")


class PricePart(_Model):
    """A part of a factor: a pool's rent, an op's share of the step."""

    name: str = Field(description="what it is")
    unit: str = Field(description="unit of both values")
    a: Figure = Field(description="value in a")
    b: Figure = Field(description="value in b")
    ratio: Ratio = Field(description="by how much it changes the price from a to b; parts multiply to their factor")
    usd: Figure = Field(description="its share of the difference of the prices; shares add up")


class PriceFactor(PricePart):
    """One factor of a price; all of them multiply to the ratio of the prices, b over a."""

    parts: tuple[PricePart, ...] = Field(default=(), description="what it consists of")


class Decomposition(_Model):
    """Where the difference of two prices comes from, exactly.

    ``price = rent / (3600 utilisation sold)`` per token that is sold, ``sold = users * tokens of a step / step time``
    less what prefill or demand leave unused. Sums are split with logarithmic means (``docs/compare.md``).
    """

    per: str = Field(description="what the price is of: request, million output tokens, million input tokens")
    a_usd: Figure = Field(description="price in a")
    b_usd: Figure = Field(description="price in b")
    ratio: Ratio = Field(description="b over a")
    difference_usd: Figure = Field(description="b less a")
    factors: tuple[PriceFactor, ...] = Field(
        description="they multiply to the ratio, their dollars add to the difference"
    )


class Standing(StrEnum):
    """What the bounds of two plans say about each other."""

    A_CHEAPER = "a cheaper, proven"
    B_CHEAPER = "b cheaper, proven"
    UNDECIDED = "not decided by the proofs"
    SAME_OPTIMUM = "one optimum"
    CONTRADICTION = "contradiction"
    NOT_COMPARED = "not compared"


class ProofComparison(_Model):
    """Whether the difference is one of the plans only, or proven of the questions."""

    standing: Standing = Field(description="what the proofs say")
    per: str | None = Field(description="what prices and bounds are of; null where they are not compared")
    a_bound_usd: Figure | None = Field(description="no answer to a's question costs less")
    b_bound_usd: Figure | None = Field(description="no answer to b's question costs less")
    saving_usd: Figure | None = Field(description="what is proven to be saved at least; null where nothing is")
    text: str = Field(description="in words")


class DeviceUse(_Model):
    """Devices of a pool by what they do."""

    pool: str = Field(description="pool")
    use: str = Field(description="decode, drafting, prefill, idle in rented units, or rented for all of them")
    a: Count = Field(description="devices in a")
    b: Count = Field(description="devices in b")


class BytesPair(_Model):
    """Bytes of one kind on all devices of a pool together, copies counted."""

    pool: str = Field(description="pool")
    tier: str = Field(description="memory tier")
    kind: str = Field(description="weights, experts, hot experts, KV cache, activations; of decode or of prefill")
    a_bytes: Figure = Field(description="in a, at full load")
    b_bytes: Figure = Field(description="in b, at full load")


class TimePair(_Model):
    """What a part of the step takes, or how long a resource is busy in it; null where a plan has no such thing."""

    name: str = Field(description="part of the step, or resource")
    a_s: Figure | None = Field(description="in a")
    b_s: Figure | None = Field(description="in b")


class BindingComparison(_Model):
    """Limits that are used (nearly) in full."""

    both: tuple[str, ...] = Field(description="in both plans")
    only_a: tuple[str, ...] = Field(description="in a only")
    only_b: tuple[str, ...] = Field(description="in b only")


class Comparison(_Model):
    """What ``placer compare --json`` prints: what differs between two plans, and why one is cheaper."""

    verdict: str = Field(description="the answer in one line")
    a: SideSummary = Field(description="the first plan")
    b: SideSummary = Field(description="the second plan")
    question: QuestionComparison = Field(description="what differs in the questions")
    proof: ProofComparison = Field(description="what is proven of the difference")
    prices: tuple[Decomposition, ...] = Field(
        description="where the difference of prices comes from; what is minimised first"
    )
    figures: tuple[FigurePair, ...] = Field(description="figures of both plans")
    devices: tuple[DeviceUse, ...] = Field(description="devices by pool and use")
    memory: tuple[BytesPair, ...] = Field(description="where bytes lie")
    time: tuple[TimePair, ...] = Field(description="where a step goes; the parts sum to the step time")
    busy: tuple[TimePair, ...] = Field(description="how long every resource is busy in a step")
    binding: BindingComparison = Field(description="limits that are used (nearly) in full")
    moving: Moving | None = Field(description="what moving from a to b takes; null unless both are plans")
    notes: tuple[str, ...] = Field(description="what is left out, and what was assumed")
