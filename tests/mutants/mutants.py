"""Plans broken in one place each: name, plan, what is done to it, and the checks that must fail.

A mutation changes a plan's dict in place. Where it touches the scenario, the input hashes are made to fit, so that
only the check meant for it can notice.
"""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """One broken plan; ``rehash`` says whether its input hashes are made to fit afterwards."""

    name: str
    plan: str
    mutate: object
    failed: tuple[str, ...]
    rehash: bool = False


def _set(*path, to):
    """Return a mutation that sets one value."""

    def mutate(plan):
        *way, last = path
        for key in way:
            plan = plan[key]
        plan[last] = to(plan[last]) if callable(to) else to

    return mutate


def _all(*mutations):
    def mutate(plan):
        for mutation in mutations:
            mutation(plan)

    return mutate


def _layer(index, *path, to):
    return _set("placement", "layers", index, *path, to=to)


def _experts(name, ranks):
    return _set("placement", "experts", name, "experts_by_rank", to=ranks)


def _fleet(*path, to):
    return _set("scenario", "fleet", *path, to=to)


def _target(field, value):
    return _set("scenario", "target", field, to=value)


def _times(factor):
    return lambda value: value * factor


def _swap_layers(plan):
    layers = plan["placement"]["layers"]
    layers[0], layers[1] = layers[1], layers[0]


def _lower_price(plan):
    """Lower the price, and adjust the gap so that the bound still goes with it."""
    figures = plan["metrics"]
    figures["usd_per_million_output_tokens"] *= 0.99
    bound = plan["bound"]["usd_per_million_output_tokens"]
    plan["bound"]["relative_gap"] = 1 - bound / figures["usd_per_million_output_tokens"]


def _understate_everything(plan):
    """Understate the step time and adjust every figure that follows from it."""
    figures = plan["metrics"]
    figures["step_time_s"] *= 0.9
    for field in ("tokens_per_s_per_user", "tokens_per_s", "capacity_tokens_per_s"):
        figures[field] /= 0.9
    for field in ("joules_per_token", "usd_per_million_output_tokens"):
        figures[field] *= 0.9
    plan["bound"]["usd_per_million_output_tokens"] *= 0.9


def _shift_parts(plan):
    plan["time"]["attention_s"] *= 0.5


def _one_byte_less(plan):
    """Shrink the memory below the 2984 bytes the plan needs: 0.75 * 3978 = 2983.5."""
    plan["scenario"]["fleet"]["devices"]["chip"]["memory"][0]["capacity"] = "3978 B"
    plan["memory"][0] |= {"capacity_bytes": 3978, "reserved_bytes": 995, "free_bytes": 0}


def _longer_output(plan):
    """One input token becomes two of output: S_cap grows to 10, S_time stays 6 + 2 = 8."""
    plan["scenario"]["workload"] |= {"input_tokens": 6, "output_tokens": 4}
    plan["memory"][0] |= {"kv_bytes": 2560, "free_bytes": 0}


def _more_sequences(plan):
    plan["batch"]["sequences_per_microbatch"] = 9


