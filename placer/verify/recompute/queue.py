"""How many prompts like servers may take in, and how long prompts wait (``docs/service.md``, "Waits and load")."""

from __future__ import annotations

import math
from dataclasses import dataclass

from placer.cost.queueing import greatest_rate
from placer.scenario.service import Service


@dataclass(frozen=True)
class Servers:
    """Slots for prompts, all alike.

    Attributes
    ----------
    slots
        Prompts served at a time.
    service_s
        How long a slot is taken by a prompt.
    rest_s
        Time to first token beside the wait.
    ports_per_s
        Prompts whose KV cache can be sent [1/s].
    """

    slots: int
    service_s: float
    rest_s: float
    ports_per_s: float = math.inf

    def load(self, prompts_per_s: float) -> float:
        """Return the share of the time in which a slot is taken."""
        return prompts_per_s * self.service_s / self.slots

    def most_per_s(self, service: Service) -> float:
        """Return how many prompts they may take in: load, time to first token and ports allow it [1/s]."""
        most = min(service.max_prefill_load * self.slots / self.service_s, self.ports_per_s)
        if service.ttft is None and service.ttft_p99 is None:
            return most
        mean, late = (math.inf if limit is None else limit - self.rest_s for limit in (service.ttft, service.ttft_p99))
        if min(mean, late) < 0.0:
            return 0.0
        return min(most, greatest_rate(self.slots, self.service_s, most_mean_s=mean, most_p99_s=late))
