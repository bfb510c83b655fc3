"""Products of matrices and vectors, and `einsum`, sums of products in Einstein's notation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

from .. import backend, ops
from .arguments import check_axes, check_input
from .parts import diagonal
from .shapes import expand
from .types import Operand, Tensor

__all__ = ["addmm", "baddbmm", "bmm", "dot", "einsum", "matmul", "mm", "mv", "outer"]


def matmul(input: Tensor, other: Operand) -> Tensor:
    """Return input @ other: (…, n, k) @ (…, k, m) is (…, n, m), entries Σ_k input[n, k] other[k, m].

    A vector (k,) counts as one row on the left and as one column on the right, and its axis is left out of the product.
    Raise RuntimeError if the shapes or dtypes do not fit.

    y = input @ other,  dL/dinput = g otherᵀ,  dL/dother = inputᵀ g
    """
    return product(check_input(input, "matmul"), other)


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Return the product of two matrices, (n, k) times (k, m). Raise RuntimeError if one is no matrix.

    y = input @ mat2,  dL/dinput = g mat2ᵀ,  dL/dmat2 = inputᵀ g
    """
    check_axes("mm", 2, input, mat2)
    return ops.matmul(input, mat2)


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Return the products of the matrices of two stacks, (b, n, k) times (b, k, m). Raise RuntimeError if the shapes do not fit.

    y = input @ mat2,  dL/dinput = g mat2ᵀ,  dL/dmat2 = inputᵀ g
    """
    check_axes("bmm", 3, input, mat2)
    if input.array.shape[0] != mat2.array.shape[0]:
        raise RuntimeError(f"bmm: expected as many matrices in both, got shapes {tuple(input.shape)} and {tuple(mat2.shape)}")
    return ops.matmul(input, mat2)


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """Return the product of a matrix (n, k) and a vector (k,).

    y = input @ vec,  dL/dinput = g ⊗ vec,  dL/dvec = inputᵀ g
    """
    check_axes("mv", 2, input)
    check_axes("mv", 1, vec)
    return product(input, vec)


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Return the sum of the products of the elements of two vectors of one length.

    y = Σ input · tensor,  dL/dinput = g tensor,  dL/dtensor = g input
    """
    check_axes("dot", 1, input, tensor)
    return product(input, tensor)


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Return the matrix of the products of each element of one vector with each of another.

    y = input[i] · vec2[j] for each i and j,  dL/dinput = g vec2,  dL/dvec2 = gᵀ input
    """
    check_axes("outer", 1, input, vec2)
    return input.unsqueeze(1) * vec2


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Return beta · input + alpha · mat1 @ mat2; with beta=0, input is ignored, and so is a NaN in it.

    y = beta input + alpha mat1 @ mat2,  dL/dinput = beta g,  dL/dmat1 = alpha g mat2ᵀ,  dL/dmat2 = alpha mat1ᵀ g
    """
    return _sum_with(mm(mat1, mat2), check_input(input, "addmm"), beta, alpha)


