"""Claims about who does what: prefill and decode, attention and FFN."""

from __future__ import annotations

from functools import cache

from benchmarks.studies import render
from benchmarks.studies.ask import Ask
from benchmarks.studies.checks import costs_more, costs_no_more, reported
from benchmarks.studies.claim import Answers, Check, Claim, Verdict
from benchmarks.studies.claims import asked
from benchmarks.studies.record import SECONDS_PER_HOUR, Record
from placer.catalog.loader import load_fleet

_ON_GPU = Ask(model=asked.SMALL, fleet=asked.RUBIN_LPX, tps_user=400, is_service=True, no=asked.SPLIT_MODES)
_ON_LPX = Ask(model=asked.SMALL, fleet=asked.LPX, tps_user=400, is_service=True)
_TRN2_CS3 = Ask(model=asked.LARGE, fleet=asked.TRN2_CS3, tps_user=300, is_service=True, no=asked.SPLIT_MODES)
_TRN2_CS3_ANY = Ask(model=asked.LARGE, fleet=asked.TRN2_CS3, tps_user=300, is_service=True)
_CS3 = Ask(model=asked.LARGE, fleet=asked.CS3, tps_user=300, is_service=True)


def _prefill(answers: Answers) -> tuple[Check, ...]:
    return (
        costs_more(
            "a request costs more where LPX prefill as well (8B, 400 tokens/s)", answers[_ON_LPX], answers[_ON_GPU]
        ),
        costs_more(
            "a request costs more where CS-3 prefill as well (70B, 300 tokens/s)", answers[_CS3], answers[_TRN2_CS3]
        ),
    )


def _announced(answers: Answers) -> tuple[Check, ...]:
    return (
        costs_more("a 70B at 300 tokens/s is dearer on CS-3 alone", answers[_CS3], answers[_TRN2_CS3]),
        costs_no_more(
            "and no division of decode over both is a twentieth cheaper", answers[_TRN2_CS3], answers[_TRN2_CS3_ANY]
        ),
    )


_AFD = asked.moe_service(asked.RUBIN_LPX)
_NO_AFD = asked.moe_service(asked.RUBIN_LPX, asked.SPLIT_MODES)
_RUBIN = asked.moe_service(asked.RUBIN)
_FREE_70B, _LPX_70B = asked.fast_70b(asked.RUBIN_LPX), asked.fast_70b(asked.LPX)


def _split(answers: Answers) -> tuple[Check, ...]:
    return (
        costs_more(
            "DeepSeek-V3 at 100 tokens/s is dearer without a split of attention and FFN",
            answers[_NO_AFD],
            answers[_AFD],
        ),
        costs_more("a 70B at 450 tokens/s is dearer with everything in SRAM", answers[_LPX_70B], answers[_FREE_70B]),
    )


_BOTH_20 = Ask(model="mixtral-8x7b", fleet=asked.H20_L40S, tps_user=20)
_H20_20 = Ask(model="mixtral-8x7b", fleet=asked.H20, tps_user=20)
_BOTH_80 = Ask(model="mixtral-8x7b", fleet=asked.H20_L40S, tps_user=80)
_H20_80 = Ask(model="mixtral-8x7b", fleet=asked.H20, tps_user=80)


def _bandwidth(answers: Answers) -> tuple[Check, ...]:
    lies = {pool: count for pool, count in answers[_BOTH_20].ffn_pools.items() if count}
    return (
        costs_more(
            "FFNs on SRAM pay where bandwidth binds: DeepSeek-V3 at 100 tokens/s on Rubin alone",
            answers[_RUBIN],
            answers[_AFD],
        ),
        costs_no_more(
            "FFNs on chips with little bandwidth, L40S, do not pay: Mixtral at 20 tokens/s on H20 alone",
            answers[_H20_20],
            answers[_BOTH_20],
        ),
        costs_no_more("nor at 80 tokens/s", answers[_H20_80], answers[_BOTH_80]),
        reported(
            "where Mixtral's FFNs lie at 20 tokens/s: not on L40S",
            ", ".join(f"{count} on {pool}" for pool, count in lies.items()) or "no plan",
            "l40s" not in lies if answers[_BOTH_20].is_planned else None,
        ),
    )


