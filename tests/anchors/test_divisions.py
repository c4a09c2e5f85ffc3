"""Trainium and Cerebras in all three divisions of labour, on one fleet: the question decides (``docs/systems.md``)."""

from __future__ import annotations

from collections import Counter

import pytest

from placer.api import build_scenario, plan_scenario, verify
from placer.graph.lower import lower
from placer.model.catalog import load_model
from placer.plan.plan import Plan
from placer.search.service.colocated import MixedSearch

FLEET = "trainium2-cs3"
WORKLOAD = {"input_tokens": 2048, "output_tokens": 512}


def planned(model, tps_user, gap, **parts) -> Plan:
    parts.setdefault("target", {})
    target = {"tokens_per_s_per_user": tps_user, **parts.pop("target")}
    scenario = build_scenario(model, FLEET, workload=WORKLOAD, target=target, **parts)
    answer = plan_scenario(scenario, gap=gap, budget_s=20.0)
    report = verify(answer)
    assert report.status == "verified", report.findings
    return answer


@pytest.mark.slow
def test_prefill_on_trainium_and_decode_on_the_wafers():
    answer = planned("llama-3.1-8b", 1000.0, 0.1, service={})
    assert [group.pool for group in answer.groups] == ["cs3"]
    assert {pool.pool for pool in answer.phases.prefill} == {"trn2"}
    assert answer.phases.colocated is None


@pytest.mark.slow
def test_attention_on_the_wafers_and_experts_on_trainium():
    answer = planned("deepseek-v3", 115.0, 0.5)
    assert {group.pool for group in answer.groups} == {"trn2", "cs3"}
    ways = Counter(layer.way for layer in answer.placement.layers)
    assert ways["direct"] + ways["relay"] >= 50
    pools = {group.role: group.pool for group in answer.groups}
    for layer in answer.placement.layers:
        if layer.way in {"direct", "relay"}:
            assert (pools[layer.attention.role], pools[layer.ffn[0].at.role]) == ("cs3", "trn2")


@pytest.mark.slow
def test_drafts_on_the_wafers_and_verification_on_trainium():
    speculation = {"kind": "model", "draft": load_model("llama-3.1-8b"), "acceptance": (0.8,) * 8, "pool": "cs3"}
    answer = planned("llama-3.1-70b", 300.0, 0.5, speculation=speculation)
    assert [group.pool for group in answer.groups] == ["trn2"]
    assert answer.batch.draft_tokens > 0
    assert answer.speculation.pool.pool == "cs3"


@pytest.mark.parametrize(("required", "pools"), [((), {"trn2", "cs3"}), (("cs3",), {"cs3"}), (("trn2", "cs3"), set())])
def test_replicas_that_prefill_between_steps_use_every_required_pool(required, pools):
    target = {"tokens_per_s_per_user": 50.0, "required_pools": required}
    scenario = build_scenario("llama-3.1-8b", FLEET, workload=WORKLOAD, target=target, service={})
    found = MixedSearch(scenario, lower(scenario.model), scenario.service).search(float("inf"), 0.0).founds
    assert {each.way.shape.pool for each in found} <= pools
    assert bool(found) is bool(pools)
