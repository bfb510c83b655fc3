"""Checks of an operation's arguments, value and VJPs, and of the roots of a backward pass, with the errors for those that do not fit."""

from __future__ import annotations

import warnings

from .. import backend
from .broadcasting import unbroadcast, was_broadcast
from .graph import Tensor, origin, wrap
from .sums import Parts, Sums
from .writes import held, reshaped_since, written_since

# ---- an operation's arguments and value


def prepare(apply, inputs, arrays, options):
    """Return (inputs, arrays, function) for a call on other arguments than numbers and arrays of one floating-point dtype.

    The arrays are on one device and, where the operation promotes, of one dtype. For float16 the function computes in float32,
    if the operation is `wide`. Raise DeviceMismatchError for arrays on several devices.
    """
    name, given = apply.__name__, arrays
    if apply.promotes:
        if len({type(x.array) for x in inputs if isinstance(x, Tensor)}) > 1:
            inputs = _with_numbers_on_the_device(inputs)
            given = arrays = [x.array if isinstance(x, Tensor) else x for x in inputs]
            check_one_device(name, arrays)
        arrays = backend.promote(arrays, name)
    check_one_device(name, arrays)
    if apply.wide and backend.is_half([*arrays, *options.values()]):
        return inputs, backend.widened(arrays, given), backend.narrowed(apply.raw)
    return inputs, arrays, apply.raw


def _with_numbers_on_the_device(inputs):
    """Return the inputs with 0-d tensors brought to the device of the others, as in PyTorch."""
    device = max(backend.device_of(x.array) for x in inputs if isinstance(x, Tensor))  # "cuda" if any
    return [backend.array_module(x).to_device(x, device=device) if isinstance(x, Tensor) and x.array.ndim == 0 else x for x in inputs]


def check_one_device(name, arrays):
    """Raise DeviceMismatchError unless all arrays are on one device."""
    devices = [backend.device_of(a) for a in arrays if backend.is_array(a)]
    if len(set(devices)) > 1:
        raise backend.DeviceMismatchError(f"{name}: tensors on different devices: {', '.join(devices)}; bring them to one with .to(device)")


def refused(name, error):
    """Return the array library's error about shapes or values as PyTorch's type of error, with the operation's name."""
    if isinstance(error, backend.DeviceMismatchError) or str(error).startswith(name):
        return error  # raised by the operation itself
    return (OverflowError if isinstance(error, OverflowError) else RuntimeError)(f"{name}: {error}")


def as_tuple(name, result):
    """Return what an operation's function returned as a tuple; raise TypeError for something else than its value and VJPs."""
    if not isinstance(result, (tuple, list)):
        raise TypeError(f"{name}: the operation's function returned {type(result).__name__}; "
                        "expected its value and one VJP for each argument: return value, vjp, …")
    return tuple(result)


def as_array(name, value):
    """Return a value that is a number as an array: NumPy's 0-d results are scalars. Raise TypeError for anything else."""
    if not isinstance(value, (backend.NumPyScalar, int, float)):
        raise TypeError(f"{name}: the operation's value is {type(value).__name__}; expected one array, "
                        "followed by one VJP for each argument: return value, vjp, …")
    return backend.asarray(value)


# ---- VJPs, and what they return


def check_vjps(name, inputs, vjps):
    """Raise RuntimeError unless each argument that needs a gradient has a VJP, and there are not more VJPs than arguments."""
    if len(vjps) > len(inputs):
        raise RuntimeError(f"{name}: the operation's function returned {len(vjps)} VJPs for {len(inputs)} arguments; "
                           "return one for each argument, None for one that has no gradient")
    for i, x in enumerate(inputs):
        if isinstance(x, Tensor) and x._requires_grad:
            if i >= len(vjps):
                raise RuntimeError(f"{name}: the operation's function returned {len(vjps)} VJPs for {len(inputs)} arguments, "
                                   f"but argument {i} of shape {tuple(x.shape)} requires a gradient; return one for each argument")
            if vjps[i] is None:
                raise RuntimeError(f"{name}: argument {i} of shape {tuple(x.shape)} requires a gradient, but the operation has none "
                                   "for it (its VJP is None); pass argument.detach() to take it as a constant")