def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Return beta · input + alpha · batch1 @ batch2 for stacks of matrices; with beta=0, input is ignored, and so is a NaN in it.

    y = beta input + alpha batch1 @ batch2,  dL/dinput = beta g,  dL/dbatch1 = alpha g batch2ᵀ,  dL/dbatch2 = alpha batch1ᵀ g
    """
    return _sum_with(bmm(batch1, batch2), check_input(input, "baddbmm"), beta, alpha)


def _sum_with(found: Tensor, x: Tensor, beta: float, alpha: float) -> Tensor:
    """Return beta x + alpha times a product, in the shape of the product."""
    x, found = expand(x, found.array.shape), found if alpha == 1 else alpha * found
    return ops.where(True, found, x) if beta == 0 else found + (x if beta == 1 else beta * x)


def product(x: Any, y: Any) -> Tensor:
    """Return x @ y, of which one may be an array.

    z = x @ y,  dL/dx = g yᵀ,  dL/dy = xᵀ g
    """
    if not isinstance(x, Tensor):
        x = _factor(x)
    if not isinstance(y, Tensor):
        y = _factor(y)
    if getattr(x, "ndim", 0) == 0 or getattr(y, "ndim", 0) == 0:
        shapes = [tuple(getattr(a, "shape", ())) for a in (x, y)]
        raise RuntimeError(f"matmul: expected at least 1 axis each, got shapes {shapes[0]} and {shapes[1]}; use * with numbers")
    out = ops.matmul(ops.expand_dims(x, 0) if x.ndim == 1 else x, ops.expand_dims(y, 1) if y.ndim == 1 else y)
    single = tuple(axis for axis, a in ((-2, x), (-1, y)) if a.ndim == 1)
    return ops.squeeze(out, axis=single) if single else out


def _factor(x: Any) -> Any:
    """Return an array that is multiplied with a tensor; raise NotAnOperand for anything else."""
    x = backend.plain_array(x, "matmul")
    if not backend.is_array(x):
        raise backend.NotAnOperand(f"matmul: expected tensors, got {type(x).__name__}")
    return x


# ---- einsum

Labels: TypeAlias = list[str]  # for each axis a letter, or "0", "1", … for those of the three dots, counted from the last one


def einsum(equation: str, *operands: Tensor | Sequence[Tensor]) -> Tensor:
    """Return the sum of products that an equation such as "ik,kj->ij" describes: it names the axes of each operand, and of the result.

    An axis that the result does not name is summed over; one that an operand names twice stands for a diagonal; three dots stand for any
    number of axes. Axes of length 1 broadcast. Without "->" the result has those of the dots and then the letters that occur once, sorted.
    Raise RuntimeError if the equation does not fit the operands.

    y = Σ of the products of the operands,  dL/doperands = for each operand Σ g times the product of the others
    """
    given: Any = operands[0] if len(operands) == 1 and isinstance(operands[0], (tuple, list)) else operands
    if not isinstance(equation, str):
        raise TypeError(f"einsum: expected an equation such as 'ij,jk->ik' first, got {type(equation).__name__}")
    left, arrow, right = equation.replace(" ", "").partition("->")
    if not given or left.count(",") != len(given) - 1:
        raise RuntimeError(f"einsum: {equation!r} describes {left.count(',') + 1} operands, but {len(given)} are given")
    terms = [_labels(equation, term, check_input(x, "einsum").array.ndim) for term, x in zip(left.split(","), given)]
    axes = [axis for labels, x in zip(terms, given) for axis in zip(labels, x.array.shape)]
    lengths = {**dict(axes), **{label: n for label, n in axes if n != 1}}
    used = [label for label, _ in axes]
    dots = sorted({label for label in used if label.isdigit()}, key=int, reverse=True)
    wanted = [*dots, *sorted(label for label in used if used.count(label) == 1 and label.isalpha())]
    if arrow:
        wanted = _labels(equation, right, len(right.replace("...", "")) + ("..." in right) * len(dots))
        if len({*wanted}) < len(wanted) or not {*wanted} <= {*used}:
            raise RuntimeError(f"einsum: the result of {equation!r} must name axes of the operands, each of them once")
    out, names = _summed(given[0], terms[0], lengths, {*wanted}.union(*terms[1:]))
    for k, (x, labels) in enumerate(zip(given[1:], terms[1:]), 2):
        later = {*wanted}.union(*terms[k:])
        out, names = _product(out, names, *_summed(x, labels, lengths, later.union(names)), later)
    return ops.transpose(out, tuple([names.index(label) for label in wanted]))


def _labels(equation: str, term: str, ndim: int) -> Labels:
    """Return the labels of an operand's axes; raise RuntimeError if the term does not fit."""
    before, dots, after = term.partition("...")
    count = ndim - len(before) - len(after)
    if not (before + after + "a").isalpha() or count < 0 or (count and not dots):
        raise RuntimeError(f"einsum: {term!r} in {equation!r} does not fit an operand of {ndim} axes")
    return [*before, *map(str, reversed(range(count))), *after]


def _summed(x: Tensor, labels: Labels, lengths: dict[str, int], kept: set[str]) -> tuple[Tensor, Labels]:
    """Return x, expanded to these lengths, with diagonals in place of axes of one label, and summed over what is not kept."""
    x = expand(x, [lengths[label] for label in labels])
    while repeated := [label for i, label in enumerate(labels) if label in labels[:i]]:
        first = labels.index(repeated[0])
        second = labels.index(repeated[0], first + 1)
        x, labels = diagonal(x, 0, first, second), [*labels[:first], *labels[first + 1:second], *labels[second + 1:], repeated[0]]
    lost = tuple([axis for axis, label in enumerate(labels) if label not in kept])
    return ops.sum(x, axis=lost) if lost else x, [label for label in labels if label in kept]


def _product(x: Tensor, names: Labels, y: Tensor, labels: Labels, kept: set[str]) -> tuple[Tensor, Labels]:
    """Return the product of x and y, summed over the axes that both have and that are not kept, as a product of matrices."""
    stack, inner = [n for n in names if n in labels and n in kept], [n for n in names if n in labels and n not in kept]
    rows, columns = [n for n in names if n not in labels], [n for n in labels if n not in names]
    lengths = dict(zip([*names, *labels], [*x.array.shape, *y.array.shape]))

    def matrices(x: Tensor, names: Labels, *groups: Labels) -> Tensor:
        ordered = ops.transpose(x, tuple([names.index(n) for group in groups for n in group]))
        return ordered.reshape([math.prod([lengths[n] for n in group]) for group in groups[not stack:]])

    x, y, whole = matrices(x, names, stack, rows, inner), matrices(y, labels, stack, inner, columns), [*stack, *rows, *columns]
    return (x @ y if inner else x * y).reshape([lengths[n] for n in whole]), whole
