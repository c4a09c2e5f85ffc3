"""The difference of two plans in a sentence."""

from __future__ import annotations

from placer.compare.price import kv_devices
from placer.compare.subject import Subject
from placer.plan.comparison import Decomposition, PriceBasis, PriceFactor, QuestionComparison, Relation
from placer.plan.plan import Plan, Status
from placer.units import format_seconds

#: Ratios this close to one are not worth a word.
_EVEN = 5e-3
_OPS_NAMED = 2
#: Ratios this close to one differ by rounding only.
_SAME = 1e-9
#: Changes of a step below this share of it are not worth a word.
_NOTHING = 1e-3


def ratio_text(value: float) -> str:
    """Return a ratio with three digits after what is equal.

    >>> ratio_text(1.2345), ratio_text(0.51388), ratio_text(1.00012)
    ('1.23', '0.514', '1.0001')
    """
    return f"{value:.4f}" if abs(value - 1.0) < 1e-2 else f"{value:.3g}"


def price_sentence(price: Decomposition, a: Subject, b: Subject) -> str:
    """Return what one plan costs over the other, and why: rent, users, step, and the rest where it differs."""
    head = f"b costs ${price.b_usd:.4g} a {price.per}, a ${price.a_usd:.4g}: {ratio_text(price.ratio)} times as much"
    if abs(price.ratio - 1.0) < _SAME:
        head = f"both cost ${price.a_usd:.4g} a {price.per}"
    factors = {factor.name: factor for factor in price.factors}
    rent = factors["rent"].ratio
    sold = rent / price.ratio
    reasons = [text for factor in price.factors if (text := _reason(factor, a, b))]
    if abs(price.ratio - 1.0) < _SAME and not reasons:
        return f"{head}, for the same rent and as much work"
    rents = "the same rent" if abs(rent - 1.0) < _SAME else f"{ratio_text(rent)} times the rent"
    return f"{head}, since {rents} pays for {ratio_text(sold)} times the work" + (
        f": {', '.join(reasons)}" if reasons else ""
    )


def _reason(factor: PriceFactor, a: Subject, b: Subject) -> str:
    """Return what is said of a factor other than rent; nothing where it is the same in both."""
    if factor.name == "rent" or abs(factor.b / factor.a - 1.0) < _EVEN:
        return ""
    ratio = ratio_text(factor.b / factor.a)
    match factor.name:
        case "users at once":
            shapes = [
                f"{side.metrics.users / kv_devices(side):.4g} on each of {kv_devices(side):,} devices in {name}"
                for name, side in (("a", a), ("b", b))
            ]
            return f"{ratio} times the users at once ({', '.join(shapes)}{_full(a, b)})"
        case "step time":
            parts = sorted(factor.parts, key=lambda part: -abs(part.usd))[:_OPS_NAMED]
            named = [
                f"{part.name.partition(' (')[0]} {_signed_s(part.b - part.a)}"
                for part in parts
                if abs(part.b - part.a) > _NOTHING * factor.a
            ]
            return f"steps {ratio} times as long ({', '.join(named)})"
    return f"{ratio} times the {factor.name}"


def _full(a: Subject, b: Subject) -> str:
    """Return in which plan memory is full: there no more users fit."""
    kinds = [[limit for limit in side.plan.binding if limit.startswith("memory: ")] for side in (a, b)]
    named = [f"; {' and '.join(full)} is full in {name}" for name, full in zip("ab", kinds, strict=True) if full]
    return "".join(named).replace("memory: ", "")


def _signed_s(value: float) -> str:
    return f"{'-' if value < 0 else '+'}{format_seconds(abs(value))}"


def question_sentence(question: QuestionComparison) -> str:
    """Return how the questions are related, in a sentence."""
    count = sum(each.effect != "none" for each in question.differences)
    head = {
        Relation.SAME: "both answer the same question",
        Relation.A_WIDER: "a's question allows every answer to b's, at no higher price",
        Relation.B_WIDER: "b's question allows every answer to a's, at no higher price",
        Relation.OTHER: f"the questions differ in {count} field{'s' if count > 1 else ''}, and neither allows all that "
        "the other does",
    }[question.relation]
    parts = [head]
    if not question.same_model:
        parts.append("the models differ")
    if question.prices is PriceBasis.OTHER_BASIS:
        parts.append("PRICES HAVE OTHER BASES: dollars are not compared")
    elif question.prices is PriceBasis.OTHER_FIGURES:
        parts.append("the same devices are priced differently")
    if question.decode_only:
        parts.append("one plans decode only: prices are those of decode in both")
    return "; ".join(parts)


def refusal_sentence(a: Plan, b: Plan) -> str:
    """Return what is said where at least one side is no plan."""
    return "; ".join(f"{name} {_said(plan)}" for name, plan in (("a", a), ("b", b)))


def _said(plan: Plan) -> str:
    if plan.status is Status.PLANNED:
        return "is a plan"
    if plan.status is Status.UNDECIDED:
        return "ran out of time without a plan"
    reason = plan.refusal.reason if plan.refusal else "no reason given"
    return f"is proven infeasible ({reason})"