def add_note(error, node, g, parent, vjp, vjps):
    """Let an exception that a VJP of `node` raised say for which operation and argument, and with which shapes."""
    which = [i for i, (p, v) in enumerate(zip(node.parents, vjps)) if p is not None and p is parent and v is vjp]
    place = f"VJP of {node.op.__name__} for argument {which[0]} of shape {tuple(parent.shape)}" if which else f"VJPs of {node.op.__name__}"
    error.add_note(f"in the {place}: g has shape {tuple(getattr(g, 'shape', node.shape))}, the output {tuple(node.shape)}")


def fit(c, g, node, like):
    """Return what a VJP of `node` returned for `g`, brought to the shape and dtype of `like`, its argument.

    Raise RuntimeError where that cannot be. None, which a Function's backward may return where it has no gradient, is returned as it is,
    and so is what goes to a call with several outputs.
    """
    name, shape, dtype = node.op.__name__, like.shape, like.dtype
    if shape and type(c) is type(g) and c.dtype == dtype and c.shape == node.shape and c.shape[len(c.shape) - len(shape):] == shape:
        return unbroadcast(c, shape)
    if not isinstance(c, Tensor) and not backend.is_array(c):
        if type(c) is Parts or (c is None and not node.op.owns):
            return c
        if not isinstance(c, backend.NumPyScalar):
            raise RuntimeError(f"the VJP of {name} returned {type(c).__name__} where an array of shape {shape} is expected")
        c = backend.asarray(c)
    a, b = (getattr(x, "array", x) for x in (c, g))
    if type(a) is not type(b) and name != "to_device":
        raise backend.DeviceMismatchError(f"the VJP of {name} returned an array on {backend.device_of(a)} "
                                          f"for one on {backend.device_of(b)}")
    if c.shape != shape:
        if not was_broadcast(shape, c.shape, c.shape if type(g) is Parts else node.shape):
            raise RuntimeError(f"the VJP of {name} returned shape {tuple(c.shape)} for an input of shape {shape} "
                               f"(output {tuple(node.shape)}); expected the input's shape, or one that it was broadcast to")
        c = unbroadcast(c, shape)
    if c.dtype != dtype:
        if node.dtype == dtype:
            raise RuntimeError(f"the VJP of {name} returned dtype {c.dtype} for an input of {dtype}; "
                               "look for a NumPy scalar such as np.float64(2) in it")
        c = backend.array_module(c).astype(c, dtype) if isinstance(c, Tensor) else c.astype(dtype)
    if not isinstance(c, Tensor):
        if not backend.is_array(c):  # NumPy turned 0-d into a scalar
            c = backend.asarray(c)
        if isinstance(g, Tensor):  # a constant
            c = wrap(c)
    return c


# ---- nodes


def freed(node):
    """Return the error for a second pass through a graph that the first one freed."""
    return RuntimeError(f"backward: the graph of {node.op.__name__} (shape {tuple(node.shape)}) was freed by an earlier "
                        "backward(); pass retain_graph=True to the first one to go through it again")


def check_usable(node):
    """Raise RuntimeError if the node was freed, or if memory that its VJPs hold was written after it was recorded."""
    if node.vjps is None:
        raise freed(node)
    for parent in node.parents:
        if reshaped_since(parent, node.tick):
            raise RuntimeError(f"backward: a leaf that {node.op.__name__} (output shape {tuple(node.shape)}) used has got data of another "
                               f"shape since, {tuple(parent.shape)}; call backward() before")
    for vjp in node.vjps:
        for array in held(vjp) if vjp is not None else ():
            if written_since(array, node.tick):
                raise RuntimeError(f"backward: {node.op.__name__} (output shape {tuple(node.shape)}) saved a tensor of shape "
                                   f"{tuple(array.shape)} that was changed in place afterwards; change a clone() instead, "
                                   "or call backward() before the change")


