"""The proof that a planted bug is one: how its wrong version differs from the right one at the given inputs, seen without any checker."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.checkers.cases import Array, Case


def gradient(case: Case) -> float:
    """Return the largest difference of the gradients for a random g, relative to the largest element of the right gradient."""
    return relative(*(gradients(case, wrong, random_g) for wrong in (True, False)))


def layout(case: Case) -> float:
    """Return the same for a g that is stored transposed. For the usual g the two versions agree."""
    assert gradient(case) < 1e-12
    return relative(*(gradients(case, wrong, transposed_g) for wrong in (True, False)))


def second_call(case: Case) -> float:
    """Return the same where the function was called with other inputs before. At the first call the two versions agree."""
    assert gradient(case) < 1e-12
    found = []
    for wrong in (True, False):
        forward, backward = case.functions(wrong)
        run(forward, backward, [x + 0.5 for x in case.arrays()], random_g)
        found.append(run(forward, backward, case.arrays(), random_g))
    return relative(*found)


def repeat(case: Case) -> float:
    """Return how far the second backward after one forward is from the first in the wrong version. In the right version they agree."""
    found = []
    for wrong in (True, False):
        forward, backward = case.functions(wrong)
        arrays = case.arrays()
        g = random_g(forward(*arrays))
        first = [part.copy() for part in parts(backward(g, *arrays))]
        found.append(relative(parts(backward(g, *arrays)), first))
    assert found[1] == 0
    return found[0]


def stride_0(case: Case) -> float:
    """Return the difference of the gradients for a g that is one number, expanded; infinite if the wrong version fails."""
    try:
        found = gradients(case, True, expanded_g)
    except ArithmeticError:
        return np.inf
    return relative(found, gradients(case, False, expanded_g))


def scale_of_g(case: Case) -> float:
    """Return how far the gradient for 2 g is from twice the gradient for g in the wrong version."""
    found = []
    for wrong in (True, False):
        once = gradients(case, wrong, random_g)
        twice = gradients(case, wrong, lambda y: 2 * random_g(y))
        found.append(relative([2 * part for part in once], twice))
    assert found[1] < 1e-12
    return found[0]


def changed(case: Case) -> float:
    """Return how much the wrong version changes its inputs and g. The right version changes nothing."""
    found = []
    for wrong in (True, False):
        forward, backward = case.functions(wrong)
        arrays = case.arrays()
        y = forward(*arrays)
        g = random_g(y)
        backward(g, *arrays)
        found.append(relative([*arrays, g], [*case.arrays(), random_g(y)]))
    assert found[1] == 0
    return found[0]


def form(case: Case) -> float:
    """Return 1 if count, shapes and dtypes of the gradients are those of the inputs in the right version only, else 0."""
    arrays = case.arrays()
    expected = [(x.shape, x.dtype) for x in arrays]
    found = []
    for wrong in (True, False):
        parts = gradients(case, wrong, random_g)
        found.append([(part.shape, part.dtype) for part in parts] == expected)
    return float(found == [False, True])


DIFFERENCES: dict[str, Callable[[Case], float]] = {
    "gradient": gradient,
    "layout": layout,
    "stride 0": stride_0,
    "second call": second_call,
    "repeat": repeat,
    "scale of g": scale_of_g,
    "changed": changed,
    "form": form,
}


def difference(case: Case) -> float:
    """Return how far the wrong version is from the right one, where the case says that they differ."""
    with np.errstate(all="ignore"):
        return DIFFERENCES[case.shows](case)


def gradients(case: Case, wrong: bool, make_g: Callable[[Array], Any]) -> list[Array]:
    """Return the gradients of a new wrong or right version for g = make_g(y)."""
    return run(*case.functions(wrong), case.arrays(), make_g)


def run(forward: Callable[..., Any], backward: Callable[..., Any], arrays: Any, make_g: Callable[[Array], Any]) -> list[Array]:
    """Return the gradients for g = make_g(y); the second of several outputs has twice the numbers, so that they are told apart."""
    y = forward(*arrays)
    g = tuple((1 + i) * make_g(part) for i, part in enumerate(y)) if isinstance(y, tuple) else make_g(y)
    return parts(backward(g, *arrays))


def parts(given: Any) -> list[Array]:
    """Return one gradient or several as a list of arrays."""
    return [np.array(part) for part in given] if isinstance(given, tuple | list) else [np.array(given)]


def random_g(y: Array) -> Array:
    """Return normal numbers, always the same for a shape."""
    return np.random.default_rng(np.size(y)).normal(size=np.shape(y))


def transposed_g(y: Array) -> Array:
    """Return the same numbers as random_g, stored in the order of the transposed array."""
    return np.asfortranarray(random_g(y))


def expanded_g(y: Array) -> Array:
    """Return 0.7 for each element of y, all in the same memory."""
    return np.broadcast_to(0.7, np.shape(y))


def relative(found: list[Array], expected: list[Array]) -> float:
    """Return the largest difference, relative to the largest expected element of the same array.

    It is infinite if the shapes differ, or if something is not a number.
    """
    if [x.shape for x in found] != [x.shape for x in expected]:
        return np.inf
    largest = max(float(np.abs(a - b).max() / max(float(np.abs(b).max()), 1e-300)) for a, b in zip(found, expected))
    return np.inf if np.isnan(largest) else largest
