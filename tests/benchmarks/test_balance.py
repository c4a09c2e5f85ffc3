"""The benchmark of expert placement runs, and its own checks pass."""

from benchmarks.balance.__main__ import main
from benchmarks.balance.cases import cases


def test_the_small_benchmark_passes(capsys):
    main(counts=None, smoke=True, worst=3)
    out = capsys.readouterr().out
    assert "| EPLB's example | fewer than 8 | 4 |" in out
    assert "DeepSeek-V3's shape, 8 layers" in out


def test_cases_cover_the_families():
    every = list(cases(None, is_small=False))
    assert {len(case.loads) for case in every} == {12, 64, 128, 256, 512}
    assert {case.ranks for case in every} == {2, 4, 8, 16, 32, 64}
    assert all(case.slots % case.ranks == 0 and case.slots >= len(case.loads) for case in every)
    assert min(case.slots / len(case.loads) for case in every) == 1
