"""The fit finds the parameters rows were made with, whatever a few bad rows say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placer.calibrate.fit import Kernel, errors_of, fit_family, fit_kernel, predicted_s, without
from placer.calibrate.row import Row, Work
from placer.catalog.kernel import KernelFamily
from placer.errors import InputError

FAMILY = KernelFamily.GEMM
TRUE = Kernel(floor_s=20e-6, bytes_per_s=40e9, flop_per_s=800e9)


def _no_noise(_):
    return 1.0


def _rows(kernel, noise=_no_noise):
    works = [
        Work(launches, size, 2.0 * size * tokens / 2)
        for launches in (1, 4)
        for size in (1e4, 1e6, 3e7, 2e8)
        for tokens in (1, 8, 32, 256)
    ]
    rows = []
    for index, work in enumerate(works):
        slower = max(work.moved_bytes / kernel.bytes_per_s, work.flops / kernel.flop_per_s)
        seconds = (work.launches * kernel.floor_s + slower) * noise(index)
        rows.append(Row(FAMILY, f"row {index}", work, seconds, 0.05, 10))
    return rows


def _is_near(found, true, tolerance):
    pairs = zip(
        (found.floor_s, found.bytes_per_s, found.flop_per_s),
        (true.floor_s, true.bytes_per_s, true.flop_per_s),
        strict=True,
    )
    return all(abs(np.log(one / other)) < tolerance for one, other in pairs)


@settings(max_examples=12)
@given(
    floor=st.floats(2e-6, 2e-4),
    gigabytes=st.floats(5.0, 4000.0),
    flops_per_byte=st.floats(5.0, 100.0),
)
def test_it_recovers_what_rows_were_made_with(floor, gigabytes, flops_per_byte):
    true = Kernel(floor, gigabytes * 1e9, gigabytes * 1e9 * flops_per_byte)
    rows = _rows(true)
    found = fit_kernel(rows)
    measured = np.array([row.seconds for row in rows])
    assert errors_of(predicted_s(found, rows), measured).p90 < 0.02


def test_parameters_themselves_come_back():
    assert _is_near(fit_kernel(_rows(TRUE)), TRUE, 0.01)


def test_a_few_wild_rows_change_little():
    wild = _rows(TRUE, lambda index: 8.0 if index % 8 == 3 else 1.0)
    assert _is_near(fit_kernel(wild), TRUE, 0.1)


def test_noise_averages_out():
    draws = np.random.default_rng(1).normal(0.0, 0.1, 64)
    assert _is_near(fit_kernel(_rows(TRUE, lambda index: float(np.exp(draws[index])))), TRUE, 0.2)


def test_errors_are_those_of_rows_the_fit_did_not_see():
    rows = _rows(TRUE)
    fit = fit_family(FAMILY, rows)
    assert fit.num_fitted + fit.held_out.num_rows == len(rows)
    assert fit.held_out.num_rows >= len(rows) // 3 - 1
    # Spoil exactly the rows that are kept back: the parameters must not move, the error must.
    ordered = sorted(rows, key=lambda row: (row.work.flops, row.what))
    spoilt = [
        Row(row.family, row.what, row.work, row.seconds * (2.0 if index % 3 == 1 else 1.0), row.spread, 1)
        for index, row in enumerate(ordered)
    ]
    again = fit_family(FAMILY, spoilt)
    assert again.kernel == fit.kernel
    assert again.held_out.median == pytest.approx(0.5, abs=0.02)


def test_too_few_rows_are_refused():
    with pytest.raises(InputError, match="needs 6 measured rows, got 5"):
        fit_kernel(_rows(TRUE)[:5])


def test_a_familys_part_is_taken_off_but_never_all():
    work = Work(2, 4e9, 0.0)
    assert without(work, TRUE, 1.0) == pytest.approx(1.0 - 0.1 - 40e-6)
    assert without(work, TRUE, 0.1) == pytest.approx(0.01)
