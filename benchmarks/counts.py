"""How many operations a training step must at least do, and how many bytes it must move, counted from the sizes of its layers."""

from collections.abc import Sequence
from itertools import pairwise


def operations(widths: Sequence[int], batch: int) -> int:
    """Return the floating-point operations in the products: forward, for the gradients of weights, and of inputs but the first."""
    return sum(2 * batch * k * m * (3 if i else 2) for i, (k, m) in enumerate(pairwise(widths)))


def bytes_moved(widths: Sequence[int], batch: int, itemsize: int) -> int:
    """Return the bytes moved if each operation, Adam's too, reads its arguments and writes its results once, without the biases."""
    loss = 5 * batch * widths[-1]  # outputs and targets in, twice; the gradient out
    layers = (_layer(batch * k, k * m, batch * m, i) for i, (k, m) in enumerate(pairwise(widths)))
    return itemsize * (loss + sum(layers))


def _layer(x: int, w: int, y: int, index: int) -> int:
    """Return the elements that a linear layer and its activation move, given those of input, weights and output."""
    forward = (x + w + y) + 2 * y
    backward = 3 * y + (y + x + w) + ((y + w + x) if index else 0)
    adam = 7 * w
    return forward + backward + adam
