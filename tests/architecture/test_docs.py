"""What the documentation says is run: commands, Python, figures, links, generated pages."""

import doctest
import importlib.util
import re
import shlex
from pathlib import Path

import pytest
import typer

from placer.catalog.loader import load_fleet
from placer.cli.app import build_app, main
from placer.model.catalog import load_model

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAVED_AS = re.compile(r"[Ss]ave (?:it|this) as `([\w.-]+)`")
# Solves for ten seconds: `.ci/run` and the benchmarks do that.
SLOW = "--fleet vera-rubin-nvl72-lpx"
VERDICT = re.compile(
    r"\S+ on \S+: [^$]+, \$[\d.e-]+/M input and \$[\d.e-]+/M output tokens \(\$[\d.e-]+ a request\), "
    r"[\d.]+ tokens/s/user, TTFT [\d.]+ m?s, [\d.]+( [kMG])? tokens/s, [\d.]+ [kM]?W "
    r"\([\d.]+ J/token\), proven (optimal|within [\d.]+ % of optimal), [\d.]+ s"
)


def _name(page):
    return str(page.relative_to(ROOT))


def _blocks(page, language):
    return [body for kind, body in FENCE.findall(page.read_text()) if kind == language]


def _commands(page):
    return [line for block in _blocks(page, "sh") for line in block.splitlines() if line.startswith("placer ")]


def _save_files(page, folder):
    """Write the YAML blocks of a page to the files the text before them names."""
    text = page.read_text()
    for match in FENCE.finditer(text):
        named = SAVED_AS.findall(text[: match.start()])
        if match.group(1) == "yaml" and named:
            (folder / named[-1]).write_text(match.group(2))


@pytest.fixture(scope="module")
def generate():
    """The module that writes the reference pages."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["cli.md", "data-dictionary.md"])
def test_generated_pages_are_up_to_date(generate, page):
    assert (ROOT / "docs" / page).read_text() == generate.PAGES[page](), "run python docs/generate.py"


def test_every_field_of_plan_and_fleet_has_a_meaning(generate):
    fields = [
        (model, name, field)
        for model in (*generate.PLAN, *generate.FLEET)
        for name, field in model.model_fields.items()
    ]
    assert not [f"{model.__name__}.{name}" for model, name, field in fields if not field.description]


@pytest.mark.parametrize("page", [page for page in PAGES if _commands(page)], ids=_name)
def test_commands_run(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    _save_files(page, tmp_path)
    for line in _commands(page):
        assert SLOW in line or main(shlex.split(line)[1:]) == 0, (line, capsys.readouterr().err)


def test_readme_python_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (block,) = _blocks(ROOT / "README.md", "python")
    exec(compile(block, "README.md", "exec"), {})
    assert VERDICT.search(capsys.readouterr().out)


def test_library_page_runs():
    text = "\n".join(_blocks(ROOT / "docs" / "library.md", "python"))
    test = doctest.DocTestParser().get_doctest(text, {}, "library.md", "docs/library.md", 0)
    report = []
    results = doctest.DocTestRunner().run(test, out=report.append)
    assert results.attempted > 20
    assert results.failed == 0, "".join(report)


class TestReadme:
    """The first thing a user sees."""

    TEXT = (ROOT / "README.md").read_text()

    def test_it_is_short_and_has_no_badges(self):
        assert len(self.TEXT.splitlines()) <= 150
        pictures = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", self.TEXT)
        assert pictures == ["docs/industry-deepseek-8k.svg"]

    def test_the_plan_command_is_understood(self):
        (line,) = (line for line in _blocks(ROOT / "README.md", "sh")[0].splitlines() if "placer plan" in line)
        install, _, command = line.partition(" && ")
        assert install == "pip install ."
        arguments = shlex.split(command)[2:]
        context = typer.main.get_command(build_app()).commands["plan"].make_context("plan", arguments)
        assert load_model(context.params["model"]).name == "deepseek-ai/DeepSeek-V3"
        assert load_fleet(context.params["fleet"]).name in SLOW
        assert context.params["tps_user"] == 100

    def test_the_output_under_it_is_that_of_a_plan(self):
        text = re.search(r"output of the command above: begin.*?```text\n(.*?)```", self.TEXT, re.DOTALL).group(1)
        assert VERDICT.match(" ".join(text.split()))
        assert text.startswith("deepseek-ai/DeepSeek-V3 on vera-rubin-nvl72-lpx: ")
        for part in (
            "host",
            "memory of the fullest device",
            "step time",
            "binding: ",
            "without lpx: ",
            "estimated figures",
        ):
            assert part in text

    def test_the_second_command_tests(self):
        assert "pip install '.[dev]' && python -m pytest" in _blocks(ROOT / "README.md", "sh")[1]


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page.read_text())):
        if "://" not in target:
            file, _, anchor = target.partition("#")
            found = page.parent / file if file else page
            assert found.exists(), target
            headings = re.findall(r"^#+ (.+)$", found.read_text(), re.MULTILINE) if anchor else []
            assert not anchor or anchor in {heading.lower().replace(" ", "-") for heading in headings}, target


def test_code_cites_equations_and_pages_that_exist():
    known = set(re.findall(r"\b([A-H]\d+)\b", (ROOT / "docs" / "physics.md").read_text()))
    for path in [*ROOT.glob("placer/**/*.py"), *ROOT.glob("tests/**/*.py")]:
        text = path.read_text()
        for ids in re.findall(r"physics ((?:[A-H]\d+(?:, )?)+)", text):
            assert set(re.findall(r"[A-H]\d+", ids)) <= known, (path, ids)
        for page in re.findall(r"docs/[\w/-]+\.md", text):
            assert "legacy" in page or (ROOT / page).is_file(), (path, page)
