"""``placer traffic``: table, JSON, detection, and the samples beside the repository."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from placer.traffic.statistics import TrafficStatistics

ROWS = ((0, 6758, 500, [*range(14)]), (1000, 6758, 500, [*range(13), 99]))


@pytest.fixture
def trace(tmp_path, write_mooncake):
    """A Mooncake trace of two requests."""
    path = tmp_path / "trace.jsonl"
    path.write_text(write_mooncake(ROWS))
    return path


def test_the_table_ends_with_the_options_to_plan_with(run_placer, trace):
    code, out, err = run_placer("traffic", trace)
    assert (code, err) == (0, "")
    assert out.startswith("mooncake: 2 request(s)\n")
    assert out.rstrip().endswith("--isl 6758 --osl 500")
    assert "\x1b" not in out
    for figure in ("7,008.5", "7,258", f"{13 * 512 / 2 / 6758:.1%}"):
        assert figure in out


def test_json_has_the_schema_and_null_for_what_is_not_told(run_placer, trace):
    code, out, err = run_placer("traffic", trace, "--json")
    assert (code, err) == (0, "")
    raw = json.loads(out)
    assert list(raw) == [
        *("schema_version", "format", "num_requests", "num_failed", "input_tokens", "output_tokens"),
        *("mean_context", "capacity_context", "prefix_hit_rate", "arrivals", "equivalent"),
    ]
    assert raw["schema_version"] == 1
    assert raw["equivalent"] == {"input_tokens": 6758, "output_tokens": 500}
    assert raw["arrivals"]["dispersion_index"] is None
    assert TrafficStatistics.model_validate(raw).capacity_context == 7258


def test_every_field_has_a_meaning():
    models = [
        TrafficStatistics,
        *(TrafficStatistics.model_fields[name].annotation for name in ("arrivals", "equivalent")),
    ]
    models.append(TrafficStatistics.model_fields["input_tokens"].annotation)
    assert not [name for model in models for name, field in model.model_fields.items() if not field.description]


def test_the_name_of_a_file_does_not_matter(run_placer, trace):
    other = trace.rename(trace.with_name("trace.csv"))
    assert run_placer("traffic", other)[0] == 0


def test_the_command_loads_no_solver(repository, trace):
    code = (
        f"import sys; from placer.cli.app import main; code = main(['traffic', {str(trace)!r}])\n"
        "sys.exit(code or bool({'ortools', 'networkx'} & set(sys.modules)))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, check=False).returncode == 0
    )


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "form", "options"),
    [("mooncake.jsonl", "mooncake", "--isl 6758 --osl 500"), ("azure_llm_2023.csv", "azure", "--isl 4808 --osl 10")],
)
def test_published_samples(run_placer, shared, name, form, options):
    path = shared / "exports" / "imports" / name
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    code, out, _ = run_placer("traffic", path)
    assert code == 0
    assert out.startswith(f"{form}: 1 request(s)")
    assert options in out
