"""What splitting a decode step over two kinds of devices could bring, by arithmetic alone.

Experts a batch touches and what keeping the hottest elsewhere saves (physics B1, B4), hops between attention and FFN,
and what faster FFNs are worth at most (Amdahl).
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from placer.errors import InputError
from placer.graph.model_graph import ModelGraph
from placer.graph.roofline import Share
from placer.scenario.routing import RoutingProfile

#: One-way latencies and FFN speed-ups that are told, for want of published figures.
HOP_LATENCIES_S = (1e-6, 3e-6, 5e-6, 10e-6)
SPEED_UPS = (2.0, 3.0, 4.0, 5.0, 6.0, 10.0)

Amount = Annotated[float, Field(ge=0)]


class ExpertsTouched(BaseModel):
    """Experts of one layer that a batch touches."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: Annotated[int, Field(ge=1)]
    touched: Amount = Field(description="distinct experts, expected")
    cold_touched: Amount = Field(description="those of them that are not among the hot")
    saved_share: Share = Field(description="of the expert bytes read that hot experts kept elsewhere save")


class ExpertUse(BaseModel):
    """What routing does to the experts of one layer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_experts: Annotated[int, Field(ge=1)]
    top_k: Annotated[int, Field(ge=1)]
    routing: str
    num_hot: Annotated[int, Field(ge=0)] = Field(description="hottest experts, kept elsewhere")
    hot_share: Share = Field(description="of routed tokens that go to the hot experts")
    needs_no_cold: Share = Field(description="chance, at most, that all experts of a token are hot")
    batches: tuple[ExpertsTouched, ...]


class HopLatency(BaseModel):
    """What one-way hops of some latency come to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    latency_s: Amount
    every_layer_s: Amount = Field(description="per token, two hops in every layer")
    every_layer_tokens_per_s: Amount = Field(description="most per user, nothing else counted")
    full_attention_s: Amount = Field(description="per token, two hops in layers of full attention only")


class Hops(BaseModel):
    """Time a token spends between attention and FFN if they are on different devices."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_layers: Annotated[int, Field(ge=1)]
    full_attention_layers: Annotated[int, Field(ge=0)] = Field(description="whose cache grows with every token")
    layer_budget_s: Amount | None = Field(description="time of a layer at the asked speed; null = none asked")
    latencies: tuple[HopLatency, ...]


class FfnSpeedUp(BaseModel):
    """What a faster FFN is worth for the whole step, transfers not counted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ffn: Amount | None = Field(description="times as fast; null = infinitely")
    step: Amount = Field(description="times as fast")


def expert_use(model: ModelGraph, routing: RoutingProfile, num_hot: int, batches: tuple[int, ...]) -> ExpertUse | None:
    """Return what a routing profile does to the experts of a layer, or None where a model has none.

    Raises
    ------
    InputError
        If there are fewer experts than are to be hot.
    ScenarioError
        If the profile is one of another number of experts.
    """
    moe = next((ops.moe for ops in model.layer_ops if ops.moe is not None), None)
    if moe is None:
        if num_hot:
            raise InputError(f"{model.spec.name} has no routed experts", where="--hot")
        return None
    if num_hot > moe.num_experts:
        raise InputError(f"expected at most the {moe.num_experts} experts of a layer, got {num_hot}", where="--hot")
    selection = -np.sort(-routing.selection_probability(moe.num_experts, moe.top_k))
    cold = selection[num_hot:]
    return ExpertUse(
        num_experts=moe.num_experts,
        top_k=moe.top_k,
        routing=routing.label,
        num_hot=num_hot,
        hot_share=min(1.0, float(selection[:num_hot].sum()) / moe.top_k),
        # Experts are drawn without replacement, so missing one makes missing another no likelier.
        needs_no_cold=float(np.prod(1.0 - cold)),
        batches=tuple(_touched(selection, num_hot, batch) for batch in batches),
    )


def _touched(selection: np.ndarray[tuple[int], np.dtype[np.float64]], num_hot: int, batch: int) -> ExpertsTouched:
    touched = 1.0 - np.power(1.0 - selection, batch)
    every, cold = float(touched.sum()), float(touched[num_hot:].sum())
    return ExpertsTouched(batch=batch, touched=every, cold_touched=cold, saved_share=max(0.0, 1.0 - cold / every))


def hops(model: ModelGraph, tokens_per_s_per_user: float | None = None) -> Hops:
    """Return what hops between attention and FFN cost a token.

    Parameters
    ----------
    model
        The lowered model.
    tokens_per_s_per_user
        Speed to tell the time of a layer of; none where absent.
    """
    cores = [ops.core for ops in model.layer_ops]
    full = sum(bool(core.caches) and core.window is None for core in cores)
    layers = len(cores)
    return Hops(
        num_layers=layers,
        full_attention_layers=full,
        layer_budget_s=1.0 / tokens_per_s_per_user / layers if tokens_per_s_per_user else None,
        latencies=tuple(
            HopLatency(
                latency_s=latency,
                every_layer_s=2 * layers * latency,
                every_layer_tokens_per_s=1.0 / (2 * layers * latency),
                full_attention_s=2 * full * latency,
            )
            for latency in HOP_LATENCIES_S
        ),
    )


def ffn_speed_ups(ffn_time_share: float) -> tuple[FfnSpeedUp, ...]:
    """Return what faster FFNs are worth if they take such a share of a step: ``1 / (1 - f + f/s)``.

    >>> [round(entry.step, 2) for entry in ffn_speed_ups(0.6)]
    [1.43, 1.67, 1.82, 1.92, 2.0, 2.17, 2.5]
    """
    rest = 1.0 - ffn_time_share
    steps = [FfnSpeedUp(ffn=factor, step=1.0 / (rest + ffn_time_share / factor)) for factor in SPEED_UPS]
    return (*steps, FfnSpeedUp(ffn=None, step=1.0 / rest)) if rest > 0 else tuple(steps)
