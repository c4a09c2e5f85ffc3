"""The verifier shares no code with the search, not even indirectly."""

import subprocess
import sys

FORBIDDEN = ("ortools", "placer.search", "placer.planner", "placer.portfolio", "placer.kv")
COST_ALLOWED = {
    "placer.cost",
    "placer.cost.op_time",
    "placer.cost.collective",
    "placer.cost.expert_load",
    "placer.cost.queueing",
}


def _modules_after(statement):
    script = f"import sys; {statement}; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_importing_the_verifier_loads_neither_search_nor_its_tables():
    loaded = _modules_after("import placer.verify.verify, placer.verify.portfolio.verify")
    assert not [name for name in loaded if name.startswith(FORBIDDEN)]
    assert {name for name in loaded if name.startswith("placer.cost")} <= COST_ALLOWED
