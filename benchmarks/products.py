"""The matrix products of a step on their own: recorded while the step runs, then repeated without it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.pairs import BenchmarkError


@contextmanager
def recorded() -> Iterator[list[tuple[Any, Any]]]:
    """The arguments of every product that minigrad makes on the CPU meanwhile, transposed views as they are."""
    from minigrad.backend import cpu

    products: list[tuple[Any, Any]] = []
    matmul = cpu.matmul

    def recorder(x: Any, y: Any, *more: Any, **options: Any) -> Any:
        products.append((x, y))
        return matmul(x, y, *more, **options)

    cpu.matmul = recorder
    try:
        yield products
    finally:
        cpu.matmul = matmul


def products_of(step: Callable[[], Any], net: Any, rows: int) -> Callable[[], None]:
    """A call that makes the same products as `step` does, through the same function.

    BenchmarkError unless their work is that of the network's layers: 2 · rows · in · out for the forward, the same
    for the gradient of the weights and, but for the first layer, the same for the gradient of the inputs.
    """
    from minigrad.backend import cpu

    with recorded() as products:
        step()
    found = sum(2 * x.shape[0] * x.shape[1] * y.shape[1] for x, y in products)
    weights = [p for p in net.parameters() if p.ndim == 2]
    expected = sum(2 * rows * w.numel() * (3 if i else 2) for i, w in enumerate(weights))
    if found != expected:
        raise BenchmarkError(f"the products recorded do {found} operations, the network's layers {expected}")

    def replay() -> None:
        for x, y in products:
            cpu.matmul(x, y)

    return replay
