"""The median time of a call, until the device has finished its work and until the host has."""

import statistics
import time
from collections.abc import Callable
from typing import Any

WARM_UP = 3


def measure_calls(
    call: Callable[[], Any], synchronize: Callable[[], None], *, blocks: int, calls: int
) -> dict[str, float]:
    """Return the seconds that a call takes until all its work is done, and until the host is free.

    They are medians over blocks of calls; of the first the range is returned too. On a GPU a block should have
    many calls, since the host runs ahead of the device and waits for it only at the end of the block.
    """
    for _ in range(WARM_UP):
        call()
    whole, host = [], []
    for _ in range(blocks):
        synchronize()
        started = time.perf_counter()
        for _ in range(calls):
            call()
        free = time.perf_counter()
        synchronize()
        whole.append((time.perf_counter() - started) / calls)
        host.append((free - started) / calls)
    ends = {"low_seconds": min(whole), "high_seconds": max(whole)}
    return {"seconds": statistics.median(whole), "host_seconds": statistics.median(host), **ends}


def calls_a_block(call: Callable[[], Any], synchronize: Callable[[], None], *, at_least: float) -> int:
    """Return a number of calls that take `at_least` seconds together: a power of two."""
    calls = 1
    while True:
        synchronize()
        started = time.perf_counter()
        for _ in range(calls):
            call()
        synchronize()
        if time.perf_counter() - started >= at_least:
            return calls
        calls *= 2
