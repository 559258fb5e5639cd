import re
from dataclasses import replace
from pathlib import Path

import pytest

from rsc_core import benchmark, study
from rsc_core.explain.relevance import METHODS


def test_medians_leave_the_first_call_out(monkeypatch):
    clock = iter([0.0, 1.0, 10.0, 12.0, 20.0, 29.0])
    monkeypatch.setattr(benchmark.time, "perf_counter", lambda: next(clock))
    calls = []
    assert benchmark.measure(lambda: calls.append(1), 3) == 2.0 and len(calls) == 4


@pytest.mark.parametrize(
    ("job", "lines"),
    [
        ("attention", 6),
        ("relevance", len(METHODS)),
        ("objectives", 4),
        ("hybrid", 6),
        pytest.param("tunings", 2, marks=pytest.mark.slow),
    ],
)
def test_the_command_times_each_thing_once(base, monkeypatch, capsys, job, lines):
    small = replace(benchmark.AST_BASE, hidden_size=32, heads=2, layers=1, intermediate_size=32)
    monkeypatch.setattr(benchmark, "AST_BASE", small)
    monkeypatch.setattr(benchmark, "HYBRID_BATCH", 2)
    monkeypatch.setattr(benchmark, "COMPARED", ("full", "lora"))
    assert benchmark.main([job, "--model", str(base), "--runs", "1"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert "medians of 1 runs" in printed[0] and len(printed) == 1 + lines
    assert all(float(re.search(r"([\d.]+) ms", line)[1]) > 0 for line in printed[1:])
    if job == "objectives":
        assert [line.split(":")[0] for line in printed[1:]] == list(benchmark.MIXED)
        assert "cross-entropy: 1.00 plain batches" in printed[1]
    if job == "tunings":
        assert printed[1].startswith("full: 1.00 of full") and printed[2].startswith("lora: ")
        stored = [float(re.search(r"stores ([\d.]+) MB", line)[1]) for line in printed[1:]]
        assert 0 < stored[1] < stored[0]
    if job == "attention":
        assert "2 x 2 heads, 48 patches" in printed[2] and "of the 0.7 s allowed" in printed[2]
        assert "1 x 2 heads, 588 patches" in printed[5] and "of the 2.0 s allowed" in printed[5]


def test_a_network_without_masked_patches_is_timed_on_the_rest(teacher, capsys):
    assert benchmark.main(["objectives", "--model", str(teacher), "--runs", "1"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(benchmark.MIXED) - 1


def test_the_tunings_timed_are_those_the_study_compares():
    rows = study.read(Path(study.__file__).parent / "studies" / "tuning_comparison.json").rows
    assert tuple(dict.fromkeys(row.preset for row in rows)) == benchmark.COMPARED


def test_a_network_that_a_tuning_does_not_go_onto_is_answered_at_once(teacher, monkeypatch, capsys):
    monkeypatch.setattr(benchmark, "ProcessPoolExecutor", None)  # nothing is timed before
    assert benchmark.main(["tunings", "--model", str(teacher), "--runs", "1"]) == 1
    assert "error:" in capsys.readouterr().err


def test_a_missing_run_is_answered(tmp_path, capsys):
    assert benchmark.main(["attention", "--model", str(tmp_path)]) == 1
    assert "error:" in capsys.readouterr().err
