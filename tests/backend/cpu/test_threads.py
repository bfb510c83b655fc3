"""The worker threads: work is divided into few parts, and no part is lost."""

import itertools
import threading as host
import time

import numpy as np
import pytest

from minigrad.backend.cpu import compiling, signals, threads


@pytest.mark.parametrize(("elements", "count", "expected"), [
    (threads.LARGE, 64, 2), (threads.LARGE, 2, 2), (threads.LARGE, 1, 1), (2 * threads.LARGE, 64, 4), (2 * threads.LARGE - 16, 64, 3),
    (1 << 20, 16, 16), (1 << 20, 64, 64), (1 << 20, 3, 3), (100, 8, 1), (0, 8, 1), (None, 8, 8), (None, 1, 1)])
def test_parts_are_few_enough_that_each_is_worth_a_thread(monkeypatch, elements, count, expected):
    """Without a number of elements (None) all threads take part."""
    monkeypatch.setattr(threads, "_threads", count)
    monkeypatch.setattr(threads, "_idle_workers", lambda n: [Recorder(parts) for _ in range(n)])
    for n, block in [(1 << 20, 16), (960, 1)]:
        parts: list = []
        threads.share(lambda low, high, parts=parts: parts.append((low, high)), n, block, elements)
        assert len(parts) == expected and sum(high - low for low, high in parts) == n
        assert all(low % block == 0 for low, _ in parts)


class Recorder:
    """A worker that only keeps the parts that it is given."""

    busy = False

    def __init__(self, parts):
        self.parts = parts

    def post(self, function, low, high):
        self.parts.append((low, high))


@pytest.mark.parametrize("numba", [True, False])
def test_no_piece_is_lost_whether_the_threads_poll_or_sleep(monkeypatch, numba):
    """Pieces take any time, and patience is so short that each side often falls asleep just when the other is done."""
    before, n = compiling.use_numba(numba), threads.get_num_threads()
    monkeypatch.setattr(signals, "spinning", None)
    rng, wrong, done = np.random.default_rng(0), [], []
    patience = itertools.cycle([0, 1e-3, 0.05, 5, 600])
    threads.set_num_threads(3)

    def rounds():
        for i in range(3000):
            monkeypatch.setattr(signals.Signal, "patience", next(patience))
            rests, seen = rng.integers(0, 3, 3), np.zeros(30, int)

            def part(low, high, rests=rests, seen=seen):
                time.sleep(1e-5 * rests[low // 10])
                seen[low:high] += 1

            threads.share(part, 30, 10)
            if not (seen == 1).all():
                wrong.append(i)
        done.append(True)

    thread = host.Thread(target=rounds, daemon=True)
    try:
        thread.start()
        thread.join(120)
    finally:
        threads.set_num_threads(n)
        compiling.use_numba(before)
    assert done and not wrong and (signals.spinning is not None) == numba


def test_an_error_in_any_piece_is_raised_and_the_next_round_works():
    n = threads.get_num_threads()
    threads.set_num_threads(2)
    try:
        for bad in (0, 10):
            def part(low, high, bad=bad):
                if low == bad:
                    raise ZeroDivisionError(f"piece {low}")

            with pytest.raises(ZeroDivisionError, match=f"piece {bad}"):
                threads.share(part, 20, 10)
            seen = []
            threads.share(lambda low, high, seen=seen: seen.append(low), 20, 10)
            assert sorted(seen) == [0, 10]
    finally:
        threads.set_num_threads(n)
