"""Claims about what fits where: plans that exist, and refusals that prove there is none."""

from __future__ import annotations

from benchmarks.studies.ask import Ask
from benchmarks.studies.checks import does_not_fit, fits
from benchmarks.studies.claim import Answers, Check, Claim, Verdict
from benchmarks.studies.claims import asked


def _alone(model: str, fleet: str, weights: str | None = None) -> Ask:
    return Ask(model=model, fleet=fleet, tps_user=20, isl=1000, osl=100, weights=weights)


_THREE, _FOUR = _alone(asked.LARGE, asked.CS3_X3), _alone(asked.LARGE, asked.CS3)
_RACK_BF16, _RACK_FP8 = _alone(asked.LARGE, asked.LPX_RACK), _alone(asked.LARGE, asked.LPX_RACK, "fp8")
_RACK_MOE = _alone(asked.MOE, asked.LPX_RACK)
_LPU_288, _LPU = _alone(asked.LARGE, asked.LPU_X288, "int8"), _alone(asked.LARGE, asked.LPU_V1, "int8")


def _wafers(answers: Answers) -> tuple[Check, ...]:
    return (
        fits("a 70B in BF16 is served on four CS-3", answers[_FOUR]),
        does_not_fit("and not on three", answers[_THREE]),
    )


def _rack(answers: Answers) -> tuple[Check, ...]:
    return (
        fits("one LPX rack serves a 70B in FP8, cache included", answers[_RACK_FP8]),
        fits("in BF16", answers[_RACK_BF16]),
        fits("it serves DeepSeek-V3", answers[_RACK_MOE]),
    )


def _lpus(answers: Answers) -> tuple[Check, ...]:
    return (
        fits("24 racks of LPU v1 serve a 70B in INT8", answers[_LPU]),
        does_not_fit("288 chips, four racks, do not", answers[_LPU_288]),
    )


CLAIMS = (
    Claim(
        id="A3",
        said="a CS-3 holds two fifths of a 70B's FFNs, so a handful of them holds the model",
        where="S0",
        asks={"three CS-3": _THREE, "four CS-3": _FOUR},
        checks=_wafers,
        labels=("four CS-3", "three CS-3"),
        advice={
            Verdict.RIGHT: "Four CS-3 are the least for a 70B in BF16, and leave 35 GB for all caches.",
            Verdict.WRONG: "Neither statement holds with the catalog's CS-3.",
            Verdict.DEPENDS: "See which of the two fails.",
        },
        hangs="16-bit weights: the catalog's CS-3 stores nothing narrower.",
        see="[claims](claims.md) A3, A7, A14, A21",
    ),
    Claim(
        id="A16",
        said="an LPX rack holds the model's weights, and stays as it is",
        where="S1-ZH",
        asks={"70B in FP8": _RACK_FP8, "70B in BF16": _RACK_BF16, "DeepSeek-V3": _RACK_MOE},
        checks=_rack,
        labels=("70B in FP8", "70B in BF16", "DeepSeek-V3"),
        advice={
            Verdict.RIGHT: "One rack is enough for these models.",
            Verdict.WRONG: "One rack is not enough for any of these models.",
            Verdict.UNDECIDED: "Count racks by the bytes of your model.",
        },
        particular={
            (True, False, False): (
                "Count LPX racks by the bytes of your model: one is enough for a 70B in FP8, not for one in BF16, and a"
                " large MoE takes several for experts alone."
            )
        },
        is_for_buyers=True,
        hangs="LP30 has no FP4: what comes in four bits lies there in eight.",
        see="[claims](claims.md) A16, with racks by model",
    ),
    Claim(
        id="A24",
        said="a 70B needs hundreds of Groq's first chips, several racks of them",
        where="S2",
        asks={"1,728 chips": _LPU, "288 chips": _LPU_288},
        checks=_lpus,
        labels=("1,728 chips", "288 chips"),
        advice={
            Verdict.RIGHT: "Rent LPU v1 by the racks that weights take, then see what is left for caches.",
            Verdict.WRONG: "Four racks are enough.",
            Verdict.DEPENDS: "See which of the two fails.",
            Verdict.UNDECIDED: "Plan the number of chips.",
        },
        hangs="INT8.",
        see="[claims](claims.md) A24",
    ),
)
