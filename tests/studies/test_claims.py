"""Verdicts follow from figures: they flip when the figures do, and say nothing that a smaller gap could contradict."""

import itertools
import math
from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.studies.claim import Check, Verdict, verdict_of
from benchmarks.studies.claims.all import CLAIMS
from benchmarks.studies.record import Record
from tests.studies.made_up import planned, refused, undecided

BY_ID = {claim.id: claim for claim in CLAIMS}


def _answers(claim, prices, *, default=1.0):
    """Answers to a claim: prices, or whole answers, by patterns of what its questions are called, the first counts."""
    found = {}
    for pattern in prices:
        assert any(fnmatchcase(name, pattern) for name in claim.asks), (pattern, tuple(claim.asks))
    for name, ask in claim.asks.items():
        matches = [value for pattern, value in prices.items() if fnmatchcase(name, pattern)]
        value = matches[0] if matches else default
        found[ask] = value if not isinstance(value, float | int) else planned(float(value), is_service=ask.is_service)
    return found


def _verdict(identifier, prices, *, default=1.0):
    claim = BY_ID[identifier]
    return verdict_of(claim.checks(_answers(claim, prices, default=default)))


def _check(holds):
    return Check(what="", figure="", holds=holds)


def test_a_verdict_is_that_of_the_checks():
    def said(*holds):
        return verdict_of(tuple(map(_check, holds)))

    assert said(True, True) is Verdict.RIGHT
    assert said(False, False) is Verdict.WRONG
    assert said(True, False) is said(True, None, False) is Verdict.DEPENDS
    assert said(True, None) is said(False, None) is said(None) is Verdict.UNDECIDED
    assert said() is Verdict.NOT_DECIDABLE


def test_a_claim_is_made_once_and_says_what_to_do_whatever_comes_out():
    assert len(BY_ID) == len(CLAIMS)
    for claim in CLAIMS:
        checks = claim.checks(_answers(claim, {}))
        assert len(checks) == len(claim.labels), claim.id
        assert {Verdict.RIGHT, Verdict.WRONG} <= set(claim.advice) < set(Verdict), claim.id
        for outcome in claim.particular:
            said = tuple(_check(holds) for holds in outcome)
            assert len(outcome) == len(checks), claim.id
            assert claim.what_to_do(said) == claim.particular[outcome]
        for outcome in itertools.product((True, False, None), repeat=min(len(checks), 4)):
            assert claim.what_to_do(tuple(_check(holds) for holds in outcome))


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_nothing_is_decided_where_nothing_was_found(claim):
    checks = claim.checks(dict.fromkeys(claim.asks.values(), undecided()))
    assert {check.holds for check in checks} == {None}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
@settings(max_examples=25)
@given(data=st.data())
def test_no_gap_says_what_a_proof_contradicts(claim, data):
    exact, wide = {}, {}
    for ask in claim.asks.values():
        value = math.exp(data.draw(st.floats(-3, 3)))
        above, below = data.draw(st.floats(1, 2)), data.draw(st.floats(0.3, 1))
        exact[ask] = planned(value, is_service=ask.is_service)
        wide[ask] = planned(value * above, value * below, is_service=ask.is_service)
    for sure, unsure in zip(claim.checks(exact), claim.checks(wide), strict=True):
        assert unsure.holds in {None, sure.holds}, (claim.id, sure, unsure)


def test_prefill_on_gpus():
    assert _verdict("B1", {"*everything*": 2.0}) is Verdict.RIGHT
    assert _verdict("B1", {"8B, everything*": 2.0}) is Verdict.DEPENDS
    assert _verdict("B1", {}) is Verdict.WRONG
    assert _verdict("B1", {"8B, everything*": planned(2.0, 0.5, is_service=True)}) is Verdict.UNDECIDED


def test_attention_and_ffn_apart():
    assert _verdict("B2", {"V3, no split": 2.0, "*LPX alone": 2.0}) is Verdict.RIGHT
    assert _verdict("B2", {"V3, no split": 2.0}) is Verdict.DEPENDS
    assert _verdict("B2", {}) is Verdict.WRONG


