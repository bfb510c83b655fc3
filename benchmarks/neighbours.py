"""Was the machine ours? The share of its processors' time that other programs took meanwhile."""

import os
import resource
import time
from pathlib import Path

STAT = Path("/proc/stat")
QUIET = 0.05  # above it ratios are shifted, not only scattered: threads that wait for each other lose most


class Watch:
    """Started before the measuring processes, read after them."""

    def __init__(self) -> None:
        self.started, self.busy, self.ours = time.perf_counter(), busy_seconds(), our_seconds()

    def others(self) -> float | None:
        """The share that others took since the start, 0 … 1; None where the system does not tell."""
        busy = busy_seconds()
        if busy is None or self.busy is None:
            return None
        elapsed = time.perf_counter() - self.started
        others = (busy - self.busy) - (our_seconds() - self.ours)
        return max(0.0, others / (elapsed * (os.cpu_count() or 1)))


def busy_seconds() -> float | None:
    """Time that all processors together spent working, since the machine started."""
    try:
        fields = STAT.read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    except OSError:
        return None
    ticks = [int(field) for field in fields]
    user, nice, system, _idle, _wait, interrupts, soft, steal = ticks[:8]
    return (user + nice + system + interrupts + soft + steal) / os.sysconf("SC_CLK_TCK")


def our_seconds() -> float:
    """Processor time of this process and of its finished children."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def warning(others: float | None) -> str:
    """A line for the reader where the machine was not quiet; else nothing."""
    if others is None or others <= QUIET:
        return ""
    share = f"{others:.0%} of the processors' time"
    return f"WARNING: other programs took {share} meanwhile; these figures are no basis for claims."