def _long(fleet: str, prefix_hits: float | None) -> Ask:
    return asked.moe_service(fleet).model_copy(update={"isl": 131_072, "prefix_hits": prefix_hits})


_CACHED, _CACHED_RUBIN = _long(asked.RUBIN_LPX, 0.98), _long(asked.RUBIN, 0.98)
_NEW, _NEW_RUBIN = _long(asked.RUBIN_LPX, None), _long(asked.RUBIN, None)


def rent_of_a_token(record: Record, pool: str, usd_per_device_hour: float) -> float | None:
    """Return the rent of a pool over the output tokens sold [USD]; None where there is no plan."""
    if not record.tokens_per_s:
        return None
    return record.devices.get(pool, 0) * usd_per_device_hour / SECONDS_PER_HOUR / record.tokens_per_s


@cache
def _lpx_usd_per_hour() -> float:
    return load_fleet(asked.RUBIN_LPX).usd_per_hour("lpx") or 0.0


def _static(short: Record, long: Record) -> Check:
    """Return whether plans pay as much for LPX a token at both contexts."""
    rents = [rent_of_a_token(record, "lpx", _lpx_usd_per_hour()) for record in (short, long)]
    what = "LPX cost at most a tenth more a token at 128K (98 % cached) than at 8K, in the plans found"
    if rents[0] is None or rents[1] is None:
        return reported(what, "no plan found", None)
    figure = f"${render.up(rents[0] * 1e6)}/M at 8K, ${render.up(rents[1] * 1e6)}/M at 128K"
    return reported(what, figure, rents[1] <= 1.1 * rents[0])


def _context(answers: Answers) -> tuple[Check, ...]:
    return (
        _static(answers[_AFD], answers[_CACHED]),
        costs_more(
            "at 8K tokens of context Rubin alone are a tenth dearer than with LPX", answers[_RUBIN], answers[_AFD], 1.1
        ),
        costs_more(
            "at 128K as well, 98 % of every prompt found in a cache", answers[_CACHED_RUBIN], answers[_CACHED], 1.1
        ),
        costs_more("at 128K as well, all of it new", answers[_NEW_RUBIN], answers[_NEW], 1.1),
    )


