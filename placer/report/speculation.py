"""What a person reads of drafting in a plan."""

from __future__ import annotations

from rich.text import Text

from placer.plan.plan import Plan
from placer.units import format_bytes, format_seconds


def speculation_lines(plan: Plan) -> list[Text]:
    """Return how many tokens are drafted and what that takes and brings; nothing where nobody asked."""
    use = plan.speculation
    if use is None or plan.metrics is None:
        return []
    without, own = use.usd_per_million_output_tokens_without, plan.metrics.usd_per_million_output_tokens
    if not use.draft_tokens:
        return [Text(f"speculation ({use.drafter}): drafting does not pay here; the plan drafts nothing")]
    place = "on a device of the LM head's stage"
    if use.pool is not None:
        place = f"{use.pool.width} device(s) of {use.pool.pool} for each replica, on each"
    trip = f" (and {format_seconds(use.round_trip_s)} there and back)" if use.pool else ""
    lines = [
        f"speculation ({use.drafter}): {use.draft_tokens} token(s) drafted a step, {use.tokens_per_step:.4g} gained; "
        f"drafting {format_seconds(use.draft_s)}{trip}, verifying {format_seconds(use.verify_s)}; {place} "
        f"{format_bytes(use.weights_bytes)} weights, {format_bytes(use.kept_bytes)} KV cache and buffers"
    ]
    if plan.metrics.usd_per_request is not None and use.usd_per_request_without is not None:
        ratio = use.usd_per_request_without / plan.metrics.usd_per_request
        price = use.usd_per_request_without
        lines.append(f"without speculation: ${price:.4g} a request, {ratio:.3g} times this plan's price")
    elif plan.phases is not None:
        lines.append("without speculation: no plan was found that holds")
    elif without is None:
        lines.append("without speculation: no plan was found")
    else:
        lines.append(
            f"without speculation: ${without:.4g}/M output tokens, {without / own:.3g} times this plan's price"
        )
    return [Text(line) for line in lines]
