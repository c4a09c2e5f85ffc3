"""Mutants that break drafting.

Columns: name, plan, changes, checks that must fail.
"""

_USE = "speculation"

MUTANTS = (
    # E = 1.75 for 2 tokens
    ("gain overstated", "speculating", {f"{_USE}.tokens_per_step": 1.8}, ("speculation",)),
    ("tokens of a user without the gain", "speculating", {"metrics.tokens_per_s_per_user": "*0.5714285"}, ("money",)),
    ("capacity counts drafted tokens", "speculating", {"metrics.capacity_tokens_per_s": "*1.7142857"}, ("money",)),
    (
        "price of drafted tokens",
        "speculating",
        {"metrics.usd_per_million_output_tokens": "*0.58333"},
        ("money", "bound"),
    ),
    ("time of drafting understated", "speculating", {f"{_USE}.draft_s": "*0.5"}, ("speculation",)),
    ("time of verifying of one token", "speculating", {f"{_USE}.verify_s": 58_328e-9}, ("speculation",)),
    ("weights of the module left out", "speculating", {f"{_USE}.weights_bytes": 0}, ("speculation",)),
    ("KV cache of the module left out", "speculating", {f"{_USE}.kept_bytes": 32}, ("speculation",)),
    ("buffers of the module left out", "speculating", {f"{_USE}.kept_bytes": 352}, ("speculation",)),
    # 3976 - 480, 3904 - 384
    (
        "memory without the module's weights",
        "speculating",
        {"memory.0.weights_bytes": 3496, "memory.0.free_bytes": 504},
        ("capacity",),
    ),
    (
        "memory without the module's KV cache",
        "speculating",
        {"memory.0.kv_bytes": 3520, "memory.0.free_bytes": 408},
        ("capacity",),
    ),
    # KV cache of 9 tokens: 10 * 2 * 9 * 16 + 2 * 9 * 16 + 32
    (
        "no room for drafted tokens",
        "speculating",
        {"memory.0.kv_bytes": 3200, "memory.0.free_bytes": 728},
        ("capacity",),
    ),
    (
        "one byte too little",
        "speculating",
        {
            "scenario.fleet.devices.chip.memory.0.capacity": "7975 B",
            "memory.0.capacity_bytes": 7975,
            "memory.0.free_bytes": 0,
        },
        ("capacity",),
    ),
    # 3928 B beside weights and buffers are 24 tokens
    ("KV budget where the module lies", "speculating", {"kv.0.capacity_tokens": 24}, ("kv",)),
    ("KV budget without drafted tokens", "speculating", {"kv.0.sequence_tokens": 9}, ("kv",)),
    # law without the passes: 59000 ns
    (
        "drafting left out of the path",
        "speculating",
        {"time.path_s": 59_000e-9, "time.floors_s": "*0.0", "time.attention_s": 53_296e-9 + 2_000e-9},
        ("timing",),
    ),
    ("drafting left out of the law", "speculating", {"metrics.law_step_time_s": 59_000e-9}, ("timing",)),
    ("drafting left out of the work", "speculating", {"occupancy.1.busy_s": 59_000e-9}, ("occupancy",)),
    ("speed missed", "speculating", {"scenario.target.tokens_per_s_per_user": 23_000.0}, ("target",)),
    (
        "acceptance lowered",
        "speculating",
        {"scenario.speculation.acceptance": [0.5, 0.4]},
        ("money", "speculation"),
    ),
    (
        "tokens drafted beyond the acceptance",
        "speculating",
        {"scenario.speculation.acceptance": [0.5]},
        ("space",),
    ),
    ("more tokens drafted than said", "speculating", {f"{_USE}.draft_tokens": 1}, ("speculation",)),
    ("another drafter", "speculating", {f"{_USE}.drafter": "one-layer"}, ("speculation",)),
    ("a second module", "speculating", {"scenario.speculation.modules": 2}, ("capacity", "speculation")),
    ("report missing", "speculating", {"speculation": None}, ("speculation",)),
    (
        "drafting does not pay",
        "speculating",
        {f"{_USE}.usd_per_million_output_tokens_without": "*0.7"},
        ("speculation",),
    ),
    (
        "plain decode drafts",
        "dense",
        {"batch.draft_tokens": 1},
        ("space",),
    ),
    ("speculation not hashed", "speculating", {"-provenance.input_sha256.speculation": None}, ("provenance",)),
    ("time of the drafter understated", "drafting_beside", {f"{_USE}.draft_s": "*0.5"}, ("speculation",)),
    ("token ids for nothing", "drafting_beside", {f"{_USE}.round_trip_s": 0.0}, ("speculation",)),
    ("drafter idle", "drafting_beside", {"occupancy.3.busy_s": 0.0}, ("occupancy",)),
    ("drafter not mentioned", "drafting_beside", {"-occupancy.3": None}, ("occupancy",)),
    ("wait for the drafter left out", "drafting_beside", {"metrics.law_step_time_s": 59_000e-9}, ("timing",)),
    ("drafter not rented", "drafting_beside", {"devices": {"pool": 1}}, ("devices",)),
    ("drafter not paid for", "drafting_beside", {"metrics.usd_per_hour": 0.5}, ("money",)),
    ("drafter without power", "drafting_beside", {"metrics.power_w": 100.0}, ("money",)),
    (
        "latency to the drafter raised",
        "drafting_beside",
        {"scenario.fleet.link_types.bridge.latency": "10.1 us"},
        ("timing", "money", "speculation"),
    ),
    (
        "drafter a byte too small",
        "drafting_beside",
        {"scenario.fleet.devices.small.memory.0.capacity": "855 B"},
        ("speculation",),
    ),
    ("drafter that does not exist", "drafting_beside", {f"{_USE}.pool.first_device": [1]}, ("speculation", "devices")),
    ("one drafter too many", "drafting_beside", {f"{_USE}.pool.first_device": [0, 0]}, ("speculation",)),
    (
        "experts of a model without any, cut",
        "drafting_beside",
        {f"{_USE}.pool.expert_tp": 2},
        ("speculation",),
    ),
    ("weights of the drafter left out", "drafting_beside", {f"{_USE}.weights_bytes": 0}, ("speculation",)),
    (
        "overlap where it was not asked for",
        "drafting_beside",
        {"scenario.speculation.overlap": True},
        ("timing", "occupancy"),
    ),
)
