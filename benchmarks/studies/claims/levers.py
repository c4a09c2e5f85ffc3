"""Claims about levers: formats, drafting, disaggregation, sparse attention, hot experts."""

from __future__ import annotations

from benchmarks.studies.ask import Ask
from benchmarks.studies.checks import costs_more
from benchmarks.studies.claim import Answers, Check, Claim, Verdict
from benchmarks.studies.claims import asked


def _gb200(**more: object) -> Ask:
    fields = {"model": asked.MOE, "fleet": asked.GB200, "tps_user": 68, "is_service": True, "gap": 0.03, "budget_s": 60}
    return Ask.model_validate(fields | more)


_PLAIN, _COLOCATED = _gb200(), _gb200(no=("disaggregated",))
_NVFP4 = _gb200(experts="nvfp4")
_MTP = _gb200(speculate="mtp", acceptance=0.85, max_draft=2)


def _levers(answers: Answers) -> tuple[Check, ...]:
    plain = answers[_PLAIN]
    return (
        costs_more("DeepSeek-V3 on GB200 at 68 tokens/s is dearer without disaggregation", answers[_COLOCATED], plain),
        costs_more("without experts in NVFP4", plain, answers[_NVFP4]),
        costs_more("without MTP", plain, answers[_MTP]),
    )


_FAST = {"tps_user": 100, "is_service": False, "gap": 0.02, "budget_s": 40}
_FAST_PLAIN, _FAST_NVFP4 = _gb200(**_FAST), _gb200(experts="nvfp4", **_FAST)
_FAST_MTP = _gb200(speculate="mtp", acceptance=0.85, max_draft=2, **_FAST)


def _three_times(answers: Answers) -> tuple[Check, ...]:
    return tuple(
        costs_more(f"DeepSeek-V3 on GB200 at {speed} tokens/s is 2.8 times as dear without {lever}", plain, pulled, 2.8)
        for speed, plain, lever, pulled in (
            (68, answers[_PLAIN], "MTP", answers[_MTP]),
            (68, answers[_PLAIN], "NVFP4", answers[_NVFP4]),
            (100, answers[_FAST_PLAIN], "MTP", answers[_FAST_MTP]),
            (100, answers[_FAST_PLAIN], "NVFP4", answers[_FAST_NVFP4]),
        )
    )


def _draft(tps_user: float, drafter: str | None, pool: str | None) -> Ask:
    """Return the question of a 32B on one Rubin and a tray of LPX, with and without drafts."""
    plain = Ask(model="qwen3-32b", fleet=asked.TRAY, tps_user=tps_user, isl=2000)
    drafting = {"speculate": drafter, "acceptance": 0.8, "max_draft": 4, "draft_pool": pool}
    return plain if drafter is None else plain.model_copy(update=drafting)


_DRAFTS = {
    speed: (_draft(speed, None, None), _draft(speed, "qwen3-0.6b", None), _draft(speed, "qwen3-0.6b", "lpx"))
    for speed in (60, 100, 150)
}


def _edge(fleet: str, pool: str | None, *, is_drafting: bool = True) -> Ask:
    """Return the question of a 70B at a speed that Trainium2 does not reach, drafts or not."""
    plain = Ask(model=asked.LARGE, fleet=fleet, tps_user=300, isl=2048, osl=512, gap=0.1, budget_s=60)
    drafting = {"speculate": asked.SMALL, "acceptance": 0.8, "draft_pool": pool}
    return plain.model_copy(update=drafting) if is_drafting else plain


_EDGE_OWN, _EDGE_POOL = _edge("trainium2", None), _edge(asked.TRN2_CS3, "cs3")
_EDGE_WAFERS = _edge(asked.CS3, None, is_drafting=False)


