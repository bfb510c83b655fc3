"""Was the machine free? The share of its processors' time that other programs took, and whether each thread had a core of its own."""

import hashlib
import os
import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STAT = Path("/proc/stat")
QUIET = 0.05  # a larger share of others shifts the ratios: programs whose threads wait for each other lose most

WORK = bytes(8 << 20)  # a thread hashes it in some milliseconds
PATIENCE, NAP = 60.0, 0.2  # seconds to wait for cores: in all, and between two looks
TRIES = 4  # how often a measurement is made until the cores were free at its end too


class Cores:
    """How many cores the threads have. A virtual machine's two processors may share one core for a while, then have one each again."""

    def __init__(self, threads: int, patience: float = PATIENCE) -> None:
        self.threads, self.patience, self.most = threads, patience, 0.0

    def count(self) -> float:
        """Return how much more all threads do than one in the same time: their number, if each has a core of its own."""
        alone = min(self._seconds(1) for _ in range(3))
        found = self.threads * alone / min(self._seconds(self.threads) for _ in range(3))
        self.most = max(self.most, found)
        return found

    def are_free(self) -> bool:
        """Return whether there are about as many cores as there ever were."""
        return self.count() >= 0.85 * self.most

    def measure(self, call: Callable[[], Any]) -> Any:
        """Return call(), called when the cores are free, and again if they were not free at its end, while there is patience."""
        for _ in range(TRIES):
            while not self.are_free() and self.patience > 0:
                time.sleep(NAP)
                self.patience -= NAP
            found = call()
            if self.patience <= 0 or self.are_free():
                break
        return found

    def _seconds(self, n: int) -> float:
        threads = [threading.Thread(target=hashlib.sha256, args=(WORK,)) for _ in range(n)]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - started


class Watch:
    """A clock that is started before the measuring processes and read after them."""

    def __init__(self) -> None:
        self.started, self.busy, self.own = time.perf_counter(), busy_seconds(), own_seconds()

    def others(self) -> float | None:
        """Return the share that others took since the start, 0 … 1, or None if the system does not say."""
        busy = busy_seconds()
        if busy is None or self.busy is None:
            return None
        elapsed = time.perf_counter() - self.started
        others = (busy - self.busy) - (own_seconds() - self.own)
        return max(0.0, others / (elapsed * (os.cpu_count() or 1)))


def busy_seconds() -> float | None:
    """Return the time that all processors together spent working since the machine started."""
    try:
        fields = STAT.read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    except OSError:
        return None
    ticks = [int(field) for field in fields]
    user, nice, system, _idle, _wait, interrupts, soft, steal = ticks[:8]
    return (user + nice + system + interrupts + soft + steal) / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """Return the processor time of this process and of its finished children."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def warning(others: float | None) -> str:
    """Return a warning if other programs used the machine, else ""."""
    if others is None or others <= QUIET:
        return ""
    share = f"{others:.0%} of the processors' time"
    return f"WARNING: other programs took {share} meanwhile; these figures are no basis for claims."
