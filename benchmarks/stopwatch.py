"""The median time of a call, until the device has finished its work and until the host has."""

import statistics
import time
from collections.abc import Callable
from typing import Any

WARM_UP = 3


def measure_calls(
    call: Callable[[], Any], synchronize: Callable[[], None], *, blocks: int, calls: int
) -> dict[str, float]:
    """Return the seconds of a call, the median over blocks of calls with their range: until all work is done, and until the host is free.

    On a GPU a block should have many calls, as the host runs ahead of the device, and waits for it at the end of the block only.
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
    """Return how many calls take `at_least` seconds: a power of two, found by doubling."""
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
