"""Claims about money and power."""

from __future__ import annotations

import math
from itertools import combinations

from benchmarks.studies import render
from benchmarks.studies.ask import Ask
from benchmarks.studies.checks import ALIKE, costs_more, does_not_fit, fits, is_within
from benchmarks.studies.claim import Answers, Check, Claim, Verdict
from benchmarks.studies.claims import asked
from benchmarks.studies.interval import Interval
from benchmarks.studies.record import Record

_ENERGY = {
    **{
        speed: tuple(asked.moe_service(fleet, tps_user=speed) for fleet in (asked.GB200, asked.RUBIN_LPX, asked.RUBIN))
        for speed in (50, 100)
    },
    # What has no plan that decodes has none that prefills as well: the quicker proof.
    200: (Ask(model=asked.MOE, fleet=asked.GB200, tps_user=200), asked.moe_service(asked.RUBIN_LPX, tps_user=200)),
}


def energy_ratio(first: Record, *others: Record) -> Interval:
    """Return how many times the least energy of what is priced is that of the best of other fleets."""
    units = {record.usd_per_request is None for record in (first, *others) if record.is_planned}
    if len(units) > 1:
        return Interval(low=0.0, high=math.inf)
    energies = [record.joules for record in others]
    best = Interval(low=min(energy.low for energy in energies), high=min(energy.high for energy in energies))
    return first.joules.over(best)


def _per_megawatt(answers: Answers) -> tuple[Check, ...]:
    factors = [
        is_within(
            f"at {speed} tokens/s per user GB200 take 20 to 60 times the energy of Rubin, with LPX or without",
            energy_ratio(*(answers[ask] for ask in asks)),
            20.0,
            60.0,
        )
        for speed, asks in _ENERGY.items()
    ]
    _, both, alone = (answers[ask] for ask in _ENERGY[100])
    ratio = energy_ratio(alone, both)
    what = "at 100 tokens/s Rubin alone take a twentieth more energy than with LPX"
    return (*factors, Check(what=what, figure=render.times(ratio), holds=ratio.exceeds(ALIKE)))


_USERS = {users: asked.fast_70b(asked.CS3, 450.0 * users) for users in (1, 8, 32)}
_LONG_USERS = Ask(model=asked.LARGE, fleet=asked.CS3, tps_user=450, tps=57_600, isl=8191, osl=1)
_SLOW = asked.slow_70b(asked.CS3)
_SLOW_GPU = asked.slow_70b(asked.H200)
_FAST_GPUS = {fleet: asked.fast_70b(fleet) for fleet in (asked.H200, asked.GB200, asked.RUBIN)}
_FAST_LPX = asked.fast_70b(asked.LPX)


def _wafers(answers: Answers) -> tuple[Check, ...]:
    return (
        costs_more("at 50 tokens/s per user CS-3 are dearer than H200", answers[_SLOW], answers[_SLOW_GPU]),
        *(
            fits(f"450 tokens/s per user can be had without them: on {fleet}", answers[ask])
            for fleet, ask in _FAST_GPUS.items()
        ),
        costs_more("at 450 CS-3 with 32 users are dearer than LPX", answers[_USERS[32]], answers[_FAST_LPX]),
        does_not_fit("128 users of 8K tokens do not fit four CS-3", answers[_LONG_USERS]),
    )


_BATCH = {
    "8B on LPX": (
        Ask(model=asked.SMALL, fleet=asked.LPX, tps_user=50),
        Ask(model=asked.SMALL, fleet=asked.RUBIN, tps_user=50),
    ),
    "8B on CS-3": (
        Ask(model=asked.SMALL, fleet=asked.CS3, tps_user=50),
        Ask(model=asked.SMALL, fleet=asked.RUBIN, tps_user=50),
    ),
    "8B on LPU v1": (
        Ask(model=asked.SMALL, fleet=asked.LPU_V1, tps_user=50),
        Ask(model=asked.SMALL, fleet=asked.H200, tps_user=50),
    ),
    "70B on LPX": (asked.slow_70b(asked.LPX), asked.slow_70b(asked.RUBIN)),
    "70B on CS-3": (asked.slow_70b(asked.CS3), asked.slow_70b(asked.H200)),
}


