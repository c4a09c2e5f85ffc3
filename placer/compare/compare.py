"""Two plans side by side: the same question or not, what differs, why one is cheaper, what a move takes."""

from __future__ import annotations

from placer.compare.figures import byte_pairs, compare_binding, device_uses, figure_pairs, summary_of
from placer.compare.moving import moving_from
from placer.compare.price import decompositions
from placer.compare.proof import compare_proofs, nothing_compared
from placer.compare.question import compare_questions
from placer.compare.subject import Subject, assert_sound, subject_of
from placer.compare.time import busy_pairs, time_pairs
from placer.compare.words import price_sentence, question_sentence, ratio_text, refusal_sentence
from placer.plan.comparison import (
    BindingComparison,
    Comparison,
    PriceBasis,
    ProofComparison,
    QuestionComparison,
    Relation,
    Standing,
)
from placer.plan.plan import Plan, Status
from placer.plan.replanning import STORAGE_BYTES_PER_S
from placer.units import format_bytes

_NUMBERS = (
    "devices are taken as both plans number them; other numbers of replicas and groups may move less. Whoever receives "
    "weights does not pass them on, and serving traffic on the links is left out"
)
_STORAGE = "what nobody holds comes from storage, at {rate}/s a device: an assumption"
_SHARDS = "ranks are taken to hold consecutive parts of every matrix, so that other cuts keep what they share"


def compare_plans(a: Plan, b: Plan, labels: tuple[str, str] = ("a", "b")) -> Comparison:
    """Return what differs between two plans, and why one is cheaper.

    Parameters
    ----------
    a, b
        Plans, refusals or undecided searches, of any two questions.
    labels
        What messages and reports call them, such as the names of their files.

    Raises
    ------
    InputError
        If figures of a plan do not follow from its placement: `placer verify` says which.
    """
    for plan, label in zip((a, b), labels, strict=True):
        assert_sound(plan, label)
    question = compare_questions(a.scenario, b.scenario)
    sides = [subject_of(plan, label) for plan, label in zip((a, b), labels, strict=True)]
    summaries = [summary_of(plan, label) for plan, label in zip((a, b), labels, strict=True)]
    first, second = sides
    if first is None or second is None:
        return Comparison(
            verdict=f"{question_sentence(question)}; {refusal_sentence(a, b)}",
            a=summaries[0],
            b=summaries[1],
            question=question,
            proof=_refused(a, b, question),
            prices=(),
            figures=(),
            devices=(),
            memory=(),
            time=(),
            busy=(),
            binding=BindingComparison(both=(), only_a=(), only_b=()),
            moving=None,
            notes=(),
        )
    return _compared(first, second, question).model_copy(update={"a": summaries[0], "b": summaries[1]})


def _compared(a: Subject, b: Subject, question: QuestionComparison) -> Comparison:
    moving = moving_from(a, b, question)
    alike = (a.decode_alone(), b.decode_alone()) if question.decode_only else (a, b)
    has_usd = question.prices is not PriceBasis.OTHER_BASIS
    prices = decompositions(*alike) if has_usd else ()
    head = price_sentence(prices[0], *alike) if prices else _without_usd(*alike)
    return Comparison(
        verdict=f"{question_sentence(question)}. {head}",
        a=summary_of(a.plan, a.label),
        b=summary_of(b.plan, b.label),
        question=question,
        proof=compare_proofs(a, b, question),
        prices=prices,
        figures=figure_pairs(*alike, with_usd=has_usd),
        devices=device_uses(*alike),
        memory=byte_pairs(*alike),
        time=time_pairs(*alike),
        busy=busy_pairs(*alike),
        binding=compare_binding(a.plan, b.plan),
        moving=moving,
        notes=tuple(_notes(a, b, question, from_storage=bool(moving.storage_bytes))),
    )


def _without_usd(a: Subject, b: Subject) -> str:
    """Return what is said of two plans whose dollars cannot be compared."""
    pairs = (
        ("tokens/s", a.metrics.tokens_per_s, b.metrics.tokens_per_s),
        ("tokens/s of a user", a.metrics.tokens_per_s_per_user, b.metrics.tokens_per_s_per_user),
        ("joules a token", a.metrics.joules_per_token, b.metrics.joules_per_token),
    )
    return "b has " + ", ".join(f"{ratio_text(second / first)} times the {name}" for name, first, second in pairs)


def _notes(a: Subject, b: Subject, question: QuestionComparison, *, from_storage: bool) -> list[str]:
    notes = [_NUMBERS, _SHARDS]
    notes += [_STORAGE.format(rate=format_bytes(STORAGE_BYTES_PER_S))] if from_storage else []
    if question.decode_only:
        notes.append("figures, devices and bytes are those of the decoding replicas; a move is one of all devices")
    if a.plan.robust or b.plan.robust:
        notes.append("figures of a plan for several routings are those under their mixture")
    lengths = [(side.plan.scenario.workload.input_tokens, side.plan.scenario.workload.output_tokens) for side in (a, b)]
    if lengths[0] != lengths[1]:
        shown = [f"{isl:,} in, {osl:,} out" for isl, osl in lengths]
        notes.append(f"requests differ in length ({shown[0]}; {shown[1]}), so a request of b is another piece of work")
    return notes


def _refused(a: Plan, b: Plan, question: QuestionComparison) -> ProofComparison:
    """Return what a proof of infeasibility says of the other side."""
    proven = [plan.status is Status.INFEASIBLE for plan in (a, b)]
    planned = [plan.status is Status.PLANNED for plan in (a, b)]
    widest = {Relation.SAME: (0, 1), Relation.A_WIDER: (0,), Relation.B_WIDER: (1,), Relation.OTHER: ()}
    for side in widest[question.relation]:
        if proven[side] and planned[1 - side]:
            text = (
                f"{'ab'[side]} is said to be infeasible, yet {'ab'[1 - side]}'s plan is an answer to its question: one "
                "of the two is wrong"
            )
            return nothing_compared(text).model_copy(update={"standing": Standing.CONTRADICTION})
        if proven[side] and not planned[1 - side]:
            return nothing_compared(
                f"{'ab'[side]} is proven infeasible, and so is {'ab'[1 - side]}, whose question allows no more"
            )
    if question.relation in {Relation.A_WIDER, Relation.B_WIDER} and True in proven and True in planned:
        refused = "ab"[proven.index(True)]
        return nothing_compared(
            f"{refused} is proven infeasible; what {'ab'[widest[question.relation][0]]}'s question allows beyond makes "
            "a plan possible"
        )
    return nothing_compared("at least one side is no plan, so there are no two prices to compare")
