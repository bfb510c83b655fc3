"""`summary`: the layers of a network with shapes, parameters, multiplications and memory, up to the layer that fails."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .. import backend, nn
from .._tensor import Tensor
from ..functions.creation import ones, tensor
from ..nn.errors import LayerError
from .forward_calls import Call, Shapes, call, tensors_in
from .wording import printable

WIDTH = 80  # columns of the text, if the names and shapes allow it
UNITS = {"MB": 1e6, "kB": 1e3}  # bytes
HEADINGS = ("Layer", "Input", "Output", "Parameters", "Multiply-adds")
STYLE = """
.minigrad-summary{font:14px/1.45 system-ui,sans-serif;overflow-x:auto;max-width:100%}
.minigrad-summary table{border-collapse:collapse;font-variant-numeric:tabular-nums}
.minigrad-summary tr,.minigrad-summary tr:nth-child(even){background:none}
.minigrad-summary th,.minigrad-summary td{text-align:right;padding:.15em .8em;white-space:nowrap;color:inherit;background:none}
.minigrad-summary th{border-bottom:1px solid rgba(128,128,128,.6)}
.minigrad-summary th:first-child,.minigrad-summary td:first-child{text-align:left;padding-left:0}
.minigrad-summary p{margin:.5em 0;max-width:44rem;overflow-wrap:anywhere}.minigrad-summary .bad{color:#d9480f;font-weight:600}
"""


@dataclass(frozen=True)
class Layer:
    """A line of a summary: one call of a module, or a module that was not called.

    path: in the network, as in "encoder.0"; "" for the network itself. kind: the class's name. depth: how many modules are around it.
    input_shapes, output_shapes: of its tensors; output_shapes is None if it returned nothing, because it failed or was not called.
    parameters: how many numbers its own parameters have, those of its inner modules and those of earlier lines left out.
    trainable: how many of these require a gradient. shared: how many more numbers it has that an earlier line has counted.
    multiply_adds: of the matrix products in this call, those of its inner calls left out.
    status: "", "failed", "not reached" (because of a failure before it) or "not called".
    """

    path: str
    kind: str
    depth: int
    input_shapes: Shapes
    output_shapes: Shapes | None
    parameters: int
    trainable: int
    shared: int
    multiply_adds: int
    status: str
    name: str  # below the line before it that it belongs to

    def row(self, below: list[Layer]) -> tuple[str, ...]:
        """Return the line's cells, in which the numbers of the lines `below`, which are not shown, are added up."""
        name = f"{self.name}: {self.kind}" if self.name else self.kind
        lines = [self, *below]
        own, trainable, shared, products = (
            sum(getattr(line, key) for line in lines) for key in ("parameters", "trainable", "shared", "multiply_adds"))
        output = self.status or _shapes_text(self.output_shapes)
        count = f"{own:,}" if own else "" if shared else "-"
        count += " frozen" if own and not trainable else f" ({own - trainable:,} frozen)" if trainable < own else ""
        count += (" + shared" if own else "shared") if shared else ""
        return "  " * self.depth + name, _shapes_text(self.input_shapes), output, count, f"{products:,}" if products else "-"


class Summary:
    """The layers of a network and their sums: `print` it, let a notebook show it, or take its numbers.

    layers: every line, a `Layer`, in the order of the calls; modules that were not called stand last in the module around them.
    parameters, trainable_parameters: how many numbers the parameters have; a parameter that is used several times counts once.
    multiply_adds: multiplications, each with an addition, of all matrix products of the pass: n·k·m for (n, k) @ (k, m), whether in
        nn.Linear or in `@`. Biases and everything that works element by element do not count.
    input_bytes: of the input. parameter_bytes: of the parameters. output_bytes: of what the layers with parameters (and without inner
        modules) return, twice, for the values and their gradients, as torchinfo estimates a forward and a backward pass.
        total_bytes: the sum of the three.
    error: what ended the pass, or None. failed: the Layer that raised it, or None.
    """

    def __init__(self, root: Call, error: Exception | None, input_bytes: int, has_run: bool, depth: int | None) -> None:
        self.error = error
        self._shown = depth
        self.layers = list(_lines(root, "" if not has_run else "not reached" if error else "not called"))
        parameters = list(root.module.parameters())
        self.parameters = sum(p.numel() for p in parameters)
        self.trainable_parameters = sum(p.numel() for p in parameters if p.requires_grad)
        self.multiply_adds = sum(layer.multiply_adds for layer in self.layers)
        self.input_bytes = input_bytes
        self.output_bytes = 2 * sum(made.output_bytes for made in _all_calls(root) if not made.inner and list(made.module.parameters()))
        self.parameter_bytes = sum(p.array.nbytes for p in parameters)
        self.total_bytes = self.input_bytes + self.output_bytes + self.parameter_bytes
        culprit = root.module if error is None else getattr(error, "layer", root.module)
        modules = dict(root.module.named_modules())
        failed = [layer for layer in self.layers if layer.status == "failed"]
        self.failed = next((layer for layer in failed if modules.get(layer.path) is culprit), failed[-1] if failed and error else None)

    def rows(self) -> list[tuple[str, ...]]:
        """Return the cells of the lines that are shown, without the headings."""
        shown: list[tuple[Layer, list[Layer]]] = []
        for layer in self.layers:
            if self._shown is None or layer.depth <= self._shown:
                shown.append((layer, []))
            else:
                shown[-1][1].append(layer)
        return [layer.row(below) for layer, below in shown]

    def totals(self) -> list[str]:
        """Return the lines with the sums."""
        frozen = self.parameters - self.trainable_parameters
        kinds = "all trainable" if not frozen else "all frozen" if frozen == self.parameters else (
            f"{self.trainable_parameters:,} trainable, {frozen:,} frozen")
        sizes = {"input": self.input_bytes, "forward and backward": self.output_bytes, "parameters": self.parameter_bytes}
        unit = "MB" if self.total_bytes >= UNITS["MB"] else "kB"
        memory = " + ".join(f"{name} {size / UNITS[unit]:,.2f}" for name, size in sizes.items())
        return [f"Parameters: {self.parameters:,}" + (f", {kinds}" if self.parameters else ""), f"Multiply-adds: {self.multiply_adds:,}",
                f"Memory in {unit}: {memory} = {self.total_bytes / UNITS[unit]:,.2f}"]

    def failure(self) -> str:
        """Return which layer failed, on which input, and why; "" if none did."""
        if self.error is None:
            return ""
        layer = self.failed
        where = "The network" if layer is None else describe_layer(layer)
        given = f" on an input of shape {_shapes_text(layer.input_shapes)}" if layer is not None and layer.input_shapes else ""
        if isinstance(self.error, LayerError):
            return f"{where} failed{given}: {self.error.args[0]}"
        return f"{where} failed{given}: {type(self.error).__name__}: {self.error}".removesuffix(": ")

    def text(self, width: int = WIDTH) -> str:
        """Return the summary as text of at most `width` columns if the names and shapes allow it; the inputs are left out to have room."""
        rows = [HEADINGS, *self.rows()]
        if len(_table(rows)[0]) > width:
            rows = [(row[0], *row[2:]) for row in rows]
        heading, *lines = _table(rows)
        rule = "-" * len(heading)
        totals, failure = _wrapped(self.totals(), width), _wrapped(self.failure().splitlines(), width)
        return "\n".join([heading, rule, *lines, rule, *totals, *([rule, *failure] if failure else [])])

    def __str__(self) -> str:
        return printable(self.text())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return the summary as HTML, which a notebook shows."""
        head = "".join(f"<th>{name}</th>" for name in HEADINGS)
        body = []
        for name, *cells in self.rows():
            depth = len(name) - len(name.lstrip(" "))
            rest = "".join(f"<td{_mark(cell)}>{html.escape(cell)}</td>" for cell in cells)
            body.append(f'<tr><td><span style="padding-left:{0.6 * depth:g}em">{html.escape(name.strip())}</span></td>{rest}</tr>')
        sums = "<br>".join(html.escape(line) for line in self.totals())
        failure = f'<p class="bad">{html.escape(self.failure())}</p>' if self.error is not None else ""
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
        return f'<style>{STYLE}</style><div class="minigrad-summary">{table}<p>{sums}</p>{failure}</div>'


def summary(net: nn.Module, input: Any = None, *, depth: int | None = None) -> Summary:
    """Return the layers of `net` with their shapes, parameters, multiply-adds and memory: `print(summary(net, (1000, 784)))`.

    input: a tensor, or a shape such as (1000, 784), for which ones are taken; or several of them in a list or tuple, one for each argument
        of net's `forward`; a dict gives arguments by name. Without an input nothing is called, and only the parameters are counted.
    depth: how many levels of modules within `net` are shown; the numbers of deeper ones are added to their line. None shows all.

    The network is called once under `no_grad`. If a layer fails, the summary goes up to it and says why; it is no exception, see
    `Summary.error`. Afterwards the network, its gradients, buffers and training mode, the input and the default generator are as before.
    """
    if not isinstance(net, nn.Module):
        raise TypeError(f"summary: expected a network, an nn.Module, got {type(net).__name__}")
    if depth is not None and (not isinstance(depth, int) or depth < 0):
        raise ValueError(f"summary: depth must be a whole number, at least 0, or None, got {depth!r}")
    if input is None:
        return Summary(Call(net, "", was_called=False), None, 0, False, depth)
    args, kwargs = _arguments(net, input)
    root, error = call(net, args, kwargs)
    return Summary(root, error, sum(t.array.nbytes for t in tensors_in([args, kwargs])), True, depth)


def describe_layer(layer: Layer) -> str:
    """Return a text such as "encoder.0 (Linear)"."""
    return f"{layer.path} ({layer.kind})" if layer.path else layer.kind


# ---- the input


def _arguments(net: nn.Module, input: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of the call, copies of those that were given."""
    if isinstance(input, dict):
        return (), {name: _argument(net, value) for name, value in input.items()}
    if isinstance(input, tuple | list) and not _is_shape(input):
        return tuple(_argument(net, value) for value in input), {}
    if not isinstance(input, Tensor | tuple | list) and not backend.is_array(input):
        raise TypeError(f"summary: expected a tensor, a shape such as (1000, 784), or several of them, got {type(input).__name__}")
    return (_argument(net, input),), {}


def _argument(net: nn.Module, value: Any) -> Any:
    """Return a copy of a tensor, a tensor of ones of a shape in the network's dtype and place, and anything else as it is."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if backend.is_array(value):
        return tensor(value)
    if not _is_shape(value):
        return value
    if any(n < 0 for n in value):
        raise ValueError(f"summary: a shape has no negative sizes, got {tuple(value)}")
    like = next((p for p in net.parameters() if p.is_floating_point()), None)
    return ones(tuple(value)) if like is None else ones(tuple(value), dtype=like.dtype, device=like.device)


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(n, int) and not isinstance(n, bool) for n in value)


# ---- the lines


def _lines(root: Call, absent: str) -> Iterator[Layer]:
    """Yield the lines of a tree of calls; those of modules that were not called have the status `absent`."""
    called = {made.module for made in _all_calls(root) if made.was_called}
    listed: set[nn.Module] = set()  # the modules that have a line
    counted: set[nn.Parameter] = set()

    def walk(made: Call, depth: int, around: str) -> Iterator[Layer]:
        module, is_first = made.module, made.module not in listed
        listed.add(module)
        every = list(module.parameters(recurse=False))
        own = [p for p in every if p not in counted]
        counted.update(own)
        numbers = [sum(p.numel() for p in some) for some in (own, [p for p in own if p.requires_grad], every)]
        yield Layer(path=made.path, kind=type(module).__name__, depth=depth, input_shapes=made.inputs, output_shapes=made.outputs,
                    parameters=numbers[0], trainable=numbers[1], shared=numbers[2] - numbers[0], multiply_adds=made.multiply_adds,
                    status="failed" if made.failed else "" if made.was_called else absent,
                    name=made.path.removeprefix(f"{around}." if around else ""))
        for inner in [*made.inner, *(missing(module, made.path) if is_first else ())]:
            yield from walk(inner, depth + 1, made.path)

    def missing(module: nn.Module, path: str) -> Iterator[Call]:
        """Yield a line for each module inside that was not called; one that only holds others, as nn.ModuleList does, gets none itself."""
        for name, child in module.named_children():
            inside = f"{path}.{name}" if path else name
            holds = type(child).forward is nn.Module.forward or any(module in called for module in child.modules())
            if child in called or child in listed:
                continue
            if holds and not list(child.parameters(recurse=False)):
                yield from missing(child, inside)
            else:
                yield Call(child, inside, was_called=False)

    return walk(root, 0, "")


def _all_calls(made: Call) -> Iterator[Call]:
    """Yield a call and all calls within it."""
    yield made
    for inner in made.inner:
        yield from _all_calls(inner)


# ---- texts


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    """Return rows of cells as lines, the first column flush left and the others flush right."""
    first, *others = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join([f"{row[0]:<{first}}", *(f"{cell:>{width}}" for cell, width in zip(row[1:], others))]) for row in rows]


def _shapes_text(shapes: Shapes | None) -> str:
    return ", ".join(map(str, shapes)) if shapes else "-"


def _wrapped(lines: list[str], width: int) -> list[str]:
    return [piece for line in lines for piece in textwrap.wrap(line, width)]


def _mark(cell: str) -> str:
    return ' class="bad"' if cell == "failed" else ""
