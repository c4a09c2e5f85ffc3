"""A replica: its groups, what joins them, and what one microbatch brings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from placer.errors import InternalError
from placer.plan.placement import Role
from placer.verify.recompute.crossing import Crossing
from placer.verify.recompute.group import Group
from placer.verify.recompute.load import Microbatch
from placer.verify.recompute.speculation import NO_DRAFT, Draft


@dataclass(frozen=True)
class Replica:
    """Groups, link and load of every replica, and what drafts on the LM head's stage; all replicas are alike."""

    groups: Mapping[Role, Group]
    crossing: Crossing | None
    batch: Microbatch
    draft: Draft = NO_DRAFT

    def share(self, role: Role) -> int:
        """Return how many microbatches a stage of a group serves together."""
        return math.ceil(self.batch.in_flight / self.groups[role].shape.stages)

    def num_turns(self, role: Role) -> int:
        """Return how often in a step a stage of a group is taken by another share of the microbatches."""
        return math.ceil(self.batch.in_flight / self.share(role))

    @property
    def link(self) -> Crossing:
        """The link between host and sidecar."""
        if self.crossing is None:
            raise InternalError("nothing joins the groups")
        return self.crossing
