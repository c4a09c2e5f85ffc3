"""A question of a study: what a reader types, and the scenario it stands for."""

from __future__ import annotations

import shlex
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from placer.api import build_scenario
from placer.catalog.loader import load_fleet
from placer.model.catalog import load_model
from placer.model.served import stored_as
from placer.scenario.routing_presets import PRESETS
from placer.scenario.scenario import Scenario
from placer.sweep.question import Question

#: Folder of the checkout; fleet files of studies are named from there.
ROOT = Path(__file__).resolve().parents[2]


class Ask(BaseModel):
    """Arguments of one ``placer plan``; decode only unless ``is_service``.

    Every field is an option of the command of the same name; ``no`` are the modes that are forbidden.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    fleet: str
    tps_user: float
    isl: int = 8192
    osl: int = 1024
    is_service: bool = False
    prefix_hits: float | None = None
    tps: float | None = None
    no: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    weights: str | None = None
    experts: str | None = None
    routing: str | None = None
    split_parts: int | None = None
    speculate: str | None = None
    acceptance: float | None = None
    max_draft: int | None = None
    draft_pool: str | None = None
    gap: float = 0.02
    budget_s: float = 40.0

    @property
    def command(self) -> str:
        """The command line, to be run in a checkout."""
        words = ["placer", "plan", self.model, "--fleet", self.fleet, "--tps-user", f"{self.tps_user:g}"]
        words += ["--isl", str(self.isl), "--osl", str(self.osl)]
        words += [] if self.is_service else ["--phase", "decode"]
        words += [word for mode in self.no for word in ("--mode", f"no-{mode}")]
        words += [word for pool in self.require for word in ("--require", pool)]
        given: dict[str, object] = {
            "--prefix-hits": self.prefix_hits,
            "--tps": self.tps,
            "--weights": self.weights,
            "--experts": self.experts,
            "--routing": self.routing,
        }
        given |= {"--split-parts": self.split_parts, "--speculate": self.speculate, "--acceptance": self.acceptance}
        given |= {"--max-draft": self.max_draft, "--draft-pool": self.draft_pool}
        given |= {"--gap": self.gap, "--budget-s": self.budget_s}
        for option, value in given.items():
            if value is not None:
                words += [option, f"{value:g}" if isinstance(value, float) else str(value)]
        return shlex.join(words)

    def scenario(self) -> Scenario:
        """Return what is asked.

        Raises
        ------
        InputError
            If model, fleet or a value is unknown.
        """
        spec = stored_as(load_model(self.model), weights=self.weights, experts=self.experts)
        fleet = load_fleet(str(ROOT / self.fleet) if self.fleet.endswith(".yaml") else self.fleet)
        workload: dict[str, object] = {"input_tokens": self.isl, "output_tokens": self.osl}
        if self.routing is not None:
            workload["routing"] = next(preset.profile for preset in PRESETS if preset.name == self.routing)
        target: dict[str, object] = {"tokens_per_s_per_user": self.tps_user, "required_pools": self.require}
        target |= {} if self.tps is None else {"tokens_per_s": self.tps}
        return build_scenario(
            spec,
            fleet,
            workload=workload,
            target=target,
            space={} if self.split_parts is None else {"split_parts": self.split_parts},
            speculation=self._speculation(),
            service={"forbidden_modes": self.no, "prefix_hit_rate": self.prefix_hits or 0.0}
            if self.is_service
            else None,
        )

    def _speculation(self) -> dict[str, object] | None:
        if self.speculate is None:
            return None
        is_mtp = self.speculate == "mtp"
        fields: dict[str, object] = (
            {"kind": "mtp"} if is_mtp else {"kind": "model", "draft": load_model(self.speculate)}
        )
        fields |= {"acceptance": self.acceptance, "max_draft_tokens": self.max_draft, "pool": self.draft_pool}
        return {name: value for name, value in fields.items() if value is not None}

    def question(self) -> Question:
        """Return the question with the limits of its search.

        Raises
        ------
        InputError
            As `scenario`.
        """
        return Question(scenario=self.scenario(), relative_gap=self.gap, budget_s=self.budget_s)
