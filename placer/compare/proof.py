"""What two bounds say about two prices.

A plan's bound is below every answer to its own question. Of two questions it says more where one allows all that the
other allows: then the wider one's bound holds for both, and the narrower one's plan is an answer to both.
"""

from __future__ import annotations

from dataclasses import dataclass

from placer.compare.price import OUTPUT, REQUEST
from placer.compare.subject import Subject
from placer.plan.comparison import PriceBasis, ProofComparison, QuestionComparison, Relation, Standing

_NOISE = 1e-9


@dataclass(frozen=True)
class _Sides:
    """Prices and bounds of both [USD]."""

    price: tuple[float, float]
    bound: tuple[float, float]
    per: str

    def swapped(self) -> _Sides:
        return _Sides((self.price[1], self.price[0]), (self.bound[1], self.bound[0]), self.per)


def compare_proofs(a: Subject, b: Subject, question: QuestionComparison) -> ProofComparison:
    """Return whether the difference of two plans is proven."""
    reason = _why_not(a, b, question)
    if reason:
        return nothing_compared(reason)
    per = REQUEST if a.is_service else OUTPUT
    sides = _Sides((a.price, b.price), (a.bound, b.bound), per)
    match question.relation:
        case Relation.SAME:
            standing, text = _same(sides)
        case Relation.A_WIDER:
            standing, text = _wider(sides.swapped(), "b", "a")
        case Relation.B_WIDER:
            standing, text = _wider(sides, "a", "b")
        case Relation.OTHER:
            standing, text = _apart(sides)
    return ProofComparison(
        standing=standing,
        per=per,
        a_bound_usd=a.bound,
        b_bound_usd=b.bound,
        saving_usd=_saving(sides, standing),
        text=text,
    )


def nothing_compared(reason: str) -> ProofComparison:
    """Return that proofs are not compared, and why."""
    return ProofComparison(
        standing=Standing.NOT_COMPARED, per=None, a_bound_usd=None, b_bound_usd=None, saving_usd=None, text=reason
    )


def _why_not(a: Subject, b: Subject, question: QuestionComparison) -> str:
    if question.prices is PriceBasis.OTHER_BASIS:
        return "prices have other bases, so bounds cannot be compared either"
    if question.decode_only:
        return "one plans decode only; what is proven of a whole service is not proven of its decode"
    if a.plan.robust or b.plan.robust:
        return "a plan for several routings is bounded for their mixture, not for what was asked"
    return ""


def _saving(sides: _Sides, standing: Standing) -> float | None:
    if standing is Standing.A_CHEAPER:
        return sides.bound[1] - sides.price[0]
    return sides.bound[0] - sides.price[1] if standing is Standing.B_CHEAPER else None


def _below(first: float, second: float) -> bool:
    """Return whether a figure is lower by more than rounding."""
    return first < second * (1.0 - _NOISE)


def _usd(value: float, per: str) -> str:
    return f"${value:.4g} a {per}"


def _same(sides: _Sides) -> tuple[Standing, str]:
    low, high = max(sides.bound), min(sides.price)
    if _below(high, low):
        return Standing.CONTRADICTION, (
            f"the question is the same, yet one plan costs {_usd(high, sides.per)} and the other's bound is "
            f"{_usd(low, sides.per)}: one of the two is wrong"
        )
    above = [
        f"{name}'s plan at most {price / low - 1:.2%}" for name, price in zip("ab", sides.price, strict=True) if low
    ]
    text = f"the question is the same, so both bounds hold for both plans: its optimum lies between ${low:.4g} and "
    return Standing.SAME_OPTIMUM, text + _usd(high, sides.per) + (f"; above it are {', '.join(above)}" if above else "")


def _wider(sides: _Sides, narrow: str, wide: str) -> tuple[Standing, str]:
    """Return what is proven where the second question allows every answer to the first."""
    price, bound, per = sides.price, sides.bound, sides.per
    head = f"{wide}'s question allows every answer to {narrow}'s, at no higher price"
    if _below(price[0], bound[1]):
        return Standing.CONTRADICTION, (
            f"{head}, yet {narrow}'s plan costs less than {wide}'s bound {_usd(bound[1], per)}: one of the two is wrong"
        )
    if _below(price[1], bound[0]):
        standing = Standing.A_CHEAPER if wide == "a" else Standing.B_CHEAPER
        saving = bound[0] - price[1]
        return standing, (
            f"{head}; what it allows beyond saves {_usd(saving, per)} ({saving / bound[0]:.1%}) or more: proven, since "
            f"no answer to {narrow}'s question costs less than {_usd(bound[0], per)}"
        )
    low = max(bound)
    if not _below(price[1], price[0]):
        return Standing.UNDECIDED, (
            f"{head}, so {narrow}'s plan, which costs no more, is the better answer to both; the optima lie above "
            f"{_usd(bound[1], per)} ({wide}) and {_usd(low, per)} ({narrow})"
        )
    return Standing.UNDECIDED, (
        f"{head}; whether that saves anything is not decided by the proofs: {narrow}'s optimum may be as low as "
        f"{_usd(low, per)}, and {wide}'s plan costs {_usd(price[1], per)}"
    )


def _apart(sides: _Sides) -> tuple[Standing, str]:
    """Return what is proven where neither question allows all that the other does: only which price is the lower."""
    price, bound, per = sides.price, sides.bound, sides.per
    for first, second, standing in ((0, 1, Standing.A_CHEAPER), (1, 0, Standing.B_CHEAPER)):
        if _below(price[first], bound[second]):
            cheap, dear = "ab"[first], "ab"[second]
            return standing, (
                f"the questions differ and neither allows all that the other does; still no answer to {dear}'s costs "
                f"less than {_usd(bound[second], per)}, which is more than {cheap}'s plan costs: proven"
            )
    return Standing.UNDECIDED, (
        f"the questions differ and neither allows all that the other does; which of them can be answered for less is "
        f"not decided by the proofs: a's optimum is ${bound[0]:.4g} to ${price[0]:.4g}, b's ${bound[1]:.4g} to "
        f"{_usd(price[1], per)}"
    )
