"""Mutants that break plans of the whole service: phases, mode, and what follows from them.

Columns: name, plan, changes, checks that must fail.
"""

_POOL, _OTHER, _MIXED = "phases.prefill.0", "phases.prefill.1", "phases.colocated"
_PARTS = ("wait_s", "wait_p99_s", "prefill_s")
_LEADING = (
    "step_time_s",
    "law_step_time_s",
    "tokens_per_s_per_user",
    "tokens_per_s",
    "capacity_tokens_per_s",
    "usd_per_hour",
    "power_w",
    "joules_per_token",
    "tokens_per_s_per_mw",
    "requests_per_s",
    "ttft_s",
    "ttft_p99_s",
    "usd_per_million_input_tokens",
)
#: What bounds are shares of, so that the bound goes with it.
_PRICES = {"usd_per_million_output_tokens": ("service", "bound"), "usd_per_request": ("service",)}
_MONEY = (
    "tokens_per_s_per_user",
    "tokens_per_s",
    "capacity_tokens_per_s",
    "usd_per_hour",
    "power_w",
    "joules_per_token",
    "usd_per_million_output_tokens",
)


def _figures(plan, where, names, failed, factor="*1.001"):
    return [
        (f"{plan}: {where}.{name} off by a thousandth", plan, {f"{where}.{name}": factor}, failed) for name in names
    ]


def _whole(plan):
    yield from _figures(plan, "metrics", _LEADING, ("service",))
    for name, failed in _PRICES.items():
        yield from _figures(plan, "metrics", (name,), failed)
    yield from _figures(plan, "phases", ("prefill_usd_per_hour", "decode_usd_per_hour"), ("service",))
    yield from _figures(plan, "phases.decode.metrics", _MONEY, ("money",))
    for name in ("requests_per_s", "ttft_s", "ttft_p99_s", "usd_per_million_input_tokens", "usd_per_request"):
        yield f"{plan}: {name} lacking", plan, {f"metrics.{name}": None}, ("phases",)
        yield f"{plan}: {name} of decode", plan, {f"phases.decode.metrics.{name}": 1.0}, ("phases",)
    yield f"{plan}: law of decode too low", plan, {"phases.decode.metrics.law_step_time_s": "*0.999"}, ("timing",)
    yield f"{plan}: users of the whole", plan, {"metrics.users": 7}, ("service",)
    yield f"{plan}: users of decode", plan, {"phases.decode.metrics.users": 7}, ("money",)
    yield f"{plan}: phases left out", plan, {"phases": None}, ("phases", *_TAKEN_FOR_DECODE[plan])
    yield f"{plan}: service not asked for", plan, {"-scenario.service": None}, ("phases", "provenance")
    yield f"{plan}: bound on requests left out", plan, {"bound.usd_per_request": None}, ("service",)
    yield f"{plan}: bound on requests lowered", plan, {"bound.usd_per_request": "*0.9"}, ("service",)
    yield f"{plan}: bound on requests above the price", plan, {"bound.usd_per_request": "*1.5"}, ("service",)
    yield (
        f"{plan}: bound on output tokens lowered",
        plan,
        {"bound.usd_per_million_output_tokens": "*0.9"},
        ("service", "bound"),
    )
    yield f"{plan}: gap misstated", plan, {"bound.relative_gap": 0.2}, ("bound",)
    yield f"{plan}: mode in other words", plan, {"mode": "AFD"}, ("phases",)
    yield f"{plan}: cost cap of the whole", plan, {"scenario.target.cost_cap": _CAPS[plan]}, ("caps",)
    yield f"{plan}: service hash missing", plan, {"-provenance.input_sha256.service": None}, ("provenance",)


#: What else fails where phases are left out: what is said of the whole is then said of decode.
_TAKEN_FOR_DECODE = {
    "disaggregated": ("devices",),
    "two_pools": ("devices", "provenance"),
    "colocated": ("timing", "money"),
}
_CAPS = {"disaggregated": "3.9 USD/h", "two_pools": "4.9 USD/h", "colocated": "0.4 USD/h"}

