"""PyTorch's own sample inputs, in float64, for every operation that minigrad has: none is wrong, 97 % are supported.

A sample is supported if minigrad's function returns. What it returns, and the gradients of all inputs that require one, must then be
PyTorch's in value, shape and dtype. `empty` and random draws are compared by shape and dtype.
"""

import functools
import types
import warnings

import numpy as np
import pytest
import torch

import minigrad
from support.optional_tools import REQUIRED

if not REQUIRED:
    pytest.importorskip("expecttest", reason="PyTorch's sample inputs need expecttest, pip install expecttest")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_methods_invocations import op_db

DRAWN = {"empty", "empty_like", "new_empty", "randn", "randn_like", "rand_like", "randint", "normal", "bernoulli", "multinomial",
         "randint_like", "nn.functional.dropout"}
DTYPES = {
    getattr(torch, name): getattr(minigrad, name)
    for name in ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")
}


def found(name):
    """Return minigrad's function or method of PyTorch's name, or None: of `short`, a dtype and a method, the method."""
    if name.startswith("nn.functional."):
        return getattr(minigrad.nn.functional, name.removeprefix("nn.functional."), None)
    places = (getattr(place, name, None) for place in (minigrad, minigrad.Tensor))
    return next(filter(callable, places), None)


def minigrad_of(info):
    """Return what to call: PyTorch's lambda with minigrad in place of `torch`, or minigrad's function of the same name."""
    f = info.op
    if isinstance(f, types.FunctionType) and f.__name__ == "<lambda>":
        names = {**f.__globals__, "torch": minigrad}
        return types.FunctionType(f.__code__, names, f.__name__, f.__defaults__, f.__closure__)
    return found(info.name)


def title(info):
    return ".".join(filter(None, (info.name, info.variant_test_name)))


OPS = {title(info): info for info in op_db if callable(found(info.name)) and torch.float64 in info.dtypes}


def translated(x, leaves):
    """Return PyTorch's argument as minigrad's; `leaves` gets the pair for every tensor in it."""
    if isinstance(x, torch.Tensor):
        if id(x) not in leaves:
            y = minigrad.from_numpy(x.detach().numpy().copy(order="K"))
            leaves[id(x)] = y.requires_grad_(x.requires_grad), x
            x.grad = None  # since samples share tensors
        return leaves[id(x)][0]
    if isinstance(x, tuple | list):
        return type(x)(translated(part, leaves) for part in x) if type(x) is not torch.Size else tuple(x)
    if isinstance(x, dict):
        return {key: translated(value, leaves) for key, value in x.items()}
    if isinstance(x, torch.device):
        return str(x)
    return DTYPES.get(x, x) if isinstance(x, torch.dtype) else x


def flat(result):
    """Return the tensors (or numbers) of a result."""
    return [part for r in result for part in flat(r)] if isinstance(result, tuple | list) else [result]


def difference(in_minigrad, in_torch, drawn):
    """Return what is wrong with minigrad's result, or None."""
    if not isinstance(in_torch, torch.Tensor):
        return None if in_minigrad == in_torch else f"{in_minigrad!r} instead of {in_torch!r}"
    if not isinstance(in_minigrad, minigrad.Tensor):
        return f"{type(in_minigrad).__name__} instead of a tensor"
    if tuple(in_minigrad.shape) != tuple(in_torch.shape) or in_minigrad.dtype != DTYPES[in_torch.dtype]:
        return f"{in_minigrad.shape} {in_minigrad.dtype} instead of {in_torch.shape} {in_torch.dtype}"
    if drawn:
        return None
    a, b = in_minigrad.detach().numpy(), in_torch.detach().numpy()
    if a.dtype.kind == "f":
        exact = np.finfo(a.dtype).eps * 1e3
        same = np.allclose(a, b, exact, exact, equal_nan=True)
        return None if same else f"off by {np.nanmax(np.abs(a - b))}"
    return None if np.array_equal(a, b) else f"{a} instead of {b}"


def backward(outputs, library):
    """Go backward from a scalar that weighs all differentiable outputs unevenly; return whether there is one."""
    total = None
    for out in outputs:
        if isinstance(out, library.Tensor) and out.requires_grad:
            cosines = np.cos(np.arange(out.numel())).reshape(tuple(out.shape))
            weights = library.tensor(cosines, dtype=out.dtype)
            part = (out * weights).sum()
            total = part if total is None else total + part
    if total is not None:
        total.backward()
    return total is not None


def judged(info, sample):
    """Return None if all is right, else what is wrong, or "unsupported" with the error."""
    leaves = {}
    arguments = translated((sample.input, *sample.args), leaves), translated(sample.kwargs, leaves)
    in_torch = flat(info.op(sample.input, *sample.args, **sample.kwargs))
    try:
        in_minigrad = flat(minigrad_of(info)(*arguments[0], **arguments[1]))
    except (TypeError, ValueError, RuntimeError, NotImplementedError, AttributeError, IndexError) as error:
        return f"unsupported: {type(error).__name__}: {error}"
    if len(in_minigrad) != len(in_torch):
        return f"{len(in_minigrad)} results instead of {len(in_torch)}"
    drawn = info.name in DRAWN
    problems = [problem for a, b in zip(in_minigrad, in_torch) if (problem := difference(a, b, drawn))]
    if problems or drawn:
        return problems[0] if problems else None
    if backward(in_torch, torch) != backward(in_minigrad, minigrad):
        return "differentiable in only one of the two"
    for mine, its in leaves.values():
        if (mine.grad is None) != (its.grad is None):
            return f"gradient {mine.grad} instead of {its.grad}"
        if its.grad is not None and (problem := difference(mine.grad, its.grad, False)):
            return f"gradient: {problem}"
    return None


@functools.cache
def verdicts(name):
    """Return [(verdict, sample)] for all samples of an op."""
    info = OPS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        samples = info.sample_inputs("cpu", torch.float64, requires_grad=info.supports_autograd)
        return [(judged(info, sample), sample) for sample in samples]


@pytest.mark.parametrize("name", OPS)
def test_no_sample_is_wrong(name):
    wrong = [f"{v}\n  {s}" for v, s in verdicts(name) if v and not v.startswith("unsupported")]
    assert not wrong, "\n".join(wrong)


def test_nearly_all_samples_are_supported():
    judgements = [v for name in OPS for v, _ in verdicts(name)]
    unsupported = sum(v is not None and v.startswith("unsupported") for v in judgements)
    assert len(OPS) >= 235
    assert len(judgements) > 2800
    assert unsupported <= 0.03 * len(judgements)
