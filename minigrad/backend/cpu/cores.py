"""The number of cores that this process may use, from its affinity, its control group's CPU quota and OMP_NUM_THREADS."""

from __future__ import annotations

import math
import os
import warnings
from pathlib import Path


def available():
    """Return how many cores this process may run on, or its control group's quota, rounded up, if that is lower."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # this system has no affinity
        cores = os.cpu_count() or 1
    return max(1, math.ceil(min(cores, quota())))


def quota(mounted="/sys/fs/cgroup", process="/proc/self/cgroup"):
    """Return the lowest CPU quota, in cores, of this process's control group and of those that contain it; inf if none has one.

    Source: Linux, "Control Group v2", cpu.max; in version 1 cpu.cfs_quota_us and cpu.cfs_period_us.
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
    """Return the number of threads that OMP_NUM_THREADS says, at most `cores`, or `cores` if it is not set.

    It may be a list of numbers, one for each level of nested parallelism, of which the first is used. A value that is not a positive
    number is ignored with a RuntimeWarning.
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
