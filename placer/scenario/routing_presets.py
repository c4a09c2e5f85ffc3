"""Routing profiles by name, for when nobody has counted.

Each is a zipf law whose exponent was fitted once, by least squares, to measured shares of the hottest tenth (6 of 64)
and quarter (16 of 64) of the experts; ``tests/traffic/test_routing_presets.py`` repeats the fit. One exponent cannot
meet two shares, so the fitted ones stand beside them. At other numbers of experts the shares of a zipf law differ.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from placer.errors import ScenarioError, nearest_hint
from placer.scenario.routing import UNIFORM, RoutingKind, RoutingProfile

#: Experts at which the shares hold.
FITTED_EXPERTS = 64

Share = Annotated[float, Field(gt=0, lt=1)]


class RoutingPreset(BaseModel):
    """A zipf law with the measured shares it stands for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="name of the preset")
    about: str = Field(description="which traffic it is like")
    exponent: Annotated[float, Field(ge=0, le=10)] = Field(description="of the zipf law; 0 is uniform")
    top10_share: Share | None = Field(
        default=None, description="measured share of the hottest tenth; null = not measured"
    )
    top25_share: Share = Field(description="measured share of the hottest quarter")
    source: str = Field(description="where the shares were measured")

    @property
    def profile(self) -> RoutingProfile:
        """The profile of a workload."""
        return RoutingProfile(kind=RoutingKind.ZIPF, exponent=self.exponent) if self.exponent else UNIFORM


_OLMOE = "counts of github.com/allenai/OLMoE @ 357454f, scripts/routing_output"

#: Uniform, and three steps of skew.
PRESETS: tuple[RoutingPreset, ...] = (
    RoutingPreset(
        name="uniform",
        about="every expert alike; the shares are exact",
        exponent=0.0,
        top10_share=6 / 64,
        top25_share=16 / 64,
        source="definition",
    ),
    # Fitted: 28.5 %, CV 0.10. With 8 experts there is no tenth; the quarter is 2 of 8, mean of 5 domains x 3 layers.
    RoutingPreset(
        name="mixtral",
        about="near uniform, as Mixtral-8x7B in every domain",
        exponent=0.104,
        top25_share=0.2855,
        source=f"{_OLMOE}/mistral: Mixtral-8x7B-v0.1, top 2 of 8, layers 0, 7, 15",
    ),
    # Fitted: 21.1 % and 41.1 %, CV 0.49.
    RoutingPreset(
        name="mixed",
        about="many kinds of requests together",
        exponent=0.4063,
        top10_share=0.20,
        top25_share=0.42,
        source=f"{_OLMOE}/olmoe: OLMoE-1B-7B, top 8 of 64, equal mix of five domains, rounded",
    ),
    # Fitted: 42.4 % and 63.3 %, CV 1.44 (measured 1.2 to 1.3).
    RoutingPreset(
        name="domain",
        about="one kind of request, such as code",
        exponent=0.8414,
        top10_share=0.40,
        top25_share=0.66,
        source=f"{_OLMOE}/olmoe: OLMoE-1B-7B, top 8 of 64, GitHub and arXiv, rounded",
    ),
)


def routing_preset(name: str) -> RoutingPreset:
    """Return a preset by name.

    Raises
    ------
    ScenarioError
        If there is none of that name; the message names the nearest.
    """
    by_name = {preset.name: preset for preset in PRESETS}
    if name not in by_name:
        raise ScenarioError(f'unknown routing "{name}"{nearest_hint(name, by_name)}; known are {", ".join(by_name)}')
    return by_name[name]
