"""Mutants that break a figure of a KV budget.

Columns: name, plan, changes, checks that must fail.
"""

MUTANTS = (
    ("KV in another tier", "dense", {"kv.0.tier": "ddr"}, ("kv",)),
    ("KV on a stage that does not exist", "pipeline", {"kv.0.stage": 2}, ("kv",)),
    ("layer without KV", "dense", {"kv.0.layers": 1}, ("kv",)),
    ("larger pages of KV", "dense", {"kv.0.page_tokens": 3}, ("kv",)),
    ("pages of a sequence left out", "dense", {"kv.0.sequence_tokens": 8}, ("kv",)),
    ("KV of a token understated", "mixed", {"kv.1.bytes_per_token_per_device": 4.0}, ("kv",)),
    ("KV of a token overstated", "mixed", {"kv.0.bytes_per_token_per_device": 128.0}, ("kv",)),
    ("copies of KV made up", "dense", {"kv.0.copies": 2.0}, ("kv",)),
    ("copies of KV hidden", "mixed", {"kv.1.copies": 0.5}, ("kv",)),
    # 3000 - 424 B without the buffers are 161 tokens
    ("room of the buffers given to KV", "dense", {"kv.0.capacity_tokens": 161}, ("kv",)),
    # 4000 - 424 - 256 B without the reserve are 207
    ("room of the reserve given to KV", "dense", {"kv.0.capacity_tokens": 207}, ("kv",)),
    ("room for KV understated", "pipeline", {"kv.0.capacity_tokens": 54}, ("kv",)),
    ("KV shard dropped", "dense", {"kv.0.used_tokens": [135]}, ("kv",)),
    ("KV of one microbatch", "pipeline", {"kv.0.used_tokens": [27]}, ("kv",)),
    ("KV of a rank missing", "dense", {"kv.0.used_tokens": [72, 72]}, ("kv",)),
    ("KV budget missing", "mixed", {"-kv.1": None}, ("kv",)),
    ("pages of one rank", "cut", {"kv.0.page_tokens": 1}, ("kv",)),
    ("KV copied although sequences are cut", "cut", {"kv.0.copies": 2.0}, ("kv",)),
    ("KV of a token as if copied", "cut", {"kv.0.bytes_per_token_per_device": 16.0}, ("kv",)),
    ("room as if sequences were whole", "cut", {"kv.0.capacity_tokens": 105}, ("kv",)),
    ("a token of the last page left out", "cut", {"kv.0.used_tokens": [144]}, ("kv",)),
    ("KV budget of the other group", "mixed", {"kv.1.role": "host"}, ("kv",)),
)