def _large_batches(answers: Answers) -> tuple[Check, ...]:
    return tuple(
        costs_more(f"{name} is dearer at 50 tokens/s per user than on {gpu.fleet}", answers[sram], answers[gpu])
        for name, (sram, gpu) in _BATCH.items()
    )


def _utilisation(answers: Answers) -> tuple[Check, ...]:
    one = answers[_USERS[1]]
    return tuple(
        is_within(
            f"one user pays {users} times what each of {users} pays",
            one.optimum.over(answers[_USERS[users]].optimum),
            0.95 * users,
            1.05 * users,
        )
        for users in (8, 32)
    )


_RANKED = {fleet: asked.slow_70b(fleet) for fleet in (asked.H200, asked.GB200, asked.RUBIN, "mi355x-8x", "tpu7x-64")}


def _metrics(answers: Answers) -> tuple[Check, ...]:
    """Look for two fleets of which one is provably cheaper and the other provably takes less energy."""
    found, is_open = [], False
    for (first, ask), (second, other) in combinations(_RANKED.items(), 2):
        price = answers[ask].optimum.over(answers[other].optimum)
        energy = answers[ask].joules.over(answers[other].joules)
        is_dearer, takes_more = price.exceeds(1.0), energy.exceeds(1.0)
        is_open = is_open or None in {is_dearer, takes_more}
        if None not in {is_dearer, takes_more} and is_dearer is not takes_more:
            cheap, frugal = (second, first) if is_dearer else (first, second)
            found.append(f"{cheap} is cheaper, {frugal} takes less energy")
    return (
        Check(
            what="a 70B at 50 tokens/s: of some two fleets one is cheaper and the other takes less energy",
            figure="; ".join(found) or "price and energy rank them alike",
            brief=found[0] if found else "",
            holds=True if found else None if is_open else False,
        ),
    )


