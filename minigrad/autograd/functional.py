"""Derivatives of a function at a point, with the names and arguments of `torch.autograd.functional`.

`func` takes tensors and returns a tensor or a tuple of tensors; `inputs` is a tensor or a tuple of tensors. A result has a tuple where
`inputs`, or what `func` returns, is one. No `.grad` is touched.

create_graph: record the computation of the results, so that they can be differentiated themselves.
strict: raise RuntimeError where a derivative is 0 because one tensor does not depend on another; without it, the result has zeros there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .. import backend
from .engine import grad
from .graph import Tensor, wrap
from .modes import enable_grad

if TYPE_CHECKING:
    from .._tensor import Tensor as PublicTensor

    Tensors = PublicTensor | tuple[PublicTensor, ...]

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def vjp(func: Callable[..., Tensors], inputs: Tensors, v: Tensors | None = None, create_graph: bool = False,
        strict: bool = False) -> tuple[Any, Any]:
    """Return (func(*inputs), vᵀ J): for each input the gradient of Σ v · output, in the input's shape.

    v: for each output a tensor of its shape; it may be left out for one output of one element, and is 1 then.
    """
    with enable_grad():
        point, is_many = _point("vjp", inputs, create_graph)
        outputs, returns_many = _outputs("vjp", func, point, strict)
        weights = _vector("vjp", v, outputs, "output", create_graph)
        products = _filled(_gradients(outputs, point, weights, create_graph), point, strict, create_graph, "output", "input")
    return _result(outputs, returns_many, create_graph), _result(products, is_many, create_graph)


def jvp(func: Callable[..., Tensors], inputs: Tensors, v: Tensors | None = None, create_graph: bool = False,
        strict: bool = False) -> tuple[Any, Any]:
    """Return (func(*inputs), J v): for each output how it changes if the inputs move along v, in the output's shape.

    v: for each input a tensor of its shape; it may be left out for one input of one element, and is 1 then.
    It is made of two VJPs: uᵀ J is linear in u, so that the VJP of that function of u is J v, whatever u is.
    """
    with enable_grad():
        point, _ = _point("jvp", inputs, create_graph)
        direction = _vector("jvp", v, point, "input", create_graph)
        outputs, returns_many = _outputs("jvp", func, point, strict)
        products = _directional(outputs, point, direction, create_graph, strict)
    return _result(outputs, returns_many, create_graph), _result(products, returns_many, create_graph)


def jacobian(func: Callable[..., Tensors], inputs: Tensors, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
             strategy: str = "reverse-mode") -> Any:
    """Return J: d(output)/d(input), of the output's shape followed by the input's, for each output and input.

    If `func` returns a tuple, it is a tuple with an entry for each output; if `inputs` is a tuple, each of these is a tuple with an
    entry for each input. It is computed row by row, one backward pass for each element of the outputs, also with `vectorize`.
    """
    _check_strategy("jacobian", strategy)
    with enable_grad():
        point, is_many = _point("jacobian", inputs, create_graph)
        outputs, returns_many = _outputs("jacobian", func, point, strict)
        rows = [_result(_jacobian_of(i, out, point, create_graph, strict), is_many, create_graph) for i, out in enumerate(outputs)]
    return tuple(rows) if returns_many else rows[0]


def hessian(func: Callable[..., PublicTensor], inputs: Tensors, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
            outer_jacobian_strategy: str = "reverse-mode") -> Any:
    """Return H, the second derivatives of a function with one output of one element: the Jacobian of its gradient.

    If `inputs` is a tuple, H[i][j] is d²(output)/d(input i)d(input j), of the shape of input i followed by that of input j.
    """
    _check_strategy("hessian", outer_jacobian_strategy)

    def gradient(*point: Any) -> Any:
        with enable_grad():
            outputs = _one_number("hessian", func, point, strict)
            found = _filled(_gradients(outputs, point, None, True), point, strict, False, "output", "input")
        if strict:
            _check_recorded(found, "the gradient of func with respect to input {} does not depend on the inputs")
        return found if isinstance(inputs, tuple) else found[0]

    return jacobian(gradient, inputs, create_graph, strict)


def vhp(func: Callable[..., PublicTensor], inputs: Tensors, v: Tensors | None = None, create_graph: bool = False,
        strict: bool = False) -> tuple[PublicTensor, Any]:
    """Return (func(*inputs), vᵀ H) for a function with one output of one element, in the shapes of the inputs.

    v: for each input a tensor of its shape; it may be left out for one input of one element, and is 1 then.
    """
    with enable_grad():
        point, is_many = _point("vhp", inputs, create_graph)
        weights = _vector("vhp", v, point, "input", create_graph)
        outputs = _one_number("vhp", func, point, strict)
        slope = _slope(outputs, point, strict)
        products = _filled(_gradients(slope, point, weights, create_graph), point, strict, create_graph, "gradient", "input")
    return _result(outputs, False, create_graph), _result(products, is_many, create_graph)


def hvp(func: Callable[..., PublicTensor], inputs: Tensors, v: Tensors | None = None, create_graph: bool = False,
        strict: bool = False) -> tuple[PublicTensor, Any]:
    """Return (func(*inputs), H v) for a function with one output of one element, in the shapes of the inputs.

    H is symmetric where the second derivatives are continuous; there `vhp` gives the same and is quicker.
    """
    with enable_grad():
        point, is_many = _point("hvp", inputs, create_graph)
        direction = _vector("hvp", v, point, "input", create_graph)
        outputs = _one_number("hvp", func, point, strict)
        slope = _slope(outputs, point, strict)
        products = _directional([_zeros(x) if s is None else s for s, x in zip(slope, point)], point, direction, create_graph, strict)
    return _result(outputs, False, create_graph), _result(products, is_many, create_graph)


# ---- arguments


def _point(name: str, inputs: Any, create: bool) -> tuple[tuple[Any, ...], bool]:
    """Return the inputs as other tensors that require a gradient, and whether there is a tuple of them.

    They are recorded views of the inputs with `create`, so that gradients reach those that require one, else detached.
    """
    inputs, is_many = _as_tuple(name, inputs, "inputs")
    return tuple([x.view_as(x) if create and x.requires_grad else x.detach().requires_grad_() for x in inputs]), is_many


def _outputs(name: str, func: Callable[..., Any], point: Sequence[Any], strict: bool) -> tuple[tuple[Any, ...], bool]:
    """Return what func returns at the point as a tuple, and whether it is one."""
    outputs, is_many = _as_tuple(name, func(*point), "outputs of func")
    if strict:
        _check_recorded(outputs, f"{name}: output {{}} of func does not depend on the inputs, or was not recorded")
    return outputs, is_many


def _one_number(name: str, func: Callable[..., Any], point: Sequence[Any], strict: bool) -> tuple[Any, ...]:
    """Return (the output,) of a function that must return one tensor of one element."""
    outputs, is_many = _outputs(name, func, point, strict)
    if is_many or outputs[0].numel() != 1:
        got = f"{len(outputs)} tensors" if is_many else f"a tensor of shape {tuple(outputs[0].shape)}"
        raise RuntimeError(f"{name}: expected a function that returns one tensor of one element, but it returned {got}; "
                           "take .sum(), or jacobian for several numbers")
    return outputs


def _vector(name: str, v: Any, like: Sequence[Any], what: str, create: bool) -> tuple[Any, ...] | None:
    """Return v as a tuple of tensors, or None if it may be left out. Raise RuntimeError unless they have the shapes of `like`."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            shapes = ", ".join(str(tuple(x.shape)) for x in like)
            raise RuntimeError(f"{name}: v may be left out for one {what} of one element only, not for {what}s of shapes {shapes}")
        return None
    v, _ = _as_tuple(name, v, "v")
    if [tuple(x.shape) for x in v] != [tuple(x.shape) for x in like]:
        expected, got = (", ".join(str(tuple(x.shape)) for x in tensors) for tensors in (like, v))
        raise RuntimeError(f"{name}: v must have a tensor for each {what}, of its shape: expected {expected}, got {got}")
    return tuple([x if create and x.requires_grad else x.detach() for x in v])


