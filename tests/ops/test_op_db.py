"""PyTorch's own sample inputs, in float64, for every operation that minigrad has: none is wrong, 97 % are supported.

A sample is supported if minigrad's function returns. What it returns, and the gradients of all inputs that require one, must then be
PyTorch's in value, shape and dtype. `empty` and random draws are compared by shape and dtype.
"""

import functools
import types
import warnings

import pytest
import torch

import minigrad
from support.optional_tools import REQUIRED
from support.pytorch_samples import (
    REFUSED,
    check_nearly_all_supported,
    check_none_wrong,
    first_difference,
    flat,
    judgement,
    refusal,
    translated,
)

if not REQUIRED:
    pytest.importorskip("expecttest", reason="PyTorch's sample inputs need expecttest, pip install expecttest")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_methods_invocations import op_db

DRAWN = {"empty", "empty_like", "new_empty", "randn", "randn_like", "rand_like", "randint", "normal", "bernoulli", "multinomial",
         "randint_like", "nn.functional.dropout"}


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
    """Return the name of an entry of the table, with its variant."""
    return ".".join(filter(None, (info.name, info.variant_test_name)))


OPS = {title(info): info for info in op_db if callable(found(info.name)) and torch.float64 in info.dtypes}


def judged(info, sample):
    """Return the verdict on a sample."""
    leaves = {}
    arguments = translated((sample.input, *sample.args), leaves), translated(sample.kwargs, leaves)
    in_torch = flat(info.op(sample.input, *sample.args, **sample.kwargs))
    try:
        in_minigrad = flat(minigrad_of(info)(*arguments[0], **arguments[1]))
    except REFUSED as error:
        return refusal(error)
    if info.name in DRAWN:
        return first_difference(in_minigrad, in_torch, drawn=True)
    return judgement(in_minigrad, in_torch, {f"input {i}": pair for i, pair in enumerate(leaves.values())})


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
    check_none_wrong(verdicts(name))


def test_nearly_all_samples_are_supported():
    assert len(OPS) >= 235
    check_nearly_all_supported([pair for name in OPS for pair in verdicts(name)], least=2800)
