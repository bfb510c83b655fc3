"""PyTorch's own sample inputs, in float64, for every layer and loss that minigrad has: none is wrong.

Layers that differ in training and evaluation get the samples of both.

A sample is supported if minigrad's layer can be made and called. What it returns, the gradients of its inputs and parameters, and its
buffers after the call must then be PyTorch's. The parameters are copied from PyTorch's layer; what dropout draws is not compared.
"""

import functools
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
    from torch.testing._internal.common_modules import module_db

MODULES = {info.name.removeprefix("nn."): info for info in module_db if hasattr(minigrad.nn, info.module_cls.__name__)}


def copied(mine, its):
    """Give minigrad's layer the parameters and buffers of PyTorch's; their names and order must be the same."""
    assert list(mine.state_dict()) == list(its.state_dict())
    mine.load_state_dict({key: minigrad.from_numpy(value.numpy().copy()) for key, value in its.state_dict().items()})


def judged(info, sample, training):
    """Return the verdict on a sample."""
    leaves, made, called = {}, sample.constructor_input, sample.forward_input
    its = info.module_cls(*made.args, **made.kwargs).double().train(training)
    arguments = [(translated(given.args, leaves), translated(given.kwargs, leaves)) for given in (made, called)]
    for _, tensor in leaves.values():
        if tensor.requires_grad:
            tensor.retain_grad()  # some were computed
    try:
        mine = getattr(minigrad.nn, info.module_cls.__name__)(*arguments[0][0], **arguments[0][1]).double().train(training)
        if repr(mine) != repr(its):
            return f"{mine} instead of {its}"
        copied(mine, its)
        in_minigrad = flat(mine(*arguments[1][0], **arguments[1][1]))
    except REFUSED as error:
        return refusal(error)
    in_torch, parameters = flat(its(*called.args, **called.kwargs)), dict(its.named_parameters())
    pairs = {f"input {i}": pair for i, pair in enumerate(leaves.values())}
    pairs |= {name: (p, parameters[name]) for name, p in mine.named_parameters()}
    return judgement(in_minigrad, in_torch, pairs) or first_difference(list(mine.buffers()), list(its.buffers()))


@functools.cache
def verdicts(name):
    """Return [(verdict, sample)] for the samples of a layer."""
    info, found = MODULES[name], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for training in (True, False) if info.train_and_eval_differ else (True,):
            samples = info.module_inputs_func(info, device="cpu", dtype=torch.float64, requires_grad=True, training=training)
            found += [(judged(info, sample, training), sample) for sample in samples]
    return found


@pytest.mark.parametrize("name", MODULES)
def test_no_sample_is_wrong(name):
    check_none_wrong(verdicts(name))


def test_nearly_all_samples_are_supported():
    assert len(MODULES) >= 30
    check_nearly_all_supported([pair for name in MODULES for pair in verdicts(name)], least=270)
