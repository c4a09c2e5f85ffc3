"""The example of docs/kv-tiers.md is what the command prints, and its figures follow by hand."""

import json
import re
import shlex

import pytest

from placer.cli.app import main


@pytest.fixture
def page(repository):
    return (repository / "docs" / "kv-tiers.md").read_text()


def command_of(page):
    return shlex.split(re.search(r"^placer (.*)$", page, re.MULTILINE).group(1))


def test_the_output_is_that_of_the_command(page, capsys):
    assert main(command_of(page)) == 0
    printed = capsys.readouterr().out.split()
    assert printed == re.search(r"```text\n(.*?)```", page, re.DOTALL).group(1).split()


def test_its_figures_follow_by_hand(page, capsys):
    assert main([*command_of(page), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    session = 32_000 * 327_680
    assert answer["session_bytes"] == session
    hbm, ddr, nvme, dropped = answer["tiers"]
    assert ddr["resume_s"] == pytest.approx(session / 2 / 55e9)
    assert nvme["resume_s"] == pytest.approx(80e-6 + session / 2 / 14e9)
    assert ddr["capacity_sessions"] == int(2 * 256e9 / session) == 48
    assert nvme["traffic_sessions"] == int(60 / (7 / 8 * session / 2 / 14e9))
    assert hbm["cost_s"] == pytest.approx(60 * session / 2 / answer["room_bytes"])
    assert ddr["cost_s"] == pytest.approx(7 / 8 * ddr["resume_s"])
    assert ddr["break_even_bytes_per_s"] == pytest.approx(session / 2 / dropped["resume_s"])
    assert ddr["break_even_think_s"] == pytest.approx(7 / 8 * ddr["resume_s"] * answer["room_bytes"] / (session / 2))
    assert answer["pause_cost_s"] == pytest.approx(0.48 * ddr["cost_s"] + 0.52 * nvme["cost_s"])


def test_the_section_of_a_plan_is_what_the_command_prints(page, capsys):
    section = page[page.index("## In a plan") :]
    assert main([*command_of(section), "--quiet"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert " ".join(re.search(r"```text\n(.*?)```", section, re.DOTALL).group(1).split()) in printed