CLAIMS = (
    Claim(
        id="B1",
        said="prefill belongs on HBM GPUs, SRAM machines are weak at it",
        where="an essay on SRAM sidecars, S0, and a post on heterogeneous inference, S1",
        asks={
            "8B, prompts on Rubin, decode on LPX": _ON_GPU,
            "8B, everything on LPX": _ON_LPX,
            "70B, prompts on Trainium2, decode on CS-3": _TRN2_CS3,
            "70B, everything on CS-3": _CS3,
        },
        checks=_prefill,
        labels=("8B, LPX", "70B, CS-3"),
        advice={
            Verdict.RIGHT: "If you buy SRAM machines for decode, buy GPUs for their prompts.",
            Verdict.WRONG: "SRAM machines may prefill for themselves: GPUs beside them do not pay for it.",
            Verdict.DEPENDS: (
                "Ask for the pair of machines you are offered: for one of these two GPUs beside it pay for prefill, for"
                " the other they do not."
            ),
            Verdict.UNDECIDED: "Do not pay for a prefill pool on the strength of this claim.",
        },
        is_for_buyers=True,
        hangs=(
            "Prompts of 8,192 tokens, eight for each token of the answer; with short prompts there is little to"
            " prefill."
        ),
        see="[service](service.md)",
    ),
    Claim(
        id="B2",
        said="in decode, attention and KV cache belong on HBM and FFNs on SRAM",
        where="S0, S1",
        asks={
            "V3, any mode": _AFD,
            "V3, no split": _NO_AFD,
            "70B, Rubin and LPX": _FREE_70B,
            "70B, LPX alone": _LPX_70B,
        },
        checks=_split,
        labels=("DeepSeek-V3", "70B"),
        advice={
            Verdict.RIGHT: "Buy sidecars for FFNs only.",
            Verdict.WRONG: "Do not split: whole models on one kind of device are as cheap.",
            Verdict.UNDECIDED: "Let `placer plan` choose; the proofs do not favour either.",
        },
        particular={
            (
                True,
                False,
            ): "Split a model that is too large for SRAM; put one that fits, with its cache, wholly in SRAM."
        },
        is_for_buyers=True,
        hangs="Size of the model against SRAM, speed, and context: caches grow, SRAM does not.",
        see="[service](service.md)",
    ),
    Claim(
        id="B3",
        said="SRAM is what FFNs need in decode, because they wait for bandwidth",
        where="S0; MegaScale-Infer, arXiv 2504.02263, splits for the opposite reason",
        asks={
            "V3, Rubin and LPX": _AFD,
            "V3, Rubin alone": _RUBIN,
            "Mixtral at 20, H20 and L40S": _BOTH_20,
            "Mixtral at 20, H20 alone": _H20_20,
            "Mixtral at 80, H20 and L40S": _BOTH_80,
            "Mixtral at 80, H20 alone": _H20_80,
        },
        checks=_bandwidth,
        labels=("DeepSeek-V3 on LPX", "Mixtral at 20 tokens/s on L40S", "at 80", "where FFNs lie"),
        advice={
            Verdict.RIGHT: "Look for bandwidth when buying for FFNs.",
            Verdict.WRONG: "Look for FLOPs per dollar when buying for FFNs.",
            Verdict.UNDECIDED: "Plan at your own speed before choosing what to buy for FFNs.",
        },
        particular={
            (True, False, True, False): (
                "At speeds that keep batches small buy bandwidth for FFNs; where users wait, gather batches and buy"
                " FLOPs per dollar."
            )
        },
        hangs="The speed users are promised: it sets the batch.",
    ),
    Claim(
        id="B5",
        said="longer contexts cost GPU memory only; LPX beside it stays as it is",
        where="a review of S1 in Chinese, S1-ZH",
        asks={
            "8K, Rubin and LPX": _AFD,
            "8K, Rubin alone": _RUBIN,
            "128K cached, Rubin and LPX": _CACHED,
            "128K cached, Rubin alone": _CACHED_RUBIN,
            "128K new, Rubin and LPX": _NEW,
            "128K new, Rubin alone": _NEW_RUBIN,
        },
        checks=_context,
        labels=("LPX rent a token", "pays at 8K", "at 128K, cached", "at 128K, all new"),
        advice={
            Verdict.RIGHT: "A sidecar that pays at short contexts pays at long ones.",
            Verdict.WRONG: "Do not buy the sidecar for either context.",
            Verdict.UNDECIDED: "Plan with your own contexts before counting on a sidecar.",
        },
        particular={
            (False, True, True, False): (
                "Size the sidecar for your longest context and your share of cached prompts: the longer the context,"
                " the fewer users share its rent; it still pays where caches are found, not where prompts are all new"
                " and prefill is what is paid for."
            )
        },
        is_for_buyers=True,
        hangs="DeepSeek-V3 at 100 tokens/s per user, 1,024 tokens out.",
    ),
    Claim(
        id="B20",
        said="AWS and Cerebras divide the labour into prefill on Trainium and decode on CS-3",
        where="announced on 2026-03-13; S0",
        asks={"prompts on Trainium2, decode on CS-3": _TRN2_CS3, "any division": _TRN2_CS3_ANY, "CS-3 alone": _CS3},
        checks=_announced,
        labels=("against CS-3 alone", "against any division"),
        advice={
            Verdict.RIGHT: "The announced division is the one to buy.",
            Verdict.WRONG: "Neither that division nor the pair pays at this speed.",
        },
        particular={
            (True, False): (
                "Prefill on Trainium pays for itself. Ask whether decode may be divided as well: with attention and"
                " some layers on Trainium, CS-3 keep room for more users."
            )
        },
        hangs="A 70B at 300 tokens/s per user on at most four CS-3; the pair publishes no ratio and no prices.",
        see="[service](service.md)",
    ),
)