# ---- what `backward` and `grad` are given


def check_wanted(inputs, name):
    """Return (inputs, {node or leaf: None}) of the tensors whose gradients are asked for; raise RuntimeError for what can have none."""
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    if not inputs:
        raise RuntimeError(f"{name}: `inputs` argument to `{name}()` cannot be empty")
    for i, t in enumerate(inputs):
        if not isinstance(t, Tensor):
            raise RuntimeError(f"{name}: all inputs have to be Tensors, but input {i} is {type(t).__name__}")
        if not t._requires_grad:
            raise RuntimeError(f"{name}: input {i} of shape {tuple(t.shape)} does not require a gradient")
    return inputs, {origin(t): None for t in inputs}


def check_roots(tensors, gradients, name, create):
    """Return the sums that a pass starts with, {node or leaf: gradient}; a gradient is a Tensor with `create`, else an array.

    Raise TypeError or RuntimeError for what does not require a gradient or does not fit.
    """
    tensors = (tensors,) if isinstance(tensors, Tensor) else tuple(tensors)
    if gradients is None:
        gradients = (None,) * len(tensors)
    elif isinstance(gradients, Tensor) or backend.is_array(gradients := backend.plain_array(gradients, name)):
        gradients = (gradients,)
    if len(gradients) != len(tensors):
        raise RuntimeError(f"{name}: {len(tensors)} tensors, but {len(gradients)} gradients")
    sums = Sums()
    for t, g in zip(tensors, gradients):
        g = _root_gradient(t, g, name)
        g = (g if isinstance(g, Tensor) else wrap(g)) if create else g.array if isinstance(g, Tensor) else g
        start = origin(t)
        if start in sums:
            total = sums[start] + g
            g = total if create else backend.asarray(total, like=g)
        else:
            sums.visit((start,))
        sums[start] = g
    return sums


def _root_gradient(t, g, name):
    """Return the gradient that a root starts with: `g` checked, or 1 for a tensor of one element where it was left out."""
    if not isinstance(t, Tensor):
        raise TypeError(f"{name}: expected tensors, got {type(t).__name__}")
    if not t._requires_grad:
        raise RuntimeError(f"{name}: the tensor of shape {tuple(t.shape)} does not require a gradient and has no grad_fn: "
                           "nothing that it was computed from has requires_grad=True, or it was computed under no_grad()")
    if g is None:
        if t.array.size != 1:
            raise RuntimeError(f"{name}: a gradient can be left out only for a tensor of one element, not of shape "
                               f"{tuple(t.shape)}; pass a gradient of that shape, or reduce it first, e.g. with .sum()")
        return backend.array_module(t.array).ones_like(t.array)
    g = g if isinstance(g, Tensor) else backend.plain_array(g, name)
    array = g.array if isinstance(g, Tensor) else g
    if tuple(array.shape) != tuple(t.array.shape):
        raise RuntimeError(f"{name}: the gradient has shape {tuple(array.shape)}, its tensor {tuple(t.shape)}")
    if type(array) is not type(t.array):
        check_one_device(name, [array, t.array])
    return g if array.dtype == t.array.dtype else array.astype(t.array.dtype)


def unused(i, t, allowed, materialize, create):
    """Return the gradient of an input of `grad` that the outputs do not depend on: zeros, or None if that is allowed.

    Raise RuntimeError otherwise.
    """
    if materialize:
        zeros = wrap(backend.array_module(t.array).zeros_like(t.array))
        zeros.requires_grad = create
        return zeros
    if not allowed:
        raise RuntimeError(f"grad: input {i} of shape {tuple(t.shape)} was not used to compute the outputs; "
                           "set allow_unused=True to get None for it")
    return None


def warn_of_cycle():
    """Warn the caller of `Tensor.backward` of what create_graph=True does to memory."""
    warnings.warn(
        "Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient, which keeps memory "
        "until the garbage collector runs. Use autograd.grad when creating the graph, or set .grad to None after use", stacklevel=4)
