"""Git revision, peak memory, and time over several parts."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from rsc_core import environment

CPU = torch.device("cpu")


def git(folder, *command):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    return subprocess.run(["git", *identity, *command], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_revision_tells_changed_code_but_not_a_longer_test_log(tmp_path):
    assert environment.revision(tmp_path) is None
    git(tmp_path, "init")
    (tmp_path / "checkpoints").mkdir()
    code, log = tmp_path / "code.py", tmp_path / environment.TEST_LOG
    for path in (code, log):
        path.write_text("1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    clean = {"commit": git(tmp_path, "rev-parse", "HEAD").strip(), "dirty": False}
    log.write_text("2\n")
    (tmp_path / "results.json").write_text("{}")
    assert environment.revision(tmp_path) == clean
    code.write_text("2\n")
    assert environment.revision(tmp_path) == clean | {"dirty": True}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process reset its peak")
def test_peak_memory_is_that_of_the_run_alone():
    def grown():
        meter = environment.Meter(CPU)
        before = meter.cost()["peak_memory_bytes"]
        yield before
        block = np.ones(40_000_000)  # 320 MB
        yield meter.cost()["peak_memory_bytes"] - before
        del block

    first = list(grown())
    second = list(grown())  # starts below the first one's peak
    assert 300e6 < first[1] < 400e6 and 300e6 < second[1] < 400e6
    assert second[0] < first[0] + 100e6


def test_a_continued_run_sums_time_and_keeps_the_highest_peak():
    meter = environment.Meter(CPU)
    meter.continues({"wall_s": 100.0, "peak_memory_bytes": 2**50, "parts": 2})
    cost = meter.cost()
    assert 100 <= cost["wall_s"] < 101 and cost["peak_memory_bytes"] == 2**50 and cost["parts"] == 3


def test_description_names_the_processor_and_versions():
    found = environment.describe(CPU)
    assert found["torch"] == torch.__version__.split("+")[0] and found["threads"] == torch.get_num_threads()
    assert found["processor"] and found["device"] == "cpu"
