"""A backward pass as a list of steps: for each node its gradient, and what its VJPs give to each argument.

`Steps` goes through a graph as `engine.backward_pass` does, in the same order and with the same sums, so what it shows adds up to `.grad`
to the last bit. It keeps every gradient, adds to no `.grad`, and frees nothing.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop
from typing import TYPE_CHECKING, Any

from .. import backend
from ..autograd import contract, writes
from ..autograd.graph import Node, wrap
from ..autograd.hooks import before_vjps, hooked, run_hooks
from ..autograd.sums import Sums
from ..autograd.visits import nodes_before, products, without_gradient
from .names import Names, call, constant_text, label
from .recording import Made, made_of
from .values import Values

if TYPE_CHECKING:
    from .._tensor import Tensor as PublicTensor


@dataclass(frozen=True, eq=False)
class Contribution:
    """What a VJP gives to one argument of its operation.

    argument, parameter: which argument it is, and what the operation's function calls it, e.g. 0 and "x".
    to, name: the argument's node or leaf tensor, and its name.
    value: d(loss)/d(argument) by this use, of the argument's shape; None where a Function's backward returned None.
    returned_shape: the shape that the VJP returned. It differs from the argument's where that was broadcast.
    summed_axes: the axes of `returned_shape` over which it was summed.
    use: 1 for the first gradient that reaches the argument, 2 for the second, …; total: their sum so far.
    """

    argument: int
    parameter: str
    to: Any
    name: str
    value: PublicTensor | None
    returned_shape: tuple[int, ...]
    summed_axes: tuple[int, ...]
    use: int
    total: PublicTensor | None


@dataclass(frozen=True, eq=False)
class Step:
    """One node of a backward pass: its gradient, and what it gives to its arguments.

    number: 1 for the first step; node, name: the node, and the caller's name for its value, or its operation and number ("tanh #3").
    call: the call as a program would write it; made: the line and the layer, if recorded inside `lines`.
    g: d(loss)/d(value), the sum of all contributions to it, after its hooks; None where no gradient reached a Function's value.
    hooked: whether a hook changed g.
    """

    number: int
    node: Node
    name: str
    call: str
    g: PublicTensor | None
    hooked: bool
    contributions: tuple[Contribution, ...]
    made: Made | None
    _values: Values = field(repr=False)

    @property
    def formula(self) -> str:
        """The formula of the operation and of its gradients, e.g. "y = tanh(x),  dL/dx = g (1 - y²)"."""
        return self.node.formula

    @property
    def value(self) -> PublicTensor | None:
        """The value that the node computed; None if it is not known any more, see `Values`."""
        return _tensor(self._values.of(self.node))


class Steps:
    """The steps of the backward pass from a tensor, the newest node first: an iterator.

    leaves: after the last step [(name, leaf, gradient)], where the gradient is what `backward` would add to the leaf's `.grad`.
    """

    def __init__(self, loss: PublicTensor, gradient: Any = None, *, names: Names | None = None, caller: str = "steps") -> None:
        self.loss, self.names = loss, names or Names()
        self._sums = contract.check_roots(loss, gradient, caller, False)
        if loss.node is None:
            raise RuntimeError(f"{caller}: the tensor of shape {tuple(loss.shape)} is a leaf: no operation made it, so there is no step")
        nodes = nodes_before([loss.node])[::-1]
        self.total = len(nodes)
        self._labels: dict[Any, str] = {node: label(node, self.names, i) for i, node in enumerate(nodes, 1)}
        self._values, self._uses = Values(loss.node, loss.array), dict.fromkeys(self._sums, 1)
        self._number = self._unnamed = 0
        self.leaves: list[tuple[str, PublicTensor, PublicTensor]] = []

    def __iter__(self) -> Iterator[Step]:
        return self

    def __next__(self) -> Step:
        if not self._sums.newest_first:
            if not self.leaves:
                self.leaves = backend.without_fp_warnings(self._finish)
            raise StopIteration
        self._number += 1
        return backend.without_fp_warnings(self._next)

    def value_of(self, node: Node) -> PublicTensor | None:
        """Return the value that a node computed; None if it is not known any more, see `Values`."""
        return _tensor(self._values.of(node))

    def name_of(self, place: Any) -> str:
        """Return the name of a node or a leaf; leaves without a name are counted, as in "leaf 2"."""
        if place not in self._labels:
            found = self.names.of(place)
            self._unnamed += found is None
            self._labels[place] = found or f"leaf {self._unnamed}"
        return self._labels[place]

    def _next(self) -> Step:
        node = heappop(self._sums.newest_first)[1]
        g = before = self._sums.pop(node)
        hooks = {number: hook for number, hook in (node.hooks or {}).items() if number is not None}  # but not that of retain_grad
        if hooks and g is not None:
            g = run_hooks(hooks, backend.copy(g))
        g = before_vjps(node, g)
        if node.vjps is None or writes.latest > node.tick:
            contract.check_usable(node)
        contributions = tuple(_contributions(node, g, self))
        return Step(self._number, node, self._labels[node], self._call(node), _tensor(g), _differ(g, before), contributions,
                    made_of(node), self._values)

    def _call(self, node: Node) -> str:
        constants = node.constants or (None,) * len(node.parents)
        return call(node, [constant_text(c) if p is None and not self.names.of_argument(p, c) else
                           self.names.of_argument(p, c) or self.name_of(p) for p, c in zip(node.parents, constants)])

    def _finish(self) -> list[Any]:
        found = []
        for leaf, g in self._sums.items():
            if leaf._requires_grad:
                g = run_hooks(leaf.hooks, backend.copy(g)) if leaf.hooks else g
                found.append((self.name_of(leaf), leaf, _tensor(g)))
        return found


def _contributions(node: Node, g: Any, steps: Any) -> Iterator[Contribution]:
    """Yield what each VJP of a node returns for g, and add it to the sums."""
    sums: Sums = steps._sums
    parameters, parents, vjps, vjp, parent = parameters_of(node), node.parents, node.vjps, None, None
    try:
        if g is None:
            g, vjps = without_gradient(node, vjps, False, sums)
        elif node.op.product:
            vjps = products(node, vjps, g, True)
        if node.hooks:
            parents, vjps = hooked(node, vjps, g, sums, None, None)
        for i, (parent, vjp) in enumerate(zip(parents, vjps)):
            if parent is None:
                continue
            like = parent if type(parent) is Node else parent.array
            made = vjp(g)
            fits = type(made) is type(g) and made.shape == like.shape and made.dtype == like.dtype
            c = made if fits else contract.fit(made, g, node, like)
            if c is None:
                sums.visit((parent,))
            else:
                _add(sums, parent, c)
                steps._uses[parent] = steps._uses.get(parent, 0) + 1
            shape = tuple(getattr(made, "shape", ()))
            yield Contribution(i, parameters[i] if i < len(parameters) else str(i), parent, steps.name_of(parent), _tensor(c), shape,
                               _summed_axes(shape, tuple(like.shape)), steps._uses.get(parent, 0), _tensor(sums.get(parent)))
    except Exception as error:
        contract.add_note(error, node, g, parent, vjp, vjps)
        raise


def _add(sums: Sums, parent: Any, c: Any) -> None:
    """Add a contribution to the sum of a node or a leaf, into a new array, as the arrays of earlier steps may share the old one."""
    if sums.get(parent) is not None:
        total = sums[parent] + c
        sums[parent] = total if type(total) is type(c) else backend.asarray(total, like=c)
    else:
        sums.visit((parent,))
        sums[parent] = c


def parameters_of(node: Node) -> list[str]:
    """Return what the function of a node's operation calls its arguments; for more than it names, the last with a number."""
    if not hasattr(node.op, "raw"):  # a Function
        function, skipped = node.op.cls.forward, 1
    else:
        function, skipped = node.op.raw, 0
    names: list[str] = []
    for parameter in list(inspect.signature(function).parameters.values())[skipped:]:
        if parameter.kind is parameter.VAR_POSITIONAL:
            return [*names, *[f"{parameter.name}[{i}]" for i in range(len(node.parents) - len(names))]]
        names.append(parameter.name)
    return names


def _summed_axes(large: tuple[int, ...], small: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes over which an array of shape `large` is summed to give one of shape `small`."""
    added = len(large) - len(small)
    return (*range(added), *[i + added for i, n in enumerate(small) if n == 1 and large[i + added] != 1])


def _differ(g: Any, before: Any) -> bool:
    """Return whether the hooks changed a gradient."""
    return g is not before and (g is None or backend.to_numpy(g).tobytes() != backend.to_numpy(before).tobytes())


def _tensor(array: Any) -> Any:
    """Return a copy of an array as a tensor, so that nobody changes the graph by it; of `Parts`, one of its arrays; None for None."""
    return None if array is None else wrap(backend.copy(getattr(array, "array", array)))


def steps(loss: PublicTensor, gradient: Any = None) -> Steps:
    """Return an iterator over the steps of the backward pass from `loss`, one `Step` for each node, the newest first.

    gradient: the gradient to start with, of loss's shape; it may be left out for a tensor of one element (1 is taken).
    The names of the nodes are those of the caller's variables. `.grad` and the graph stay as they are; hooks run, as in `backward`.
    """
    return Steps(loss, gradient, names=Names(sys._getframe(1)))
