"""Claims about systems that are withdrawn, announced, or rumoured."""

from __future__ import annotations

from benchmarks.studies.ask import Ask
from benchmarks.studies.checks import costs_more, does_not_fit
from benchmarks.studies.claim import Answers, Check, Claim, Verdict
from benchmarks.studies.claims import asked
from benchmarks.studies.record import Record


def _unless_unpublished(record: Record, *checks: Check) -> tuple[Check, ...]:
    """Return no check where a fleet is a template whose figures nobody has published."""
    return () if record.status == "unpublished" else checks


_MATX = asked.slow_70b("matx-one")
_RUBIN = asked.slow_70b(asked.RUBIN)


def _one_chip(answers: Answers) -> tuple[Check, ...]:
    check = costs_more("a 70B at 50 tokens/s is dearer on Rubin than on MatX One", answers[_RUBIN], answers[_MATX])
    return _unless_unpublished(answers[_MATX], check)


def _long_prompts(fleet: str, model: str) -> Ask:
    return Ask(model=model, fleet=fleet, tps_user=50, isl=32_768, is_service=True, gap=0.03)


_CPX = {
    model: (_long_prompts("vera-rubin-cpx", model), _long_prompts(asked.RUBIN, model))
    for model in (asked.SMALL, asked.LARGE)
}


def _prefill_chip(answers: Answers) -> tuple[Check, ...]:
    return tuple(
        costs_more(f"{model} with prompts of 32K is dearer on Rubin alone", answers[alone], answers[both])
        for model, (both, alone) in _CPX.items()
    )


_CORSAIR_MOE = Ask(model=asked.MOE, fleet="corsair-x128", tps_user=20)
_CORSAIR = Ask(model=asked.LARGE, fleet="corsair-x128", tps_user=20)
_CAPACITY = Ask(model=asked.LARGE, fleet="corsair-capacity-x128", tps_user=15)
_H200 = Ask(model=asked.LARGE, fleet=asked.H200, tps_user=20)


def _cards(answers: Answers) -> tuple[Check, ...]:
    return (
        does_not_fit("DeepSeek-V3 does not fit the SRAM of 128 cards", answers[_CORSAIR_MOE]),
        costs_more(
            "a 70B at 20 tokens/s and 8K of context is dearer in their SRAM than on H200",
            answers[_CORSAIR],
            answers[_H200],
        ),
        costs_more("at 15 in their LPDDR it is dearer than on H200 at 20", answers[_CAPACITY], answers[_H200]),
    )


_SIDECARS = {
    name: Ask(model=asked.MOE, fleet=name, tps_user=50) for name in ("tpu-sram-sidecar", "cloud-asic-sram-sidecar")
}
_STAND_IN = Ask(model=asked.MOE, fleet="tpu7x-corsair", tps_user=110, isl=2048, osl=512, budget_s=60)
_TPU = Ask(model=asked.MOE, fleet="tpu7x-64", tps_user=110, isl=2048, osl=512)


def _rumours(answers: Answers) -> tuple[Check, ...]:
    checks: list[Check] = []
    for name, ask in _SIDECARS.items():
        pays = costs_more(
            f"DeepSeek-V3 at 50 tokens/s is dearer on TPU7x alone than on {name}", answers[_TPU], answers[ask]
        )
        checks += _unless_unpublished(answers[ask], pays)
    return tuple(checks)


CLAIMS = (
    Claim(
        id="B8",
        said="weights in SRAM and caches in HBM on one chip, as MatX has it, save the hops but scale less",
        where="S1-ZH",
        asks={"70B on MatX One": _MATX, "70B on Rubin": _RUBIN},
        checks=_one_chip,
        labels=("70B",),
        advice={
            Verdict.RIGHT: "Such a chip pays by the figures that were filled in.",
            Verdict.WRONG: "Such a chip does not pay by the figures that were filled in.",
            Verdict.NOT_DECIDABLE: (
                "Ask MatX for the figures that its template demands, fill them in, and plan before talking about price."
            ),
        },
        hangs=(
            "Chips with weights in one memory and caches in another can be planned; no public figure of this one"
            " exists."
        ),
        see="[systems](systems.md)",
    ),
    Claim(
        id="B11",
        said="a prefill accelerator without HBM, such as the withdrawn Rubin CPX, has its place",
        where="S1-ZH",
        asks={
            f"{model}, {name}": ask
            for model, asks in _CPX.items()
            for name, ask in zip(("Rubin and CPX", "Rubin alone"), asks, strict=True)
        },
        checks=_prefill_chip,
        labels=("8B", "70B"),
        advice={
            Verdict.RIGHT: "Ask for a prefill accelerator: at this price it would pay for long prompts.",
            Verdict.WRONG: "Nothing was lost with it: it does not pay at these prompts and this price.",
            Verdict.DEPENDS: "It would pay for one of these models only.",
        },
        hangs="Bandwidth, power and price of CPX, which left the roadmap in March 2026, are estimates.",
        see="[systems](systems.md)",
    ),
    Claim(
        id="B12",
        said="SRAM cards lack capacity, which d-Matrix gets from DRAM stacked on the compute die",
        where="S1-ZH",
        asks={
            "DeepSeek-V3 in SRAM": _CORSAIR_MOE,
            "70B in SRAM": _CORSAIR,
            "70B in LPDDR": _CAPACITY,
            "70B on H200": _H200,
        },
        checks=_cards,
        labels=("DeepSeek-V3 in SRAM", "70B in SRAM", "70B in LPDDR"),
        advice={
            Verdict.RIGHT: "Do not buy today's cards for capacity; of the stacked ones no figure is public.",
            Verdict.WRONG: "Today's cards have the capacity these models need.",
        },
        hangs="Raptor, the stacked card, is not decidable: the template `dmatrix-raptor` lists what it lacks.",
        see="[systems](systems.md)",
    ),
    Claim(
        id="B19",
        said="Google with Marvell, and ByteDance with Qualcomm, build SRAM parts for decode",
        where="S1, press reports",
        asks={**_SIDECARS, "stand-in: TPU7x and Corsair": _STAND_IN, "TPU7x alone": _TPU},
        checks=_rumours,
        labels=("with Marvell", "with Qualcomm"),
        advice={
            Verdict.RIGHT: "The sidecars pay by the figures that were filled in.",
            Verdict.WRONG: "The sidecars do not pay by the figures that were filled in.",
            Verdict.NOT_DECIDABLE: (
                "Do not wait for them. The stand-in, a TPU with an SRAM card whose figures are public, shows what such"
                " a pair does at 110 tokens/s; nobody sells it."
            ),
        },
        hangs="Nothing is published about either sidecar.",
        see="[systems](systems.md)",
    ),
)
