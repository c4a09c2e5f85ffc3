"""Which questions are the same, and which allow more than others."""

import pytest

from placer.compare.compare import compare_plans
from placer.compare.question import compare_questions
from placer.plan.comparison import Effect, PriceBasis, Relation
from placer.plan.plan import Plan


def _asked(raw, written, changes, name="disaggregated"):
    """Return the question of a hand-made plan, changed, its figures left as they are."""
    plan = raw(name)
    for place, value in changes.items():
        *way, last = place.split(".")
        inner = plan["scenario"]
        for key in way:
            inner = inner[int(key)] if isinstance(inner, list) else inner[key]
        inner[last] = value
    return written(plan).scenario


def _change(raw, written, place, value, name="disaggregated"):
    return compare_questions(_asked(raw, written, {}, name), _asked(raw, written, {place: value}, name))


@pytest.mark.parametrize(
    ("place", "value", "relation"),
    [
        ("target.tokens_per_s_per_user", 1.0, Relation.B_WIDER),
        ("target.tokens_per_s_per_user", 1e6, Relation.A_WIDER),
        ("target.power_cap", "1 W", Relation.A_WIDER),
        ("target.cost_cap", "1 USD/h", Relation.A_WIDER),
        ("target.required_pools", ["line"], Relation.A_WIDER),
        ("target.tokens_per_s", 5.0, Relation.OTHER),
        ("service.ttft", "1 s", Relation.B_WIDER),
        ("service.ttft", None, Relation.B_WIDER),
        ("service.ttft_p99", "1 us", Relation.A_WIDER),
        ("service.max_prefill_load", 0.9, Relation.B_WIDER),
        ("service.forbidden_modes", ["afd"], Relation.A_WIDER),
        ("service.prefix_hit_rate", 0.4, Relation.OTHER),
        ("space.max_stages", 2, Relation.A_WIDER),
        ("space.split_parts", 8, Relation.B_WIDER),
        ("space.split_parts", 6, Relation.OTHER),
        ("space.context_parallel", False, Relation.A_WIDER),
        ("space.max_spare_slots", 1, Relation.B_WIDER),
        ("fleet.pools.0.count", 16, Relation.B_WIDER),
        ("fleet.pools.0.unit", 2, Relation.OTHER),
        ("fleet.name", "elsewhere", Relation.SAME),
        ("fleet.title", "other words", Relation.SAME),
        ("workload.utilisation", 0.5, Relation.OTHER),
        ("workload.sessions", {"turns": 3, "think_time": "60 s"}, Relation.SAME),
        ("workload.output_tokens", 3, Relation.OTHER),
        ("model.vocab_size", 16, Relation.OTHER),
        ("fleet.devices.wide.power", "50 W", Relation.OTHER),
    ],
)
def test_one_field(raw, written, place, value, relation):
    question = _change(raw, written, place, value)
    assert question.relation is relation
    fields = [each.field for each in question.differences]
    if place == "fleet.title":
        assert not fields
    else:
        assert len(fields) == 1
        assert fields[0].startswith(place.split(".")[0])


def test_what_is_looser_one_way_and_stricter_another_is_neither(raw, written):
    changes = {"target.tokens_per_s_per_user": 1.0, "service.ttft": "1 us"}
    question = compare_questions(_asked(raw, written, {}), _asked(raw, written, changes))
    assert question.relation is Relation.OTHER
    assert {each.effect for each in question.differences} == {Effect.A_LOOSER, Effect.B_LOOSER}


def test_a_pool_more_allows_more_and_its_devices_are_told_of_once(raw, written):
    question = compare_questions(_asked(raw, written, {}), _asked(raw, written, {}, "two_pools"))
    assert question.relation is Relation.B_WIDER
    assert [(each.field, each.a) for each in question.differences] == [
        ("fleet.pools[quick]", None),
        ("fleet.links[line, quick]", None),
    ]
    assert question.differences[0].b == "2 x fast, unit 1, domain 1"


def test_a_pool_that_outgrows_its_domain_sends_prompts_over_another_link(raw, written):
    # A pool of one domain hands KV cache over inside, one of several between domains: neither allows all of the other.
    small, large = raw("dense"), raw("dense")
    small["scenario"]["fleet"]["pools"][0] |= {"count": 4, "domain": 4}
    large["scenario"]["fleet"]["pools"][0] |= {"count": 8, "domain": 4}
    assert compare_questions(written(small).scenario, written(large).scenario).relation is Relation.OTHER


def test_prices(raw, written):
    same = _change(raw, written, "fleet.devices.wide.power", "50 W")
    dearer = _change(raw, written, "fleet.devices.wide.price", {"tco": "0.6 USD/h"})
    other = raw("disaggregated")
    other["scenario"]["fleet"]["price_basis"] = "contract"
    other["scenario"]["fleet"]["devices"]["wide"]["price"]["contract"] = "0.5 USD/h"
    based = compare_questions(written(raw("disaggregated")).scenario, written(other).scenario)
    assert [question.prices for question in (same, dearer, based)] == list(PriceBasis)
    assert [each.field for each in dearer.differences] == ["fleet.devices[wide].price.tco"]
    # On a second basis nobody asks about, prices are no difference.
    unused = _change(raw, written, "fleet.devices.wide.price", {"tco": "0.5 USD/h", "contract": "9 USD/h"})
    assert unused.relation is Relation.SAME