def _as_tuple(name: str, tensors: Any, what: str) -> tuple[tuple[Any, ...], bool]:
    is_many = isinstance(tensors, tuple)
    found = tensors if is_many else (tensors,)
    for x in found:
        if not isinstance(x, Tensor):
            raise TypeError(f"{name}: the {what} must be a Tensor or a tuple of Tensors, not {type(x).__name__}")
    return found, is_many


def _check_strategy(name: str, strategy: str) -> None:
    """Raise unless it is the strategy that exists here."""
    if strategy == "forward-mode":
        raise NotImplementedError(f"{name}: there is no forward mode here; leave 'reverse-mode', which gives the same numbers")
    if strategy != "reverse-mode":
        raise ValueError(f"{name}: expected the strategy 'reverse-mode', got {strategy!r}")


def _check_recorded(tensors: Sequence[Any], message: str) -> None:
    """Raise RuntimeError, for strict=True, with the number of the first tensor that is missing or does not require a gradient."""
    for i, x in enumerate(tensors):
        if x is None or not x.requires_grad:
            raise RuntimeError(f"{message.format(i)}; strict=True does not allow this")


# ---- derivatives


def _gradients(outputs: Sequence[Any], inputs: Sequence[Any], weights: Sequence[Any] | None, create: bool, retain: bool = False) -> Any:
    """Return for each input the gradient of Σ weight · output, None where it was not used; outputs without history count as constants."""
    used = [i for i, out in enumerate(outputs) if out is not None and out.requires_grad]
    if not used:
        return (None,) * len(inputs)
    given = None if weights is None else [weights[i] for i in used]
    return grad([outputs[i] for i in used], inputs, given, retain or create, create, allow_unused=True)


