"""Print the bytes for each node of a chain of operations, and what is left in the end. Run it as a program: measure_chain.py LENGTH."""

import gc
import json
import resource
import sys

import minigrad as mg


def used():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def main(length):
    x = mg.ones((), dtype=mg.float64, requires_grad=True)
    (x * 1.0).backward()
    gc.collect()
    gc.disable()
    before = used()
    y = x
    for _ in range(length):
        y = y + x
    held = used()
    y.backward()
    right = x.grad.item() == length + 2
    del y
    left = used() - before
    y = x
    for _ in range(length // 4):  # this part is freed without a backward pass
        y = -y
    del y
    print(json.dumps({"bytes": (held - before) / length, "left": left / length, "left without backward": (used() - before) / length,
                      "right": right}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
