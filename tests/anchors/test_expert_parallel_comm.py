"""DeepEP's published all-to-all times (physics B2, H12); [DE] deepseek-ai/DeepEP@dd758ca docs/legacy.md."""

import csv
from pathlib import Path

import numpy as np
import pytest

from placer.catalog.link import Link
from placer.catalog.loader import load_link
from placer.cost.collective import all_to_all_s, hop_s
from placer.cost.expert_load import copies_per_token

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


SURVEY = Path(__file__).resolve().parents[3] / "shared" / "data" / "silicon" / "deepep_ll_raw.csv"
# Low-latency kernels of DeepEP 0.5.12, 128 tokens a rank, hidden 7,168, top 8 of 256, one node, in us: dispatch,
# combine; aiconfigurator-core 0.12.0.
ONE_NODE = {
    "h100_sxm": ("nvlink4", 8, 36.721, 66.981),
    "h200_sxm": ("nvlink4", 8, 35.119, 67.745),
    "b200_sxm": ("nvlink5-8", 8, 32.951, 40.875),
    "gb200": ("nvlink5-72", 4, 26.860, 36.227),
}


def exchange_s(link: Link, ranks: int) -> tuple[float, float]:
    """Dispatch and combine of every rank, inside one scale-up domain; a token goes to a rank once (B2)."""
    copies = copies_per_token(TOP_K, 256, ranks) / TOP_K
    sent = (np.array([copies * each]) for each in (DISPATCH_BYTES, COMBINE_BYTES))
    there, back = (float(all_to_all_s(link, None, (ranks, ranks), each)[0]) for each in sent)
    return there, back


@pytest.mark.parametrize("system", ONE_NODE)
def test_catalog_links_reproduce_one_node(system):
    # H12: +-5 % at EP8 (EP4 on GB200) for the exchange of a layer, there and back; 13 % each way.
    name, ranks, dispatch_us, combine_us = ONE_NODE[system]
    there, back = exchange_s(load_link(name), ranks)
    assert there + back == pytest.approx((dispatch_us + combine_us) * 1e-6, rel=0.05)
    assert there == pytest.approx(dispatch_us * 1e-6, rel=0.13)
    assert back == pytest.approx(combine_us * 1e-6, rel=0.13)


def test_h800_of_the_table_follows_from_its_narrower_nvlink():
    # [DE] EP8 on H800: 77 and 114 us. Its NVLink has 200 GB/s each way; the rest is fitted to H100 and H200. 13 %: what
    # the same hardware differs by between engines.
    there, back = exchange_s(load_link("nvlink4").model_copy(update={"bandwidth": 200e9}), 8)
    assert there + back == pytest.approx((77 + 114) * 1e-6, rel=0.13)


@pytest.mark.shared
@pytest.mark.skipif(not SURVEY.is_file(), reason="the survey's measurements are not here")
@pytest.mark.parametrize("system", ONE_NODE)
def test_catalog_links_hold_for_all_shapes_of_a_decode(system):
    # 1 to 256 tokens a rank, six hidden sizes and more: median error 15 %, the limit of collectives.
    name, ranks, *copied = ONE_NODE[system]
    link, errors = load_link(name), []
    with SURVEY.open() as file:
        rows = [row for row in csv.DictReader(file) if row["system"] == system and row["node_num"] == "1"]
    rows = [row for row in rows if row["version"] == "0.5.12" and int(row["num_token"]) <= 256]
    assert len(rows) > 100
    for row in rows:
        visited = copies_per_token(int(row["num_topk"]), int(row["num_experts"]), ranks)
        copies = int(row["num_token"]) * visited * int(row["hidden_size"])
        for way, width in (("dispatch", 1), ("combine", 2)):
            sent = np.array([float(width * copies)])
            predicted = float(all_to_all_s(link, None, (ranks, ranks), sent)[0])
            errors.append(abs(predicted / (float(row[f"{way}_avg_t_us"]) * 1e-6) - 1))
    assert np.median(errors) <= 0.15
    assert np.quantile(errors, 0.9) <= 0.40
    # What is copied above is what the file says.
    (here, *_) = (
        row
        for row in rows
        if all(
            int(row[field]) == value
            for field, value in (("num_token", 128), ("hidden_size", 7168), ("num_topk", 8), ("num_experts", 256))
        )
    )
    assert [float(here["dispatch_avg_t_us"]), float(here["combine_avg_t_us"])] == pytest.approx(copied, abs=1e-3)