def _slope(outputs: tuple[Any, ...], point: Sequence[Any], strict: bool) -> Any:
    """Return the recorded gradient of one number, None for an input that it does not depend on."""
    slope = _gradients(outputs, point, None, True)
    if strict:
        _check_recorded(slope, "the gradient of func with respect to input {} does not depend on the inputs")
    return slope


def _directional(outputs: Sequence[Any], point: Sequence[Any], direction: Any, create: bool, strict: bool) -> tuple[Any, ...]:
    """Return J v for v = `direction`: the VJP of u ↦ uᵀ J, at u = 0."""
    u = [_zeros(out).requires_grad_() for out in outputs]
    linear = _gradients(outputs, point, u, True)
    if strict:
        _check_recorded(linear, "the outputs of func do not depend on input {}")
    return _filled(_gradients(linear, u, direction, create), outputs, strict, create, "input", "output")


def _jacobian_of(i: int, out: Any, point: Sequence[Any], create: bool, strict: bool) -> tuple[Any, ...]:
    """Return d(output i)/d(input) for each input."""
    rows: list[tuple[Any, ...]] = []
    for j in range(out.numel()):
        unit = backend.array_module(out.array).zeros(out.numel(), dtype=out.dtype)
        unit[j] = 1
        found = _gradients((out,), point, (wrap(unit.reshape(out.shape)),), create, True)
        rows.append(_filled(found, point, strict, create, f"output {i}", "input"))
    return tuple([_stacked(column, out, x) for column, x in zip(zip(*rows), point)] if rows else [_stacked((), out, x) for x in point])


def _stacked(rows: tuple[Any, ...], out: Any, x: Any) -> Any:
    """Return rows, each of the shape of x, as one tensor of the shape of `out` followed by that of x."""
    shape = (*out.shape, *x.shape)
    if not rows:
        return wrap(backend.array_module(x.array).zeros(shape, dtype=x.dtype))
    operations = backend.array_module(rows[0])
    return operations.reshape(operations.join(*[operations.expand_dims(row, 0) for row in rows], axis=0), shape)


def _filled(found: Sequence[Any], like: Sequence[Any], strict: bool, create: bool, what: str, argument: str) -> tuple[Any, ...]:
    """Return the derivatives with zeros for those that are missing. Raise RuntimeError for these if `strict`."""
    if strict:
        for i, c in enumerate(found):
            if c is None:
                raise RuntimeError(f"the {what} of func does not depend on {argument} {i}; strict=True does not allow this")
        if create:
            _check_recorded(found, f"the derivative of the {what} with respect to {argument} {{}} does not depend on the inputs")
    return tuple([_zeros(x) if c is None else c for c, x in zip(found, like)])


def _zeros(x: Any) -> Any:
    return wrap(backend.array_module(x.array).zeros_like(x.array))


def _result(tensors: Sequence[Any], is_many: bool, create: bool) -> Any:
    """Return the tensors as the caller gets them: without history unless `create`, and in a tuple if there `is_many`."""
    found = tuple(tensors) if create else tuple([x.detach() for x in tensors])
    return found if is_many else found[0]
