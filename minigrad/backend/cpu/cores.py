"""How many cores this process may use: its affinity, the CPU quota of its control group, OMP_NUM_THREADS."""

from __future__ import annotations

import math
import os
import warnings
from pathlib import Path


def available():
    """Return how many cores this process may use: those it may run on, or fewer where its control group has a lower quota."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        cores = os.cpu_count() or 1
    return max(1, math.ceil(min(cores, quota())))


def quota(mounted="/sys/fs/cgroup", process="/proc/self/cgroup"):
    """Return the CPU quota, in cores, of this process's control group and those above it; inf without one.

    Linux, "Control Group v2", cpu.max; version 1: cpu.cfs_quota_us, cpu.cfs_period_us.
    """
    lowest = math.inf
    try:
        lines = Path(process).read_text().splitlines()
    except (OSError, ValueError):
        return lowest
    for line in lines:
        _, controllers, path = (line + "::").split(":", 2)
        if not controllers:
            root, read = Path(mounted), _quota_of_version_2
        elif "cpu" in controllers.split(","):
            root, read = Path(mounted, "cpu"), _quota_of_version_1
        else:
            continue
        group = Path(path.strip("/:"))
        for inner in (group, *group.parents):  # a container sees its own group as the root
            try:
                lowest = min(lowest, read(root / inner))
            except (OSError, ValueError, ZeroDivisionError):
                continue
    return lowest


def _quota_of_version_2(folder):
    limit, period = (folder / "cpu.max").read_text().split()
    return math.inf if limit == "max" else int(limit) / int(period)


def _quota_of_version_1(folder):
    limit = int((folder / "cpu.cfs_quota_us").read_text())
    return math.inf if limit <= 0 else limit / int((folder / "cpu.cfs_period_us").read_text())


def wanted(cores):
    """Return the number of threads that OMP_NUM_THREADS asks for, at most `cores`; `cores` without it.

    It may be a list of numbers, one for each level of nested parallelism: the first counts. What is no positive number is ignored,
    with a RuntimeWarning.
    """
    text = os.environ.get("OMP_NUM_THREADS", "").strip()
    if not text:
        return cores
    first = text.split(",")[0].strip()
    if first.isascii() and first.isdigit() and int(first[:9]) > 0:
        return min(cores, int(first[:9]))
    warnings.warn(f"OMP_NUM_THREADS={text!r} is not a positive number: it is ignored, and {cores} threads are used",
                  RuntimeWarning, stacklevel=2)
    return cores