MUTANTS = (
    # residency
    Mutant("expert moved to a full rank", "mixed", _experts("all", [[0], [1, 2, 3]]), ("residency",)),
    Mutant("expert dropped", "mixed", _experts("cold", [[2]]), ("residency",)),
    Mutant("expert dropped for another", "mixed", _experts("all", [[0, 0], [1, 3]]), ("residency",)),
    Mutant("expert on both groups", "mixed", _experts("hot", [[0], [2]]), ("residency",)),
    Mutant("expert that does not exist", "mixed", _experts("all", [[0, 4], [1, 3]]), ("residency",)),
    Mutant("expert rank missing", "mixed", _experts("all", [[0, 1, 2, 3]]), ("residency",)),
    Mutant("layout unknown", "mixed", _layer(1, "ffn", 0, "experts", to="none"), ("residency",)),
    Mutant("experts nowhere", "mixed", _layer(1, "ffn", 0, "experts", to=None), ("residency",)),
    Mutant("experts of a dense layer", "mixed", _layer(0, "ffn", 0, "experts", to="cold"), ("residency",)),
    Mutant(
        "layout of the other group",
        "mixed",
        _set("placement", "experts", "hot", "role", to="host"),
        ("residency",),
    ),
    Mutant("wrong tier", "dense", _layer(1, "attention", "tier", to="lpddr"), ("residency",)),
    Mutant(
        "embedding on a wrong tier", "dense", _set("placement", "embedding", "tier", to="ddr"), ("residency",)
    ),
    Mutant(
        "layer missing", "dense", _set("placement", "layers", to=lambda layers: layers[:1]), ("residency",)
    ),
    Mutant("layer twice", "dense", _layer(1, "layer", to=0), ("residency",)),
    Mutant("layer that does not exist", "dense", _layer(1, "layer", to=7), ("residency",)),
    Mutant("layers out of order", "dense", _swap_layers, ("residency",)),
    Mutant(
        "way says the sidecar, the FFN is on the host", "mixed", _layer(0, "way", to="relay"), ("residency",)
    ),
    Mutant("way says the host, the experts are away", "mixed", _layer(3, "way", to="near"), ("residency",)),
    Mutant(
        "FFN in another stage", "pipeline", _layer(1, "ffn", 0, "at", "stage", to=1), ("residency", "order")
    ),
    Mutant(
        "stage that does not exist", "pipeline", _layer(3, "attention", "stage", to=2), ("residency", "order")
    ),
    Mutant(
        "group that does not exist", "pipeline", _layer(3, "attention", "role", to="sidecar"), ("residency",)
    ),
    # space
    Mutant("sidecar's way without a sidecar", "dense", _layer(1, "way", to="relay"), ("space", "residency")),
    Mutant(
        "dense layer dealt out as experts", "mixed", _layer(0, "way", to="direct"), ("space", "residency")
    ),
    Mutant(
        "tensor parallelism that does not divide",
        "dense",
        _set("groups", 0, "tp", to=3),
        ("space", "sequences"),
    ),
    Mutant("experts cut too finely", "mixed", _set("groups", 1, "expert_tp", to=2), ("residency",)),
    Mutant("experts cut illegally", "dense", _set("groups", 0, "expert_tp", to=3), ("space",)),
    Mutant(
        "width outside the space", "dense", _set("scenario", "space", "max_width", to=1), ("space",), True
    ),
    Mutant("too many stages", "pipeline", _set("scenario", "space", "max_stages", to=1), ("space",), True),
    Mutant(
        "too many microbatches",
        "pipeline",
        _set("scenario", "space", "max_microbatches", to=3),
        ("space",),
        True,
    ),
    Mutant(
        "too many sequences on a rank",
        "dense",
        _set("scenario", "space", "max_rank_batch", to=7),
        ("space",),
        True,
    ),
    Mutant("too many groups", "mixed", _set("scenario", "space", "max_groups", to=1), ("space",), True),
    Mutant(
        "hot experts no share of the space",
        "mixed",
        _set("scenario", "space", "split_parts", to=3),
        ("space",),
        True,
    ),
    Mutant("pools that nothing joins", "mixed", _fleet("links", to=[]), ("space", "provenance"), True),
    Mutant(
        "unknown pool", "pipeline", _set("groups", 0, "pool", to="none"), ("space", "residency", "devices")
    ),
    # scenario
    Mutant("no price on the basis", "dense", _fleet("price_basis", to="cloud"), ("scenario",), True),
    Mutant("unknown required pool", "dense", _target("required_pools", ["none"]), ("scenario",), True),
    # order
    Mutant(
        "stages fall",
        "pipeline",
        _all(
            _layer(1, "attention", "stage", to=1),
            _layer(1, "ffn", 0, "at", "stage", to=1),
            _layer(2, "attention", "stage", to=0),
            _layer(2, "ffn", 0, "at", "stage", to=0),
        ),
        ("order",),
    ),
    Mutant("LM head in the first stage", "pipeline", _set("placement", "lm_head", "stage", to=0), ("order",)),
    Mutant(
        "embedding in the last stage", "pipeline", _set("placement", "embedding", "stage", to=1), ("order",)
    ),
    # devices
    Mutant(
        "replicas overlap",
        "pipeline",
        _set("placement", "replicas", 1, "first_device", "host", to=[1, 3]),
        ("devices",),
    ),
    Mutant(
        "stages overlap",
        "pipeline",
        _set("placement", "replicas", 0, "first_device", "host", to=[0, 0]),
        ("devices",),
    ),
    Mutant(
        "device beyond the inventory",
        "pipeline",
        _set("placement", "replicas", 1, "first_device", "host", to=[2, 6]),
        ("devices",),
    ),
    Mutant(
        "stage without devices",
        "pipeline",
        _set("placement", "replicas", 1, "first_device", "host", to=[2]),
        ("devices",),
    ),
    Mutant(
        "group without devices",
        "mixed",
        _set("placement", "replicas", 0, "first_device", to={"host": [1]}),
        ("devices",),
    ),
    Mutant(
        "group across domains",
        "dense",
        _set("placement", "replicas", 0, "first_device", "host", to=[1]),
        ("devices",),
    ),
    Mutant(
        "fraction of a unit rented",
        "dense",
        _all(
            _set("devices", "pool", to=2),
            _set("metrics", "usd_per_hour", to=1.0),
            _set("metrics", "power_w", to=200.0),
        ),
        ("devices",),
    ),
    Mutant("unit not rented", "pipeline", _set("devices", "line", to=3), ("devices",)),
    # sequences
    Mutant(
        "KV shard of a sequence dropped",
        "dense",
        _set("groups", 0, "sequences_per_rank", to=[7]),
        ("sequences",),
    ),
    Mutant(
        "sequences of a rank nobody has",
        "pipeline",
        _set("groups", 0, "sequences_per_rank", to=[2, 1]),
        ("sequences",),
    ),
    Mutant("sequence added", "dense", _more_sequences, ("sequences",)),
    # capacity
    Mutant("memory one byte too small", "dense", _one_byte_less, ("capacity",), True),
    Mutant("context one token too long", "dense", _longer_output, ("capacity",), True),
    Mutant(
        "weights understated",
        "dense",
        _all(_set("memory", 0, "weights_bytes", to=300), _set("memory", 0, "free_bytes", to=140)),
        ("capacity",),
    ),
    Mutant(
        "KV cache in the wrong book",
        "mixed",
        _all(_set("memory", 1, "kv_bytes", to=72), _set("memory", 1, "weights_bytes", to=584)),
        ("capacity",),
    ),
    Mutant(
        "hot experts hidden",
        "mixed",
        _all(_set("memory", 1, "hot_experts_bytes", to=0), _set("memory", 1, "weights_bytes", to=560)),
        ("capacity",),
    ),
    Mutant("free bytes overstated", "dense", _set("memory", 0, "free_bytes", to=1016), ("capacity",)),
    Mutant("reserve forgotten", "dense", _set("memory", 0, "reserved_bytes", to=0), ("capacity",)),
    Mutant(
        "capacity of another device", "dense", _set("memory", 0, "capacity_bytes", to=8000), ("capacity",)
    ),
    Mutant("row of the memory map missing", "mixed", _set("memory", to=lambda rows: rows[:1]), ("capacity",)),
    # timing
    Mutant("step time understated", "dense", _set("metrics", "step_time_s", to=_times(0.999)), ("timing",)),
    Mutant(
        "step time understated by a millionth",
        "dense",
        _set("metrics", "step_time_s", to=_times(1 - 1e-6)),
        ("timing",),
    ),
    Mutant("step time overstated", "dense", _set("metrics", "step_time_s", to=_times(1.00001)), ("timing",)),
    Mutant(
        "occupancy left out of the step",
        "pipeline",
        _set("metrics", "step_time_s", to=35_204e-9),
        ("timing",),
    ),
    Mutant("path understated", "pipeline", _set("time", "path_s", to=_times(0.99)), ("timing",)),
    Mutant("parts of the path do not sum", "dense", _shift_parts, ("timing",)),
    Mutant(
        "everything that follows from a wrong step time", "dense", _understate_everything, ("timing", "money")
    ),
    Mutant(
        "direct layer passed off as relay",
        "mixed",
        _layer(1, "way", to="relay"),
        ("timing", "money", "occupancy", "links"),
    ),
    Mutant(
        "latency of the link raised",
        "mixed",
        _fleet("link_types", "bridge", "latency", to="11 us"),
        ("timing", "money", "target"),
        True,
    ),
    Mutant(
        "link halved",
        "mixed",
        _fleet("links", 0, "bandwidth", "fast", to="0.5 GB/s"),
        ("timing", "money", "links"),
        True,
    ),
    Mutant(
        "link made half-duplex",
        "mixed",
        _fleet("link_types", "bridge", "duplex", to="half"),
        ("links",),
        True,
    ),
    Mutant("wider host port", "mixed", _fleet("links", 0, "bandwidth", "big", to="8 GB/s"), ("links",), True),
    # occupancy, links
    Mutant("busy time understated", "mixed", _set("occupancy", 1, "busy_s", to=_times(0.9)), ("occupancy",)),
    Mutant(
        "microbatches left out", "pipeline", _set("occupancy", 0, "busy_s", to=_times(0.25)), ("occupancy",)
    ),
    Mutant("port's time understated", "mixed", _set("occupancy", 4, "busy_s", to=_times(0.5)), ("links",)),
    # target
    Mutant("interactivity missed", "dense", _target("tokens_per_s_per_user", 15_480.0), ("target",), True),
    Mutant(
        "fleet target missed",
        "pipeline",
        _all(
            _target("tokens_per_s", 24 / 50_432e-9),
            _set("placement", "replicas", to=lambda replicas: replicas[:1]),
            _set("devices", "line", to=2),
            _set("metrics", "usd_per_hour", to=1.0),
            _set("metrics", "power_w", to=200.0),
            _set("metrics", "users", to=12),
            _set("metrics", "capacity_tokens_per_s", to=_times(0.5)),
            _set("metrics", "joules_per_token", to=_times(0.5)),
            _set("metrics", "usd_per_million_output_tokens", to=_times(0.5)),
            _set("bound", "usd_per_million_output_tokens", to=_times(0.5)),
            _set("alternatives", to=[]),
        ),
        ("target",),
        True,
    ),
    # caps
    Mutant("power cap exceeded", "mixed", _target("power_cap", "299 W"), ("caps",), True),
    Mutant("cost cap exceeded", "mixed", _target("cost_cap", "2.4 USD/h"), ("caps",), True),
    Mutant("required pool unused", "pipeline", _target("required_pools", ["idle"]), ("caps",), True),
    # money
    Mutant("price lowered", "dense", _lower_price, ("money",)),
    Mutant(
        "price of the device lowered",
        "dense",
        _fleet("devices", "chip", "price", "tco", to="0.4 USD/h"),
        ("money",),
        True,
    ),
    Mutant("rent understated", "dense", _set("metrics", "usd_per_hour", to=1.0), ("money",)),
    Mutant("power understated", "dense", _set("metrics", "power_w", to=399.0), ("money",)),
    Mutant("tokens overstated", "dense", _set("metrics", "tokens_per_s", to=_times(1.01)), ("money",)),
    Mutant(
        "capacity overstated", "mixed", _set("metrics", "capacity_tokens_per_s", to=_times(1.01)), ("money",)
    ),
    Mutant(
        "interactivity overstated",
        "dense",
        _set("metrics", "tokens_per_s_per_user", to=_times(1.01)),
        ("money",),
    ),
    Mutant("energy understated", "dense", _set("metrics", "joules_per_token", to=_times(0.99)), ("money",)),
    Mutant("users overstated", "dense", _set("metrics", "users", to=17), ("money",)),
    Mutant(
        "utilisation ignored", "dense", _set("scenario", "workload", "utilisation", to=1.0), ("money",), True
    ),
    # bound
    Mutant(
        "bound above the price",
        "dense",
        _all(
            _set("bound", "usd_per_million_output_tokens", to=_times(1.4)),
            _set("bound", "relative_gap", to=0.0),
        ),
        ("bound",),
    ),
    Mutant("gap misstated", "dense", _set("bound", "relative_gap", to=0.2), ("bound",)),
    Mutant("gap hidden", "dense", _set("bound", "relative_gap", to=None), ("bound",)),
    Mutant(
        "claimed to be optimal",
        "dense",
        _all(_set("verdict", to="optimal"), _set("provenance", "relative_gap_asked", to=0.01)),
        ("bound",),
    ),
    Mutant(
        "alternative below the bound",
        "pipeline",
        _set("alternatives", 1, "usd_per_million_output_tokens", to=_times(0.3)),
        ("bound",),
    ),
    Mutant(
        "alternative's bound above its price",
        "pipeline",
        _set("alternatives", 0, "bound_usd_per_million_output_tokens", to=_times(2.0)),
        ("bound",),
    ),
    Mutant(
        "dearer without an unused pool",
        "pipeline",
        _set("alternatives", 0, "usd_per_million_output_tokens", to=_times(1.1)),
        ("bound",),
    ),
    Mutant(
        "impossible without an unused pool",
        "pipeline",
        _set("alternatives", 0, "usd_per_million_output_tokens", to=None),
        ("bound",),
    ),
    Mutant(
        "alternative without a pool nobody has",
        "pipeline",
        _set("alternatives", 0, "without_pool", to="none"),
        ("bound",),
    ),
    # provenance
    Mutant(
        "hash changed", "dense", _set("provenance", "input_sha256", "fleet", to="0" * 64), ("provenance",)
    ),
    Mutant("hash missing", "dense", _set("provenance", "input_sha256", to={}), ("provenance",)),
    Mutant("input edited after planning", "dense", _fleet("title", to="another"), ("provenance",)),
    Mutant(
        "estimates hidden", "mixed", _set("provenance", "estimates", to=["inner.all_reduce"]), ("provenance",)
    ),
    Mutant(
        "estimate made up",
        "dense",
        _set("provenance", "estimates", to=["chip.power", "chip.price.tco", "inner.all_reduce"]),
        ("provenance",),
    ),
    Mutant(
        "source of a figure withdrawn",
        "dense",
        _fleet("devices", "chip", "sources", to=[]),
        ("provenance",),
        True,
    ),
)
