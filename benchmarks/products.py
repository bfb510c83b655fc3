"""The matrix products of a step alone: they are recorded while the step runs, then repeated without it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.counts import operations
from benchmarks.pairs import BenchmarkError

FACTORS = {  # what a function multiplies, by its arguments
    "matmul": lambda x, y: (x, y),
    "linear": lambda x, weight, bias: (x, weight.T),
}


@contextmanager
def recorded() -> Iterator[list[tuple[Any, Any]]]:
    """Return a list to which the factors of every product on the CPU are added in this block; views stay views.

    `numpy_names` makes the products of arrays, and `postponed` those of a large gradient, which is a Postponed object around its array.
    """
    from minigrad.backend.cpu.numpy_names import numpy_names
    from minigrad.backend.cpu.products import Postponed, postponed

    products: list[tuple[Any, Any]] = []
    replaced = [(numpy_names, "matmul"), (numpy_names, "linear"), (postponed, "matmul")]
    originals = [getattr(module, name) for module, name in replaced]

    def recorder(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            products.append(FACTORS[name](*[a.array if type(a) is Postponed else a for a in arguments]))
            return original(*arguments)

        return call

    for (module, name), original in zip(replaced, originals, strict=True):
        setattr(module, name, recorder(name, original))
    try:
        yield products
    finally:
        for (module, name), original in zip(replaced, originals, strict=True):
            setattr(module, name, original)


def products_of(step: Callable[[], Any], net: Any, rows: int) -> Callable[[], None]:
    """Return a function that makes the same products as `step` does, through minigrad's own matmul.

    Raise BenchmarkError unless their work is that of the network's layers (benchmarks/counts.py).
    """
    from minigrad.backend.cpu.numpy_names import numpy_names

    with recorded() as products:
        step()
    found = sum(2 * x.shape[0] * x.shape[1] * y.shape[1] for x, y in products)
    shapes = [tuple(p.shape) for p in net.parameters() if p.ndim == 2]  # (out, in) of each layer
    expected = operations([shapes[0][1], *(out for out, _ in shapes)], rows)
    if found != expected:
        raise BenchmarkError(f"the products recorded do {found} operations, the network's layers {expected}")

    def replay() -> None:
        for x, y in products:
            numpy_names.matmul(x, y)

    return replay