def test_other_bases_are_never_compared_in_dollars(raw, written):
    other = raw("dense")
    other["scenario"]["fleet"]["price_basis"] = "contract"
    other["scenario"]["fleet"]["devices"]["chip"]["price"] = {"contract": "0.5 USD/h"}
    other["provenance"]["estimates"] = ["chip.price.contract", "inner.all_reduce"]
    found = compare_plans(written(raw("dense")), written(other))
    assert "OTHER BASES" in found.verdict
    assert not found.prices
    assert not [pair.name for pair in found.figures if "usd" in pair.name]
    assert found.proof.standing == "not compared"
    assert (found.moving.both_usd_per_hour, found.moving.usd) == (None, None)
    assert all(pool.usd_per_hour is None for pool in found.moving.pools)


class TestProof:
    """What bounds say, for prices and bounds made up."""

    def _found(self, raw, written, of_a, of_b):
        sides = []
        for bound, speed in (of_a, of_b):
            plan = raw("dense")
            plan["bound"]["usd_per_million_output_tokens"] *= bound / 0.75
            plan["bound"]["relative_gap"] = 1.0 - bound
            plan["scenario"]["target"]["tokens_per_s_per_user"] = speed
            sides.append(written(plan))
        return compare_plans(*sides).proof

    def test_the_same_question_has_one_optimum_between_the_best_bound_and_the_best_price(self, raw, written):
        proof = self._found(raw, written, (0.5, 15_000.0), (0.8, 15_000.0))
        assert proof.standing == "one optimum"
        price = raw("dense")["metrics"]["usd_per_million_output_tokens"]
        assert f"between ${0.8 * price:.4g} and ${price:.4g}" in proof.text
        assert f"{1 / 0.8 - 1:.2%}" in proof.text

    def test_overlapping_intervals_decide_nothing(self, raw, written):
        proof = self._found(raw, written, (0.9, 15_000.0), (0.5, 14_000.0))
        assert proof.standing == "not decided by the proofs"
        assert proof.saving_usd is None

    def test_a_plan_below_a_bound_that_holds_for_it_is_a_contradiction(self, raw, written, two_replicas):
        for speed in (15_000.0, 14_000.0):
            wider = raw("dense")
            wider["scenario"]["target"]["tokens_per_s_per_user"] = speed
            found = compare_plans(written(two_replicas()), written(wider))
            assert found.question.relation in {Relation.SAME, Relation.B_WIDER}
            assert found.proof.standing == "contradiction"

    def test_what_more_allows_is_proven_to_save(self, raw, written):
        fast = _at_half_rate(raw("dense"))
        cheap = raw("dense")
        cheap["scenario"]["target"]["tokens_per_s_per_user"] = 14_000.0
        proof = compare_plans(written(fast), written(cheap)).proof
        assert proof.standing == "b cheaper, proven"
        price = cheap["metrics"]["usd_per_million_output_tokens"]
        assert proof.saving_usd == pytest.approx(0.75 * 2 * price - price)


def _at_half_rate(plan):
    """Return `dense` with a second unit rented by a second replica far away, and half of its rate asked for: dearer."""
    metrics = plan["metrics"]
    plan["placement"]["replicas"].append({"first_device": {"host": [4]}})
    plan["devices"] = {"pool": 8}
    rate = metrics["tokens_per_s"]
    metrics |= {
        "usd_per_hour": 4.0,
        "power_w": 800.0,
        "users": 32,
        "capacity_tokens_per_s": 2 * rate,
        "joules_per_token": 2 * metrics["joules_per_token"],
        "usd_per_million_output_tokens": 2 * metrics["usd_per_million_output_tokens"],
    }
    plan["scenario"]["target"]["tokens_per_s"] = rate
    plan["bound"]["usd_per_million_output_tokens"] = 0.75 * metrics["usd_per_million_output_tokens"]
    return plan


class TestRefusals:
    """A refusal beside a plan, and two refusals."""

    def _refused(self, plan):
        refusal = {"conflict": ["speed"], "reason": "no plan has the speed", "nearest": []}
        fields = ("status", "verdict", "scenario", "search", "provenance")
        return {name: plan[name] for name in fields} | {"status": "infeasible", "refusal": refusal}

    def test_a_plan_and_a_refusal(self, raw, written):
        refused = self._refused(raw("dense"))
        refused["scenario"]["target"]["tokens_per_s_per_user"] = 1e6
        found = compare_plans(written(raw("dense")), written(refused))
        assert "a is a plan; b is proven infeasible (no plan has the speed)" in found.verdict
        assert found.b.conflict == ("speed",)
        assert (found.moving, found.prices, found.proof.standing) == (None, (), "not compared")
        assert "what a's question allows beyond makes a plan possible" in found.proof.text

    def test_a_refusal_of_what_has_an_answer_is_a_contradiction(self, raw, written):
        found = compare_plans(written(raw("dense")), written(self._refused(raw("dense"))))
        assert found.proof.standing == "contradiction"

    def test_two_refusals(self, raw, written):
        plan = written(self._refused(raw("dense")))
        found = compare_plans(plan, plan)
        assert "b is proven infeasible" in found.proof.text or "so is b" in found.proof.text

    def test_out_of_time(self, raw, written):
        fields = ("verdict", "scenario", "search", "provenance")
        undecided = {name: raw("dense")[name] for name in fields} | {"status": "undecided"}
        found = compare_plans(Plan.model_validate(undecided), written(raw("dense")))
        assert "a ran out of time without a plan" in found.verdict