def test_ffns_on_bandwidth_or_flops():
    on_h20 = planned(1.0, ffn_pools={"h20": 32})
    on_l40s = planned(1.0, ffn_pools={"l40s": 30, "h20": 2})
    both, alone = "Mixtral at 20, H20 and L40S", "Mixtral at 20, H20 alone"
    assert _verdict("B3", {"V3, Rubin alone": 2.0, both: on_h20}) is Verdict.RIGHT
    assert _verdict("B3", {"V3, Rubin alone": 2.0, both: on_l40s, alone: 1.2}) is Verdict.DEPENDS


def test_a_sidecar_at_long_contexts():
    def plan(lpx, price=1.0):
        return planned(price, is_service=True, devices={"rubin": 288, "lpx": lpx})

    alike = {"*Rubin and LPX": plan(1024)}
    assert _verdict("B5", alike | {"*Rubin alone": 1.2}) is Verdict.RIGHT
    assert _verdict("B5", alike | {"8K, Rubin alone": 1.2}) is Verdict.DEPENDS
    assert _verdict("B5", {"8K, Rubin and LPX": plan(256), "*Rubin and LPX": plan(1024)}) is Verdict.WRONG


def test_the_announced_division():
    assert _verdict("B20", {"CS-3 alone": 2.0}) is Verdict.RIGHT
    assert _verdict("B20", {"CS-3 alone": 2.0, "any division": 0.9}) is Verdict.DEPENDS
    assert _verdict("B20", {"any division": 0.9}) is Verdict.WRONG


def test_a_pool_that_drafts():
    edge = {"70B at 300, drafts on Trainium2": refused(), "*CS-3 alone": 2.0}
    assert _verdict("B6", edge | {"32B*, no drafts": 4.0, "32B*, drafts on Rubin": 2.0}) is Verdict.RIGHT
    assert _verdict("B6", edge) is Verdict.DEPENDS
    assert _verdict("B6", {}) is Verdict.WRONG


def test_wafers_and_their_users():
    many = "450 tokens/s, CS-3, 32 users"
    dear = {"50 tokens/s, CS-3": 17.0, many: 3.2, "450 tokens/s, CS-3, 128*": refused()}
    assert _verdict("B7", dear) is Verdict.RIGHT
    assert _verdict("B7", dear | {"450 tokens/s, h200-8x": refused()}) is Verdict.DEPENDS
    assert _verdict("B7", dear | {many: 0.9}) is Verdict.DEPENDS


def test_bandwidth_does_not_make_speed():
    assert _verdict("B4", {}, default=refused()) is Verdict.WRONG
    assert _verdict("B4", {}) is Verdict.RIGHT
    assert _verdict("B4", {"*LPX": 1.0}, default=refused()) is Verdict.DEPENDS


def test_gpus_at_large_batches():
    on_sram = {"* on LPX": 2.0, "* on CS-3": 2.0, "* on LPU v1": 2.0}
    assert _verdict("B9", on_sram) is Verdict.RIGHT
    assert _verdict("B9", {"8B on LPX": 0.5} | on_sram) is Verdict.DEPENDS


def test_the_price_of_idle_machines():
    assert _verdict("B13", {"*, 1 users": 64.0, "*, 8 users": 8.0, "*, 32 users": 2.0}) is Verdict.RIGHT
    assert _verdict("B13", {}) is Verdict.WRONG


def test_price_and_energy():
    def fleets(*watts):
        names = ("*h200*", "*gb200*", "*rubin*", "*mi355x*", "*tpu7x*")
        return {
            name: planned(price, watts_per_usd_per_hour={"pool": watt}, power_w=100.0 * watt)
            for price, (name, watt) in enumerate(zip(names, watts, strict=True), start=1)
        }

    assert _verdict("B16", fleets(512, 512, 512, 512, 512)) is Verdict.WRONG
    assert _verdict("B16", fleets(5120, 512, 512, 512, 512)) is Verdict.RIGHT


def test_energy_of_gb200_and_rubin():
    def verdict(at_50, at_100):
        prices = {"V3 at 50, GB200": at_50, "V3 at 100, GB200": at_100, "V3 at 200, GB200": refused()}
        return _verdict("A20", prices)

    assert verdict(2.0, 35.0) is Verdict.DEPENDS
    assert verdict(2.0, 3.0) is verdict(2.0, 70.0) is Verdict.WRONG