CLAIMS = (
    Claim(
        id="A20",
        said="Rubin with LPX gives 35 times the throughput, per megawatt and against GB200",
        where="NVIDIA's projection for a 2T model at 400 tokens/s per user, repeated in S1-ZH without its axes",
        asks={
            f"V3 at {speed}, {name}": ask
            for speed, asks in _ENERGY.items()
            for name, ask in zip(("GB200", "Rubin and LPX", "Rubin alone"), asks, strict=False)
        },
        checks=_per_megawatt,
        labels=("50 tokens/s", "100 tokens/s", "200 tokens/s", "LPX at 100"),
        advice={
            Verdict.RIGHT: "The factor holds at the speeds tried.",
            Verdict.WRONG: "Do not use the factor: at none of the speeds tried is it 20 to 60.",
            Verdict.UNDECIDED: "Ask for the factor at your speed; our proofs do not settle it.",
        },
        particular={
            (False, True, False, None): (
                "NVIDIA's factor of 35 over GB200 is of one speed. Ask for it at yours: where GB200 still has room it"
                " is small, where GB200 gives up it has no end. Ask for it without LPX, too: that LPX add to it is not"
                " proven."
            ),
            (False, True, False, False): (
                "NVIDIA's factor of 35 over GB200 is of one speed. Ask for it at yours: where GB200 still has room it"
                " is small, where GB200 gives up it has no end. It is that of Rubin: LPX add nothing to it."
            ),
        },
        is_for_buyers=True,
        shows_power=True,
        hangs=(
            "DeepSeek-V3 with 8K tokens in, prefill included, stands in for the unpublished model with 400K."
            " Watts of a device are as fixed as its rent, so bounds on prices bound energy."
        ),
        see="[industry](industry.md)",
    ),
    Claim(
        id="B7",
        said="Trainium for prefill and Cerebras for decode is simple, but the economics do not pencil out",
        where="S1",
        asks={
            "50 tokens/s, CS-3": _SLOW,
            "50 tokens/s, H200": _SLOW_GPU,
            **{f"450 tokens/s, {fleet}": ask for fleet, ask in _FAST_GPUS.items()},
            "450 tokens/s, LPX": _FAST_LPX,
            **{f"450 tokens/s, CS-3, {users} users": ask for users, ask in _USERS.items()},
            "450 tokens/s, CS-3, 128 users of 8K": _LONG_USERS,
        },
        checks=_wafers,
        labels=(
            "50 tokens/s against H200",
            "450 tokens/s on H200",
            "450 on GB200",
            "450 on Rubin",
            "450 against LPX",
            "128 users of 8K",
        ),
        advice={
            Verdict.RIGHT: "CS-3 do not pay at any of these speeds.",
            Verdict.WRONG: "CS-3 pay at these speeds.",
            Verdict.UNDECIDED: "Count users and context first: SRAM holds both weights and caches.",
        },
        particular={
            (True, False, False, False, True, True): (
                "CS-3 are for speeds GPUs do not reach, and pay by the number of users kept on them at once; compare"
                " with other SRAM machines, not with GPUs."
            )
        },
        is_for_buyers=True,
        hangs=(
            "Users at once; 8K of context of a 70B is 2.7 GB of SRAM each. The rent of a CS-3 is a secondary source's"
            " cost of hardware."
        ),
        see="[claims](claims.md) A15 for what the rent means",
    ),
    Claim(
        id="B9",
        said="at large batches GPUs beat the SRAM start-ups",
        where="S1-ZH",
        asks={
            **{f"{name}": pair[0] for name, pair in _BATCH.items()},
            **{f"{name.split()[0]} on {pair[1].fleet}": pair[1] for name, pair in _BATCH.items()},
        },
        checks=_large_batches,
        labels=("8B, LPX", "8B, CS-3", "8B, LPU v1", "70B, LPX", "70B, CS-3"),
        advice={
            Verdict.RIGHT: "Where 50 tokens/s per user are enough, buy GPUs.",
            Verdict.WRONG: "SRAM machines are cheaper at 50 tokens/s, too.",
            Verdict.DEPENDS: "At 50 tokens/s per user it depends on the pair: see which.",
            Verdict.UNDECIDED: "Plan your own model at your own speed: the proofs leave some of these pairs open.",
        },
        is_for_buyers=True,
        hangs="Prices of LPX (unpublished) and CS-3 (secondary).",
    ),
    Claim(
        id="B13",
        said="a specialised machine pays only while it is kept busy",
        where="S0",
        asks={f"450 tokens/s, CS-3, {users} users": ask for users, ask in _USERS.items()},
        checks=_utilisation,
        labels=("8 users", "32 users"),
        advice={
            Verdict.RIGHT: (
                "Before buying, know how many users are on it at once at the worst hour that is paid for: the price is"
                " the rent over them."
            ),
            Verdict.WRONG: "Idle specialists cost little here.",
            Verdict.DEPENDS: "The price follows the load over part of the range only.",
        },
        hangs="Whole machines are rented.",
        see="[demand](demand.md) for loads over a day",
    ),
    Claim(
        id="B16",
        said="tokens per watt and price per token are the figures to compare machines by",
        where="S3",
        asks={f"70B at 50, {fleet}": ask for fleet, ask in _RANKED.items()},
        checks=_metrics,
        labels=("70B at 50 tokens/s",),
        advice={
            Verdict.RIGHT: (
                "Ask for both figures at your speed: the cheapest fleet is not the one that takes least power."
            ),
            Verdict.WRONG: "One of the two figures is enough: they rank these fleets alike.",
            Verdict.UNDECIDED: "Ask for both figures at your speed.",
        },
        shows_power=True,
        hangs="Watts as the sources of the devices define them.",
    ),
)