def _draft_pool(answers: Answers) -> tuple[Check, ...]:
    checks: list[Check] = []
    for speed, (plain, own, pool) in _DRAFTS.items():
        checks += [
            costs_more(
                f"a 32B at {speed} tokens/s is half again as dear without drafts as with a 0.6B that may draft on LPX",
                answers[plain],
                answers[pool],
                1.5,
            ),
            costs_more(
                f"at {speed}, dearer with drafts on Rubin itself than with drafts on LPX", answers[own], answers[pool]
            ),
        ]
    checks += [
        costs_more(
            "a 70B at 300 tokens/s is dearer on Trainium2 that draft for themselves than with CS-3 that draft",
            answers[_EDGE_OWN],
            answers[_EDGE_POOL],
        ),
        costs_more("and dearer on CS-3 alone", answers[_EDGE_WAFERS], answers[_EDGE_POOL]),
    ]
    return tuple(checks)


_SPARSE = {
    context: tuple(
        Ask(model=model, fleet=asked.GB200, tps_user=30, isl=context) for model in ("deepseek-v3.2", asked.MOE)
    )
    for context in (8192, 131072)
}


def _sparse(answers: Answers) -> tuple[Check, ...]:
    return tuple(
        costs_more(
            f"at {context:,} tokens DeepSeek-V3, without an index, is dearer than V3.2", answers[dense], answers[sparse]
        )
        for context, (sparse, dense) in _SPARSE.items()
    )


_HOT = {
    "OLMoE on one Rubin and a tray": tuple(
        Ask(
            model="olmoe-1b-7b",
            fleet=asked.TRAY,
            tps_user=speed,
            isl=16_000,
            routing="domain",
            split_parts=parts,
            require=("rubin", "lpx"),
        )
        for speed in (150,)
        for parts in (4, 1)
    ),
    "Mixtral on H20 and L40S": tuple(
        Ask(model="mixtral-8x7b", fleet=asked.H20_L40S, tps_user=80, routing="domain", split_parts=parts)
        for parts in (4, 1)
    ),
}


def _hot_experts(answers: Answers) -> tuple[Check, ...]:
    return tuple(
        costs_more(
            f"{name}, skewed routing: dearer if a layer's experts may not be split, hot from cold",
            answers[whole],
            answers[split],
        )
        for name, (split, whole) in _HOT.items()
    )