MUTANTS = (
    *_whole("disaggregated"),
    *_whole("two_pools"),
    *_whole("colocated"),
    *_figures("disaggregated", _POOL, ("held_bytes", "prompt_s", "prompts_per_s", "load"), ("prefill",)),
    *_figures("two_pools", _OTHER, ("held_bytes", "prompt_s", "prompts_per_s", "load"), ("prefill",)),
    *_figures("disaggregated", f"{_POOL}.first_token", (*_PARTS, "reload_s", "kv_transfer_s"), ("prefill",)),
    *_figures("two_pools", f"{_OTHER}.first_token", (*_PARTS, "reload_s", "kv_transfer_s"), ("prefill",)),
    *_figures("colocated", _MIXED, ("decode_step_s", "added_s", "mean_step_s", "load", "held_bytes"), ("colocated",)),
    *_figures("colocated", f"{_MIXED}.first_token", _PARTS, ("colocated",)),
    (
        "KV cache found is loaded where none is found",
        "colocated",
        {f"{_MIXED}.first_token.reload_s": 1e-6},
        ("colocated",),
    ),
    ("KV cache sent where it lies", "colocated", {f"{_MIXED}.first_token.kv_transfer_s": 1e-6}, ("colocated",)),
    # one stage less, or another shape, needs other devices and times
    ("stage of prefill left out", "disaggregated", {f"{_POOL}.stages": 1}, ("prefill-devices", "prefill")),
    ("devices of prefill for one stage", "disaggregated", {f"{_POOL}.first_devices": [[4]]}, ("prefill-devices",)),
    ("wider than the pool", "disaggregated", {f"{_POOL}.width": 8}, ("phases",)),
    ("width of prefill", "disaggregated", {f"{_POOL}.width": 2, f"{_POOL}.tp": 2}, ("phases",)),
    ("tensor parallelism of prefill", "two_pools", {f"{_OTHER}.tp": 2}, ("phases",)),
    ("expert cuts of prefill", "two_pools", {f"{_OTHER}.expert_tp": 2}, ("phases",)),
    ("prefill in an unknown pool", "two_pools", {f"{_OTHER}.pool": "none"}, ("phases", "provenance")),
    (
        "pool of prefill twice",
        "two_pools",
        {f"{_OTHER}.pool": "line", f"{_OTHER}.first_devices": [[6]]},
        ("phases", "provenance"),
    ),
    ("pools that nothing joins", "two_pools", {"scenario.fleet.links": []}, ("phases",)),
    ("device prefills twice", "disaggregated", {f"{_POOL}.first_devices": [[4, 4]]}, ("prefill-devices",)),
    ("device prefills and decodes", "disaggregated", {f"{_POOL}.first_devices": [[3, 4]]}, ("prefill-devices",)),
    ("prefill beyond the inventory", "disaggregated", {f"{_POOL}.first_devices": [[7, 8]]}, ("prefill-devices",)),
    (
        "decode on a device that prefills",
        "disaggregated",
        {"placement.replicas.1.first_device.host": [2, 4], "phases.decode.devices.line": 8},
        ("prefill-devices", "money"),
    ),
    ("another device of the pool, as good", "two_pools", {f"{_OTHER}.first_devices": [[2]]}, ("prefill-devices",)),
    ("group of prefill made up", "disaggregated", {f"{_POOL}.first_devices": [[4, 5], [6, 7]]}, ("prefill", "service")),
    ("unit of prefill not rented", "disaggregated", {"devices.line": 4}, ("prefill-devices",)),
    ("unit of decode not rented", "disaggregated", {"phases.decode.devices.line": 8}, ("devices",)),
    ("pool of prefill not rented", "two_pools", {"-devices.quick": None}, ("prefill-devices",)),
    ("prompts side by side made up", "disaggregated", {f"{_POOL}.chunks.prompts": 2}, ("phases",)),
    ("more side by side, as declared", "disaggregated", {f"{_POOL}.chunks.prompts": 25}, ("prefill", "service")),
    ("more is found", "disaggregated", {f"{_POOL}.chunks.found_tokens": 3}, ("phases",)),
    ("token computed twice", "disaggregated", {f"{_POOL}.chunks.tokens": [6]}, ("phases",)),
    ("token left out", "two_pools", {f"{_OTHER}.chunks.tokens": [4]}, ("phases",)),
    ("chunks nobody may cut", "disaggregated", {f"{_POOL}.chunks.tokens": [3, 2]}, ("phases",)),
    ("chunks of steps in another order", "colocated", {f"{_MIXED}.chunks.tokens": [2, 128]}, ("phases",)),
    ("steps with the whole prompt", "colocated", {f"{_MIXED}.chunks.tokens": [130]}, ("colocated", "service")),
    ("steps with two prompts", "colocated", {f"{_MIXED}.chunks.prompts": 2}, ("phases",)),
    ("steps that find tokens", "colocated", {f"{_MIXED}.chunks.found_tokens": 1}, ("phases",)),
    ("prefill nowhere", "disaggregated", {"phases.prefill": []}, ("phases",)),
    ("step of decode alone too short", "colocated", {"phases.decode.metrics.step_time_s": "*0.999"}, ("timing",)),
    # the scenario asks for more
    ("first token too late", "disaggregated", {"scenario.service.ttft": "40 us"}, ("prefill", "service")),
    ("first token too late between steps", "colocated", {"scenario.service.ttft": "90 us"}, ("service",)),
    ("late first tokens between steps", "colocated", {"scenario.service.ttft_p99": "200 us"}, ("service",)),
    ("prefill too busy", "colocated", {"scenario.service.max_prefill_load": 0.5}, ("service",)),
    ("prefill may be busier", "disaggregated", {"scenario.service.max_prefill_load": 0.6}, ("prefill", "service")),
    ("speed of the mean step", "colocated", {"scenario.target.tokens_per_s_per_user": 45_000.0}, ("service",)),
    ("fleet target of the whole", "disaggregated", {"scenario.target.tokens_per_s": 60_000.0}, ("money", "service")),
    ("colocated prefill forbidden", "colocated", {"scenario.service.forbidden_modes": ["colocated"]}, ("phases",)),
    ("P/D forbidden", "two_pools", {"scenario.service.forbidden_modes": ["disaggregated"]}, ("phases",)),
    ("more hits asked for", "disaggregated", {"scenario.service.prefix_hit_rate": 0.6}, ("phases",)),
    (
        "found KV cache is there at once",
        "disaggregated",
        {"scenario.service.prefix_bandwidth": None},
        ("prefill", "service"),
    ),
    ("slower ports", "two_pools", {"scenario.fleet.links.0.bandwidth.line": "0.1 GB/s"}, ("prefill", "service")),
    (
        "slower hops",
        "disaggregated",
        {"scenario.fleet.link_types.outer.bandwidth": "0.5 GB/s"},
        ("prefill", "service", "timing"),
    ),
    # 4400 B hold decode: 744 + 3456 + 192
    (
        "memory of the quick device",
        "two_pools",
        {"scenario.fleet.devices.fast.memory.0.capacity": "2455 B"},
        ("prefill",),
    ),
    (
        "no room for prompts beside decode",
        "colocated",
        {
            "scenario.fleet.devices.wide.memory.0.capacity": "11400 B",
            "memory.0.capacity_bytes": 11_400,
            "memory.0.free_bytes": 6_288,
            "kv.0.capacity_tokens": 330,
        },
        ("colocated",),
    ),
    ("price of the quick device hidden", "two_pools", {"provenance.estimates": ["wide.price.tco"]}, ("provenance",)),
    (
        "decode only, and a mode",
        "pipeline",
        {"mode": "P/D-disaggregated"},
        ("phases",),
    ),
    ("decode only, and a time to first token", "pipeline", {"metrics.ttft_s": 1.0}, ("phases",)),
    ("decode only, and a bound on requests", "pipeline", {"bound.usd_per_request": 1.0}, ("phases",)),
)
