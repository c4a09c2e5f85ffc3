"""Claims about what a step waits for: bandwidth, FFNs, hops."""

from __future__ import annotations

from functools import cache

from benchmarks.studies.ask import Ask
from benchmarks.studies.checks import costs_more, reported
from benchmarks.studies.claim import Answers, Check, Claim, Verdict
from benchmarks.studies.claims import asked
from benchmarks.studies.record import Record
from placer.graph.lower import lower
from placer.graph.totals import totals
from placer.model.precision import ComputePrecision

_CS3 = Ask(model=asked.LARGE, fleet=asked.CS3, tps_user=2000, isl=1000, osl=100)
_LPU = Ask(model=asked.LARGE, fleet=asked.LPU_V1, tps_user=2000, isl=1000, osl=100, weights="int8")
_LPX = Ask(model=asked.SMALL, fleet=asked.LPX, tps_user=20_000)


@cache
def promised_tokens_per_s(ask: Ask) -> float:
    """Return the speed of one user if all weights were read at once with the bandwidth of the whole fleet."""
    scenario = ask.scenario()
    fleet = scenario.fleet
    bytes_per_s = sum(pool.count * fleet.device_of(pool.name).compute_tier.bandwidth for pool in fleet.pools)
    return bytes_per_s / totals(lower(scenario.model), 1).weight_bytes


def reaches(what: str, ask: Ask, record: Record, share: float) -> Check:
    """Return whether a fleet reaches the speed asked for: at most a share of what bandwidth promises."""
    promised = promised_tokens_per_s(ask)
    figure = f"{ask.tps_user:,.0f} of the {promised:,.0f} tokens/s promised: {record.nearest or record.status}"
    is_out_of_reach = record.status == "infeasible" and ask.tps_user <= share * promised
    return Check(what=what, figure=figure, holds=False if is_out_of_reach else True if record.is_planned else None)


def _bandwidth(answers: Answers) -> tuple[Check, ...]:
    return tuple(
        reaches(f"{name} reach a tenth of what weights over bandwidth promise", ask, answers[ask], 0.1)
        for name, ask in {
            "a 70B on four CS-3": _CS3,
            "a 70B on 1,728 LPU": _LPU,
            "an 8B on 1,024 LPX chips": _LPX,
        }.items()
    )


_FAST = Ask(model=asked.LARGE, fleet="h100-8x", tps_user=80, isl=2048, osl=128)
_SHORT = Ask(model=asked.LARGE, fleet="h100-8x", tps_user=20, isl=2048, osl=128)
_LONG = Ask(model=asked.LARGE, fleet="h100-8x", tps_user=20, isl=131072, osl=128)


def ffn_share(record: Record) -> float | None:
    """Return the share of the step that FFNs take, launches left out; None where there is no plan."""
    parts = {name: value for name, value in record.time_s.items() if name not in {"path", "floors"}}
    return parts["ffn"] / sum(parts.values()) if parts else None


def _share(what: str, record: Record) -> Check:
    share = ffn_share(record)
    if share is None:
        return Check(what=what, figure=record.status, holds=None)
    return reported(what, f"{100 * share:.0f} % of the step, {record.users:,} users", share > 0.5)


def _shares(answers: Answers) -> tuple[Check, ...]:
    return (
        _share("FFNs take more than half of a step of the cheapest plan at 2K tokens and 80 tokens/s", answers[_FAST]),
        _share("at 2K tokens and 20 tokens/s", answers[_SHORT]),
        _share("at 128K tokens and 20 tokens/s", answers[_LONG]),
    )


_ASKS = {
    **{
        speed: (asked.moe_service(asked.RUBIN_LPX, tps_user=speed), asked.moe_service(asked.RUBIN, tps_user=speed))
        for speed in (50, 100)
    },
    # What has no plan that decodes has none that prefills as well: the quicker proof.
    200: (
        asked.moe_service(asked.RUBIN_LPX, tps_user=200),
        Ask(model=asked.MOE, fleet=asked.RUBIN, tps_user=200),
    ),
}


def _twice(answers: Answers) -> tuple[Check, ...]:
    return tuple(
        costs_more(
            f"at {speed} tokens/s Rubin alone is more than twice as dear as with LPX",
            answers[alone],
            answers[both],
            2.0,
        )
        for speed, (both, alone) in _ASKS.items()
    )


_HOPS = {
    context: tuple(
        Ask(model="qwen3-8b", fleet=fleet, tps_user=600, isl=context) for fleet in (asked.HOP_1US, asked.HOP_10US)
    )
    for context in (2000, 32_000)
}


def _hops(answers: Answers) -> tuple[Check, ...]:
    return tuple(
        costs_more(
            f"an 8B at 600 tokens/s and {context:,} tokens of context, on Rubin and LPX, is a tenth dearer with hops of"
            " 10 us than of 1 us",
            answers[far],
            answers[near],
            1.1,
        )
        for context, (near, far) in _HOPS.items()
    )


_LAZY = Ask(model=asked.LARGE, fleet="h100-8x", tps_user=10, isl=512, osl=128)
_QUICK = Ask(model=asked.LARGE, fleet="h100-8x", tps_user=100, isl=512, osl=128)


@cache
def most_tokens_per_s(ask: Ask) -> float:
    """Return the decode speed of one device of the first pool if its BF16 multipliers never waited."""
    scenario = ask.scenario()
    device = scenario.fleet.device_of(scenario.fleet.pools[0].name)
    flops = totals(lower(scenario.model), scenario.workload.mean_context).flops_per_token
    return device.peak[ComputePrecision.BF16] / flops


