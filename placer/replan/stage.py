"""Stages of a plan as re-placement sees them: which devices are ranks for experts, and which of them are alive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from placer.errors import InputError
from placer.plan.placement import GroupPlan, Placement, Role
from placer.plan.plan import Plan, Status
from placer.replan.devices import Device, device_name


@dataclass(frozen=True)
class Block:
    """One stage of one group of one replica: consecutive devices of a pool."""

    replica: int
    shape: GroupPlan
    stage: int
    first: int

    @property
    def devices(self) -> tuple[Device, ...]:
        """Its devices, by offset."""
        return tuple((self.shape.pool, self.first + offset) for offset in range(self.shape.width))

    @property
    def rank_devices(self) -> tuple[tuple[Device, ...], ...]:
        """Devices of every expert rank."""
        cuts = self.shape.expert_tp
        return tuple(self.devices[start : start + cuts] for start in range(0, self.shape.width, cuts))


@dataclass(frozen=True)
class Stage:
    """A block with what is lost of it and what joins it.

    Attributes
    ----------
    block
        As planned.
    ranks
        Numbers of the expert ranks that serve; those beyond the planned ones are new.
    devices
        Devices of these ranks.
    lost
        Devices of the block that are lost.
    """

    block: Block
    ranks: tuple[int, ...]
    devices: tuple[tuple[Device, ...], ...]
    lost: tuple[Device, ...]

    @property
    def is_changed(self) -> bool:
        """Whether it has other ranks than planned."""
        return self.ranks != tuple(range(len(self.block.rank_devices)))

    @property
    def rank_names(self) -> tuple[str, ...]:
        """Name of the first device of every rank."""
        return tuple(device_name(devices[0]) for devices in self.devices)


def assert_planned(plan: Plan, where: str) -> Placement:
    """Return the placement of a plan.

    Raises
    ------
    InputError
        If it is a refusal or undecided.
    """
    if plan.status is not Status.PLANNED or plan.placement is None:
        raise InputError(f"expected a plan with a placement, got one that is {plan.status}", where=where)
    return plan.placement


def blocks_of(plan: Plan, placement: Placement) -> tuple[Block, ...]:
    """Return all blocks of all replicas."""
    shapes = {shape.role: shape for shape in plan.groups}
    return tuple(
        Block(number, shapes[role], stage, first)
        for number, replica in enumerate(placement.replicas)
        for role, firsts in replica.first_device.items()
        for stage, first in enumerate(firsts)
    )


def holds_experts(placement: Placement, role: Role, stage: int) -> bool:
    """Return whether any layer's routed experts lie on a stage."""
    return any(
        part.experts is not None and (part.at.role, part.at.stage) == (role, stage)
        for layer in placement.layers
        for part in layer.ffn
    )


def stages_after(
    plan: Plan, placement: Placement, lost: Sequence[Device], added: Sequence[Device]
) -> tuple[Stage, ...]:
    """Return the stages once devices are lost and others have joined.

    A lost device takes its whole expert rank along. Devices that join become expert ranks of the stage of their pool
    that lost most, of the first one where none lost any.

    Raises
    ------
    InputError
        If a device that is lost is not in use, one that joins is, or too few join to make a rank.
    """
    blocks = blocks_of(plan, placement)
    used = {device for block in blocks for device in block.devices}
    for device in lost:
        if device not in used:
            raise InputError(f"{device_name(device)} is not used by the plan", where="--lost")
    for device in added:
        if device in used:
            raise InputError(f"{device_name(device)} is used by the plan already", where="--add")
    joining = _joining(placement, blocks, set(lost), added)
    return tuple(_after(block, set(lost), joining.get(index, ())) for index, block in enumerate(blocks))


def _joining(
    placement: Placement, blocks: Sequence[Block], lost: set[Device], added: Sequence[Device]
) -> dict[int, tuple[Device, ...]]:
    joining: dict[int, tuple[Device, ...]] = {}
    for pool in dict.fromkeys(pool for pool, _ in added):
        open_ = [
            index
            for index, block in enumerate(blocks)
            if block.shape.pool == pool and holds_experts(placement, block.shape.role, block.stage)
        ]
        if not open_:
            raise InputError(f"no routed experts lie on pool {pool}, so none of its devices can join", where="--add")
        chosen = max(open_, key=lambda index: (len(lost & set(blocks[index].devices)), -index))
        devices = tuple(device for device in added if device[0] == pool)
        cuts = blocks[chosen].shape.expert_tp
        if len(devices) % cuts:
            raise InputError(f"an expert is cut over {cuts} devices; {len(devices)} make no whole ranks", where="--add")
        joining[chosen] = devices
    return joining


def _after(block: Block, lost: set[Device], joining: tuple[Device, ...]) -> Stage:
    planned, cuts = block.rank_devices, block.shape.expert_tp
    alive = [rank for rank, devices in enumerate(planned) if not lost & set(devices)]
    new = [joining[start : start + cuts] for start in range(0, len(joining), cuts)]
    return Stage(
        block=block,
        ranks=(*alive, *range(len(planned), len(planned) + len(new))),
        devices=(*(planned[rank] for rank in alive), *new),
        lost=tuple(device for device in block.devices if device in lost),
    )
