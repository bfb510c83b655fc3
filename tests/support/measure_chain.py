"""Print seconds and bytes for each node of a chain of operations. Run it as a program: measure_chain.py minigrad|torch LENGTH."""

import gc
import json
import resource
import sys
import time


def used():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def main(library, length):
    lib = __import__(library)
    x = lib.ones((), dtype=lib.float64, requires_grad=True)
    (x * 1.0).backward()
    gc.collect()
    gc.disable()
    before, started = used(), time.perf_counter()
    y = x
    for _ in range(length):
        y = y + x
    built, held = time.perf_counter(), used()
    y.backward()
    walked = time.perf_counter()
    right = x.grad.item() == length + 2
    del y
    left = used() - before
    y = x
    for _ in range(length // 4):  # this part is freed without a backward pass
        y = -y
    del y
    print(json.dumps({"forward": (built - started) / length, "backward": (walked - built) / length, "bytes": (held - before) / length,
                      "left": left / length, "left without backward": (used() - before) / length, "right": right}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