def _busy(what: str, ask: Ask, record: Record) -> Check:
    """Return whether multipliers are busy less than a twentieth of the time, by FLOPs of weights and attention."""
    if not record.tokens_per_s:
        return Check(what=what, figure=record.status, holds=None)
    share = record.tokens_per_s / (sum(record.devices.values()) * most_tokens_per_s(ask))
    return reported(what, f"{100 * share:.1f} % of the FLOP/s, {record.users:,} users", share < 0.05)


def _intensity(answers: Answers) -> tuple[Check, ...]:
    return (
        _busy("H100 multiply less than a twentieth of the time at 100 tokens/s per user", _QUICK, answers[_QUICK]),
        _busy("and at 10", _LAZY, answers[_LAZY]),
    )


CLAIMS = (
    Claim(
        id="A10",
        said="a decode step streams all weights for next to no arithmetic",
        where="S0; S2, on memory walls, has 30 to 50 % of the compute",
        asks={"70B at 100": _QUICK, "70B at 10": _LAZY},
        checks=_intensity,
        labels=("100 tokens/s", "10 tokens/s"),
        advice={
            Verdict.RIGHT: "Buy bandwidth, not FLOPs.",
            Verdict.WRONG: "Compute counts at every speed here.",
            Verdict.DEPENDS: "Fix the speed first: fast users leave multipliers idle, slow ones fill them.",
        },
        hangs="The batch, which the speed sets.",
        see="[claims](claims.md) A10, A22, with the batch at which an H100 turns compute bound",
    ),
    Claim(
        id="A17",
        said="FFNs are more than half of a decode step",
        where="S1-ZH",
        asks={"2K tokens at 80": _FAST, "2K tokens at 20": _SHORT, "128K tokens at 20": _LONG},
        checks=_shares,
        labels=("2K tokens at 80 tokens/s", "2K at 20", "128K at 20"),
        advice={
            Verdict.RIGHT: "Speeding FFNs up is worth most.",
            Verdict.WRONG: "Speed attention up, not FFNs.",
            Verdict.DEPENDS: (
                "What speeds FFNs up helps short contexts; at long ones buy memory and bandwidth for caches."
            ),
        },
        hangs="Context and batch.",
        see="[claims](claims.md) A17, with shares of bytes",
    ),
    Claim(
        id="A18",
        said="FFNs several times as fast more than double what a fleet gives",
        where="S1-ZH",
        asks={
            f"V3 at {speed}, {name}": ask
            for speed, pair in _ASKS.items()
            for name, ask in zip(("Rubin and LPX", "Rubin alone"), pair, strict=True)
        },
        checks=_twice,
        labels=("50 tokens/s", "100 tokens/s", "200 tokens/s"),
        advice={
            Verdict.RIGHT: "LPX beside Rubin halve the price.",
            Verdict.WRONG: "Expect less than half off from LPX beside Rubin at these speeds.",
            Verdict.UNDECIDED: "Do not count on half the price from LPX; see the intervals for what is proven.",
        },
        particular={
            (False, False, True): (
                "LPX beside Rubin pay in full only where Rubin alone can hardly keep the speed. Sell that speed, or do"
                " not buy them."
            )
        },
        is_for_buyers=True,
        hangs="The price of LPX, which is unpublished, and the speed.",
        see="[claims](claims.md) A18, with Amdahl's law",
    ),
    Claim(
        id="A19",
        said="every layer costs two hops, so a slow network rules attention on HBM and FFNs on SRAM out at high speed",
        where="S1-ZH: 80 layers, 160 hops a token",
        asks={
            f"{context:,} tokens, hops of {latency} us": ask
            for context, asks in _HOPS.items()
            for latency, ask in zip((1, 10), asks, strict=True)
        },
        checks=_hops,
        labels=("2K tokens", "32K tokens"),
        advice={
            Verdict.RIGHT: "Have the latency between the two racks in the contract.",
            Verdict.WRONG: (
                "Do not refuse a sidecar over microseconds: where hops are dear, plans put whole layers on it instead"
                " of FFNs alone, and lose less than a tenth. Plan with the latency you are offered."
            ),
            Verdict.DEPENDS: (
                "Plan with the latency you are offered, at your contexts: long caches keep attention on HBM."
            ),
        },
        hangs=(
            "One Rubin and 32 LPX chips that may be rented apart from their rack; an 8B has 36 layers, 72 hops if all"
            " are split."
        ),
        see="`placer breakeven` finds the latency a sidecar tolerates",
    ),
    Claim(
        id="B4",
        said="tokens per second follow SRAM bandwidth",
        where="S0, S1, S2 and S3, an overview of vendors",
        asks={"70B, four CS-3": _CS3, "70B, LPU v1": _LPU, "8B, LPX": _LPX},
        checks=_bandwidth,
        labels=("CS-3", "LPU v1", "LPX"),
        advice={
            Verdict.RIGHT: "Compare SRAM machines by bandwidth.",
            Verdict.WRONG: "Never compare SRAM machines by bandwidth: ask for the time of one layer.",
            Verdict.DEPENDS: "Bandwidth says something of some of these machines only: ask for the time of one layer.",
        },
        is_for_buyers=True,
        hangs="Floors of kernels, fitted to published speeds of single users.",
        see="[claims](claims.md) B4, with measured speeds",
    ),
)