CLAIMS = (
    Claim(
        id="A13",
        said="hot experts in SRAM and cold ones in HBM decide the matter",
        where="S0",
        asks={
            f"{name}, {how}": ask
            for name, asks in _HOT.items()
            for how, ask in zip(("split", "whole layers only"), asks, strict=True)
        },
        checks=_hot_experts,
        labels=("OLMoE", "Mixtral"),
        advice={
            Verdict.RIGHT: "Count routing in your own traffic and split by it.",
            Verdict.WRONG: "Do not buy SRAM to hold hot experts: moving whole layers, or nothing, is as cheap.",
            Verdict.DEPENDS: (
                "Splitting layers by hot experts pays in some of these cases only: plan with your own counts."
            ),
            Verdict.UNDECIDED: "Do not count on hot experts; the proofs leave their gain open.",
        },
        hangs="The preset `domain`: the most skewed routing that has been measured.",
        see="[hot experts](hot-experts.md), with 24 cases",
    ),
    Claim(
        id="A42",
        said="software alone made GB200 2.8 times as good on DeepSeek-R1",
        where="NVIDIA, in S2",
        asks={
            "68 tokens/s, plain": _PLAIN,
            "68 tokens/s, MTP": _MTP,
            "68 tokens/s, NVFP4 experts": _NVFP4,
            "100 tokens/s, plain": _FAST_PLAIN,
            "100 tokens/s, MTP": _FAST_MTP,
            "100 tokens/s, NVFP4 experts": _FAST_NVFP4,
        },
        checks=_three_times,
        labels=("MTP at 68 tokens/s", "NVFP4 at 68", "MTP at 100", "NVFP4 at 100"),
        advice={
            Verdict.RIGHT: (
                "Each of these levers alone is worth 2.8 times at this speed: never compare machines with different"
                " ones pulled."
            ),
            Verdict.WRONG: "Neither lever alone is worth that much at this speed.",
            Verdict.UNDECIDED: "Ask which levers a published figure has pulled.",
        },
        particular={
            (False, False, True, False): (
                "Ask which levers a published figure has pulled, and at what speed: where a machine can hardly keep the"
                " speed, MTP is worth more than any machine; elsewhere less than 2.8 times."
            )
        },
        hangs="Acceptance of 0.85 for the module's token, as DeepSeek reports it; 68 tokens/s per user.",
        see="[speculation](speculation.md)",
    ),
    Claim(
        id="B6",
        said="SRAM machines that draft for GPUs that verify are a very large gain",
        where="S1, S1-ZH",
        asks={
            f"32B at {speed}, {name}": ask
            for speed, asks in _DRAFTS.items()
            for name, ask in zip(("no drafts", "drafts on Rubin", "drafts on LPX"), asks, strict=True)
        }
        | {
            "70B at 300, drafts on Trainium2": _EDGE_OWN,
            "70B at 300, drafts on CS-3": _EDGE_POOL,
            "70B at 300, CS-3 alone": _EDGE_WAFERS,
        },
        checks=_draft_pool,
        labels=(
            "60 tokens/s, no drafts",
            "60, own drafts",
            "100, no drafts",
            "100, own drafts",
            "150, no drafts",
            "150, own drafts",
            "300, own drafts",
            "300, no drafts, CS-3 alone",
        ),
        advice={
            Verdict.RIGHT: "Buy a pool that drafts.",
            Verdict.WRONG: "Do not buy LPX to draft.",
            Verdict.UNDECIDED: "Draft on the GPUs you have; what a pool of its own adds is not settled.",
        },
        particular={
            (False, False, False, False, False, False, True, True): (
                "Draft on the devices you have: a pool of its own that drafts pays only for speeds they do not reach"
                " even so."
            )
        },
        is_for_buyers=True,
        hangs=(
            "Acceptance of 0.8, assumed; a tray for every Rubin. The drafter has a KV cache too, 0.11 MB a token,"
            " and a tray of LPX has 4 GB for weights and caches."
        ),
        see="[speculation](speculation.md)",
    ),
    Claim(
        id="B14",
        said="NVFP4, multi-token prediction and disaggregation are the levers",
        where="S2; all-to-all, the fourth, is in every plan and cannot be taken out",
        asks={"all but these": _PLAIN, "colocated only": _COLOCATED, "NVFP4 experts": _NVFP4, "MTP": _MTP},
        checks=_levers,
        labels=("disaggregation", "NVFP4", "MTP"),
        advice={
            Verdict.RIGHT: "Disaggregate, draft with MTP and store experts in NVFP4 before buying anything.",
            Verdict.WRONG: "None of the three pays at this speed.",
            Verdict.DEPENDS: "Pull those that hold at your speed before buying anything.",
            Verdict.UNDECIDED: "Pull those that hold before buying anything; the others are not settled.",
        },
        is_for_buyers=True,
        hangs="DeepSeek-V3 at 68 tokens/s per user, acceptance 0.85.",
    ),
    Claim(
        id="B18",
        said="sparse attention, as in DeepSeek-V3.2, makes long contexts cheap",
        where="S3",
        asks={
            f"{context:,} tokens, {name}": ask
            for context, asks in _SPARSE.items()
            for name, ask in zip(("V3.2", "V3"), asks, strict=True)
        },
        checks=_sparse,
        labels=("8K tokens", "128K tokens"),
        advice={
            Verdict.RIGHT: (
                "With long prompts choose the model before the machine: sparse attention is worth more than most"
                " machines."
            ),
            Verdict.WRONG: "Sparse attention does not pay at these contexts.",
            Verdict.DEPENDS: "Sparse attention pays at one of these contexts only.",
            Verdict.UNDECIDED: "Plan both models at your contexts.",
        },
        hangs="Both models have the same weights in bytes; quality is not ours to judge.",
    ),
)
