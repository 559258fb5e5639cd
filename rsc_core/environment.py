"""Where a run was computed and what it cost: versions, processor, git revision, time and peak memory."""

from __future__ import annotations

import contextlib
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]
TEST_LOG = "checkpoints/test_log.csv"  # every run may write to it, which does not change the code
PACKAGES = ("torch", "transformers", "peft")


def describe(device: torch.device) -> dict[str, str | int]:
    """Return the versions, the processor or GPU, and how many threads torch uses."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    return {
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "device": device.type,
        "processor": name,
        "threads": torch.get_num_threads(),
    }


def processor() -> str:
    """Return the CPU's name as the operating system knows it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def revision(root: str | Path = ROOT) -> dict[str, str | bool] | None:
    """Return the git commit of the code and whether tracked files differ from it; None outside a git checkout."""
    try:
        commit, changes = (
            subprocess.run(["git", *command], cwd=root, capture_output=True, text=True, check=True).stdout.strip()
            for command in (
                ["rev-parse", "HEAD"],
                ["status", "--porcelain", "--untracked-files=no", "--", ".", f":!{TEST_LOG}"],
            )
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return {"commit": commit, "dirty": bool(changes)}


class Meter:
    """Wall clock and peak memory of a run, from now on and on top of what its earlier parts took.

    Memory is ``torch.cuda.max_memory_allocated`` on a GPU and the process's resident set on a CPU. The peak is reset
    at the start where the system allows it (CUDA, Linux); elsewhere it is that of the whole process.

    Args:
        device: where the run computes.
    """

    def __init__(self, device: torch.device):
        self.device = device
        self.started = time.perf_counter()
        self.earlier_s = 0.0
        self.earlier_peak = 0
        self.parts = 1
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        elif Path("/proc/self/clear_refs").exists():
            with contextlib.suppress(OSError):  # some containers forbid it
                Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM, see proc(5)

    def continues(self, cost: dict[str, float | int]) -> None:
        """Count what an interrupted run's earlier parts took, as ``cost`` gave it."""
        self.earlier_s, self.earlier_peak = cost["wall_s"], cost["peak_memory_bytes"]
        self.parts = cost["parts"] + 1

    def cost(self) -> dict[str, float | int]:
        """Return seconds over all parts, the highest peak in bytes, and the number of parts."""
        return {
            "wall_s": round(self.earlier_s + time.perf_counter() - self.started, 3),
            "peak_memory_bytes": max(self.earlier_peak, self._peak()),
            "parts": self.parts,
        }

    def _peak(self) -> int:
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device)
        status = Path("/proc/self/status")
        if status.exists():
            line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
            return int(line.split()[1]) * 1024
        import resource  # not on Windows

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
