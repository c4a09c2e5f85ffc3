"""What ``placer`` offers, and what merely importing it costs."""

import subprocess
import sys

import pytest

import placer

PUBLIC = ["balance", "compare", "load_fleet", "load_model", "lower", "plan", "predict", "simulate", "verify"]


def _fresh(script):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def _loaded(statement):
    return {name.partition(".")[0] for name in _fresh(f"import sys; {statement}; print(*sys.modules)")}


def test_the_public_names_are_these():
    assert placer.__all__ == PUBLIC
    assert all(callable(getattr(placer, name)) for name in PUBLIC)


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import placer", {"numpy", "ortools", "pydantic", "networkx", "typer"}),
        ("import placer.cli.app", {"numpy", "ortools", "networkx"}),
        ("from placer import plan, predict, verify, lower, load_model, load_fleet", {"ortools", "typer"}),
        ("import placer.verify.verify", {"ortools", "typer", "rich", "simpy"}),
        ("import placer.simulate.simulate", {"ortools", "typer", "rich"}),
        ("import placer.report.plan", {"ortools", "typer"}),
        ("import placer.balance.report", {"ortools", "typer", "rich"}),
    ],
)
def test_importing_costs_no_more_than_it_must(statement, absent):
    assert not _loaded(statement) & absent


@pytest.mark.parametrize(
    "imports",
    [
        "from placer import plan, simulate, verify",
        "import placer.simulate.simulate; from placer import plan, simulate, verify",
        "import placer.plan.plan; import placer.verify.verify; from placer import plan, verify",
        "from placer import plan, verify; import placer.plan.plan; import placer.verify.verify",
        "import placer.api; from placer import plan, verify",
        "from placer.plan.plan import Plan; from placer import plan, verify",
        "from placer.balance.layer import balance_layer; from placer import balance, plan, verify",
    ],
)
def test_plan_and_verify_are_functions_in_any_order_of_imports(imports):
    functions = "(plan, verify, placer.simulate, placer.balance)"
    script = f"import placer; {imports}; print(*(each.__module__ for each in {functions}), placer.plan is plan)"
    assert _fresh(script) == [*["placer.api"] * 4, "True"]
