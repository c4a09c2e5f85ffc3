"""From the devices that prefill to those that decode: KV cache on the link, and when the first token is there.

TTFT = wait + prefill + what is seen of the transfer (``docs/service.md``; physics E2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from placer.catalog.fleet import Fleet
from placer.cost.prefill import PrefillKind, exposed_s
from placer.cost.shape import GroupShape
from placer.graph.model_graph import ModelGraph
from placer.scenario.service import Service


@dataclass(frozen=True)
class Route:
    """The way of KV cache from a pool to another, or within one.

    Attributes
    ----------
    latency_s
        One way.
    out_bytes_per_s, in_bytes_per_s
        What one device sends, and one receives.
    """

    latency_s: float
    out_bytes_per_s: float
    in_bytes_per_s: float

    @property
    def bytes_per_s(self) -> float:
        """Rate of one prompt: it goes from one device to one other."""
        return min(self.out_bytes_per_s, self.in_bytes_per_s)


def route_between(fleet: Fleet, source: str, target: str) -> Route | None:
    """Return the way of KV cache between two pools; None where no link joins them.

    Within a pool it is the link between scale-up domains, where there are several.
    """
    if source == target:
        pool = fleet.pool(source)
        inside, outside = fleet.inner_links(source)
        link = inside if pool.count <= pool.domain else outside
        if link is None:
            return None
        return Route(link.latency, link.effective_bytes_per_s, link.effective_bytes_per_s)
    cross = fleet.cross_link(source, target)
    if cross is None:
        return None
    latency_s = fleet.link_types[cross.link].latency
    return Route(latency_s, fleet.port_bytes_per_s(cross, source), fleet.port_bytes_per_s(cross, target))


def prompt_kv_bytes(model: ModelGraph, input_tokens: int) -> int:
    """Return the KV cache, indices and states of a prompt, nothing replicated [B]."""
    return sum(ops.core.held_bytes(input_tokens) for ops in model.layer_ops)


def routes_between(fleet: Fleet, source: str, targets: Sequence[str]) -> list[Route] | None:
    """Return the ways of KV cache from a pool to several; None where one of them cannot be reached."""
    routes = [route_between(fleet, source, target) for target in targets]
    known = [route for route in routes if route is not None]
    return known if len(known) == len(routes) else None


def sent_per_s(model: ModelGraph, input_tokens: int, routes: Sequence[Route]) -> float:
    """Return the prompts whose KV cache the ports of one device send on, whichever of some ways they go [1/s]."""
    return min(route.out_bytes_per_s for route in routes) / max(1, prompt_kv_bytes(model, input_tokens))


def first_token_s(
    model: ModelGraph, kind: PrefillKind, service: Service, input_tokens: int, route: Route
) -> tuple[float, float]:
    """Return the time to first token of a prompt that does not wait, and what of it is seen of the transfer [s].

    KV cache that was found is loaded layer by layer ahead of prefill, and all of it sent on behind it.
    """
    layers, total = len(model.layer_ops), prompt_kv_bytes(model, input_tokens)
    seen = route.latency_s + exposed_s(total / route.bytes_per_s, kind.latency_s, layers)
    return kind.latency_s + reload_s(model, kind.shape, kind.latency_s, service, input_tokens) + seen, seen


def reload_s(model: ModelGraph, shape: GroupShape, prefill_s: float, service: Service, input_tokens: int) -> float:
    """Return what is seen of loading KV cache that was found: every device loads its share (physics E3) [s]."""
    found = input_tokens - service.new_tokens(input_tokens)
    if service.prefix_bandwidth is None or not found:
        return 0.0
    share = sum(ops.core.held_bytes(found, shape.tp) for ops in model.layer_ops) / shape.stages
    return exposed_s(share / service.prefix_bandwidth, prefill_s, len(model.layer_ops))
