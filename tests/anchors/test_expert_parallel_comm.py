"""DeepEP's published all-to-all times (physics B2, H12); [DE] deepseek-ai/DeepEP@dd758ca docs/legacy.md."""

import numpy as np
import pytest

from placer.catalog.loader import load_link
from placer.cost.collective import all_to_all_s, hop_s

TOKENS, TOP_K, HIDDEN = 128, 8, 7_168
DISPATCH_BYTES, COMBINE_BYTES = TOKENS * TOP_K * HIDDEN, TOKENS * TOP_K * HIDDEN * 2


@pytest.mark.parametrize(
    ("message_bytes", "bytes_per_s", "measured_s"),
    # [DE] low-latency kernels at EP8: dispatch 77 us at 98 GB/s, combine 114 us at 127 GB/s.
    [(DISPATCH_BYTES, 98e9, 77e-6), (COMBINE_BYTES, 127e9, 114e-6)],
)
def test_bytes_over_bandwidth_reproduces_ep8(message_bytes, bytes_per_s, measured_s):
    # H12: +-5 % at EP8.
    assert hop_s(0.0, bytes_per_s, message_bytes) == pytest.approx(measured_s, rel=0.05)


def test_message_sizes_are_the_published_ones():
    # B2: 7.34 MB out in FP8, 14.7 MB back in BF16, per GPU and layer.
    assert pytest.approx(7.34e6, abs=0.005e6) == DISPATCH_BYTES
    assert pytest.approx(14.7e6, abs=0.05e6) == COMBINE_BYTES


@pytest.mark.parametrize(
    ("message_bytes", "measured_s"),
    # [DE] EP256: dispatch 194 us, combine 360 us, at 39-40 GB/s of RDMA.
    [(DISPATCH_BYTES, 194e-6), (COMBINE_BYTES, 360e-6)],
)
def test_catalog_links_reproduce_ep256(message_bytes, measured_s):
    # 13 %: what the same hardware differs by between engines (measured/README of our survey).
    sent = np.array([float(message_bytes)])
    time = all_to_all_s(load_link("nvlink4"), load_link("ib-ndr400"), (256, 8), sent)
    assert float(time[0]) == pytest.approx(measured_s, rel=0.13)
