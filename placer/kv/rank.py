"""A data-parallel rank that keeps sessions: what a session weighs on it, what fits, and what recomputing it takes."""

from __future__ import annotations

from dataclasses import dataclass

from placer.cost.block_bytes import kv_bytes_per_sequence
from placer.cost.group import Group
from placer.graph.model_graph import ModelGraph
from placer.kv.prefill import prefill_s
from placer.kv.weights import model_weight_bytes


@dataclass(frozen=True)
class Rank:
    """Models on the devices of a stage; one data-parallel rank of them keeps a session.

    Attributes
    ----------
    group
        Devices, links and degrees; one stage.
    models
        The model, and its draft model where there is one: both keep KV cache of a session.
    """

    group: Group
    models: tuple[ModelGraph, ...]

    @property
    def tp(self) -> int:
        """Devices of the rank."""
        return self.group.shape.tp

    def weight_bytes(self) -> int:
        """Return the weights of all models on one device [B]; experts are spread over the whole stage."""
        return sum(model_weight_bytes(self.group, model) for model in self.models)

    def room_bytes(self) -> int:
        """Return what one device has left for KV cache beside weights and reserve [B]; negative where they do not fit.

        Activations are left out: paused sessions have none.
        """
        device, weights = self.group.device, self.weight_bytes()
        if device.is_split:
            return device.usable_cache_bytes if weights <= device.usable_bytes else device.usable_bytes - weights
        return device.usable_bytes - weights

    def device_bytes(self, context: int) -> int:
        """Return what each device keeps of a session at a context, in whole pages, copies included [B]."""
        return sum(
            entry.count * kv_bytes_per_sequence(self.group, entry.ops.core, context)
            for model in self.models
            for entry in model.layer_classes
        )

    def stored_bytes(self, context: int) -> int:
        """Return what a session weighs at a context where every byte is kept once [B]."""
        tokens = self.group.device.paged(context)
        return sum(
            entry.count * entry.ops.core.held_bytes(tokens) for model in self.models for entry in model.layer_classes
        )

    def recompute_s(self, context: int) -> float:
        """Return the time to prefill a session again, at the devices' MFU (physics A3, E3).

        Floors, reads of weights, collectives and uneven experts are left out: prefill takes longer, never less.
        """
        return sum(
            entry.count * prefill_s(self.group, entry.ops, context)
            for model in self.models
            for entry in model.layer_classes
        )
