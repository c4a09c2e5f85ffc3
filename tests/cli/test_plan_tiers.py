"""`placer plan --tier NAME`: figures of the catalog, and their guesses in the provenance."""

from __future__ import annotations

import json

from placer.plan.plan import Plan
from placer.verify.verify import verify_plan


def test_a_plan_names_the_guesses_of_its_tiers_and_hiding_one_is_found(placer, tmp_path):
    path = tmp_path / "plan.json"
    arguments = ("--phase", "decode", "--think-time", "60s", "--paused", "100", "--tier", "bluefield4-cmx", "--tier")
    placer("plan", "llama-3.1-8b", "--fleet", "h100-8x", "--tps-user", "50", *arguments, "nvme-gen5", "-o", str(path))
    raw = json.loads(path.read_text())
    guesses = [name for name in raw["provenance"]["estimates"] if name.startswith(("bluefield4-cmx.", "nvme-gen5."))]
    assert guesses == ["bluefield4-cmx.capacity", "bluefield4-cmx.bandwidth", "bluefield4-cmx.latency"]
    assert verify_plan(Plan.model_validate(raw)).status == "verified"
    raw["provenance"]["estimates"].remove("bluefield4-cmx.capacity")
    assert {finding.check for finding in verify_plan(Plan.model_validate(raw)).findings} == {"provenance"}