def test_half_the_price():
    at_200 = {"V3 at 200, Rubin alone": refused()}
    assert _verdict("A18", at_200) is Verdict.DEPENDS
    assert _verdict("A18", at_200 | {"*Rubin alone": 2.5}) is Verdict.RIGHT


def test_hops():
    assert _verdict("A19", {"*hops of 10 us": 2.0}) is Verdict.RIGHT
    assert _verdict("A19", {"*hops of 10 us": refused()}) is Verdict.RIGHT
    assert _verdict("A19", {}) is Verdict.WRONG


def test_what_fits():
    assert _verdict("A3", {"three*": refused()}) is Verdict.RIGHT
    assert _verdict("A3", {"four*": refused()}) is Verdict.WRONG
    assert _verdict("A16", {"*BF16": refused(), "DeepSeek-V3": refused()}) is Verdict.DEPENDS
    assert _verdict("A24", {"288*": refused()}) is Verdict.RIGHT


def test_levers():
    assert _verdict("B14", {"all but these": 4.0, "colocated*": 5.0}) is Verdict.RIGHT
    assert _verdict("B14", {"colocated*": 5.0}) is Verdict.DEPENDS
    assert _verdict("B14", {}) is Verdict.WRONG
    assert _verdict("A42", {"*plain": 3.0}) is Verdict.RIGHT
    assert _verdict("A42", {"100*plain": 3.0}) is Verdict.DEPENDS


def test_hot_experts():
    assert _verdict("A13", {"*whole layers only": 1.2}) is Verdict.RIGHT
    assert _verdict("A13", {}) is Verdict.WRONG


def test_sparse_attention():
    assert _verdict("B18", {"*, V3": 2.0}) is Verdict.RIGHT
    assert _verdict("B18", {}) is Verdict.WRONG


def test_shares_of_a_step():
    def step(ffn):
        return planned(1.0, time_s={"attention": 1.0, "ffn": ffn, "floors": 5.0, "path": 9.0})

    assert _verdict("A17", {"2K*": step(3.0), "128K*": step(0.1)}) is Verdict.DEPENDS
    assert _verdict("A17", {"2K*": step(3.0), "128K*": step(2.0)}) is Verdict.RIGHT


def test_busy_multipliers():
    idle, busy = planned(1.0, tokens_per_s=1e3), planned(1.0, tokens_per_s=4e4)
    assert _verdict("A10", {"*at 100": idle, "*at 10": busy}) is Verdict.DEPENDS
    assert _verdict("A10", {"*at 100": idle, "*at 10": idle}) is Verdict.RIGHT


UNPUBLISHED = Record(inputs="made up", status="unpublished", reason="16 figures are not public")


def test_systems_without_figures():
    assert _verdict("B8", {"*MatX*": UNPUBLISHED}) is Verdict.NOT_DECIDABLE
    assert _verdict("B8", {"*Rubin": 2.0}) is Verdict.RIGHT
    assert _verdict("B8", {}) is Verdict.WRONG
    assert _verdict("B19", {"*sidecar": UNPUBLISHED}) is Verdict.NOT_DECIDABLE
    assert _verdict("B19", {"tpu-*": UNPUBLISHED, "TPU7x alone": 2.0}) is Verdict.RIGHT
    assert _verdict("B19", {"TPU7x alone": 2.0, "cloud-*": 2.0}) is Verdict.DEPENDS


def test_a_prefill_accelerator():
    assert _verdict("B11", {"*Rubin alone": 1.2}) is Verdict.RIGHT
    assert _verdict("B11", {"llama-3.1-8b, Rubin alone": 1.2}) is Verdict.DEPENDS
    assert _verdict("B11", {}) is Verdict.WRONG


def test_cards_and_their_capacity():
    assert _verdict("B12", {"DeepSeek-V3*": refused(), "70B in *": 2.0}) is Verdict.RIGHT
    assert _verdict("B12", {"DeepSeek-V3*": refused()}) is Verdict.DEPENDS
    assert _verdict("B12", {}) is Verdict.WRONG
