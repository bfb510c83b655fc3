"""The operations that a call recorded, as nodes in their order: their values, devices and gradients, and each as a function of its own."""

from __future__ import annotations

import functools
from typing import Any

from ... import backend
from ...autograd import contract, graph
from ...autograd.modes import enable_grad
from ...backend import device_of


def node_function(node):
    """Return a recorded operation as a function of its array arguments."""
    if hasattr(node.op, "cls"):  # a Function's
        return node.op.cls.apply
    return functools.partial(node.op, **node.options) if node.options else node.op


def node_inputs(node, values):
    """Return the arguments of a recorded operation as new leaves. `values` are the values of the nodes."""
    arguments = []
    for parent, constant in zip(node.parents, node.constants or (None,) * len(node.parents)):
        if parent is None:
            arguments.append(constant)
            continue
        leaf = graph.wrap(backend.copy((values[parent] if isinstance(parent, graph.Node) else parent).array))
        leaf.requires_grad = True
        arguments.append(leaf)
    return arguments


def values_of(nodes, inputs):
    """Return {node: its value} for recorded operations and the tensors `inputs`, computed again from these."""
    found = {x.node: x for x in inputs if x.node is not None}
    with enable_grad():
        for node in nodes:
            value = node_function(node)(*node_inputs(node, found))
            found[node] = graph.wrap(value.array)
    return found


def devices_of(nodes, tensors):
    """Return {node: "cpu" or "cuda", where its value lives} for recorded operations and the tensors at their ends."""
    found = {x.node: device_of(x.array) for x in tensors}
    for node in nodes:
        if node not in found:
            near = [found.get(p) or device_of(p.array) for p in node.parents if p is not None]
            near += [device_of(getattr(c, "array", c)) for c in node.constants or ()]
            found[node] = node.options["device"] if node.op.__name__ == "to_device" else max(near)  # "cuda", if any of them lives there
    return found


def gradients_of(nodes, outputs):
    """Return {node: the gradient that reaches it}, where `outputs` are pairs (node, a gradient that is given to it)."""
    found: dict[Any, Any] = {}

    def add(node, g):
        if g is not None:
            found[node] = backend.asarray(found[node] + g) if node in found else g

    for node, g in outputs:
        add(node, g)
    for node in reversed(nodes):
        g = found.get(node)
        for parent, vjp in zip(node.parents, node.vjps):
            if g is not None and type(parent) is graph.Node:
                c = vjp(g)
                add(parent, None if c is None else contract.fit(c, g, node, parent))
    return found
