"""Copies of tensors by deepcopy, copy and pickle, compared with PyTorch's: which parts share memory."""

import copy
import pickle

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import nn


def address(tensor):
    return tensor.array.__array_interface__["data"][0] if isinstance(tensor, mg.Tensor) else tensor.data_ptr()


def structures(lib):
    """Return {name: list of tensors}, of which some show the same memory."""
    x = lib.arange(12, dtype=lib.float64)
    matrix = lib.arange(12, dtype=lib.float64).reshape(3, 4)
    leaf = lib.arange(6, dtype=lib.float64).requires_grad_()
    parameter, other = lib.nn.Parameter(lib.arange(4, dtype=lib.float64)), lib.nn.Parameter(lib.zeros(4, dtype=lib.float64))
    other.data = parameter.data
    turned = matrix.t().reshape(2, 6) + matrix.permute(1, 0).reshape(2, 6)
    yield "a tensor and its view", [x, x[1:]]
    yield "the view first", [x[5:], x]
    yield "views that overlap", [x[:8], x[4:], x[::3]]
    yield "views that do not touch", [x[:2], x[9:]]
    yield "one tensor twice", [x, x]
    yield "transposed, reshaped, a column", [matrix, matrix.t(), matrix[:, 1], matrix.view(-1)[2:]]
    yield "the transposed alone", [lib.arange(6, dtype=lib.float64).reshape(2, 3).t()]
    yield "the column alone", [lib.arange(6, dtype=lib.float64).reshape(2, 3)[:, 1]]
    yield "a leaf, detached and data", [leaf, leaf.detach(), leaf.data[2:]]
    yield "expanded, and what it shows", [x, x[:1].expand(3)]
    yield "a parameter and its data", [parameter, parameter.data, parameter.detach()[1:]]
    yield "parameters over one memory", [parameter, other]
    yield "a parameter twice", [parameter, parameter]
    yield "whole numbers", [lib.arange(5), lib.arange(5)[1:]]
    yield "nothing in it", [x[:0], x]
    yield "computed, in another order", [turned, turned.t()[1:]]
    yield "scalars", [x[3], x]


NAMES = [name for name, _ in structures(mg)]


def writes(tensors):
    """Return what all show after each in turn is written to, which tells which of them share memory."""
    found = []
    for i, t in enumerate(tensors):
        t.detach()[...] = -1 - i
        found.append([other.tolist() for other in tensors])
    return found


@pytest.mark.parametrize("name", NAMES)
def test_deep_copies_share_memory_as_pytorchs_do(name):
    found = []
    for lib in (mg, torch):
        tensors = dict(structures(lib))[name]
        before = [t.tolist() for t in tensors]
        copies = copy.deepcopy(tensors)
        assert [t.tolist() for t in copies] == before and not {address(t) for t in tensors if t.numel()} & {address(t) for t in copies}
        about = [(type(t).__name__, t.requires_grad, t.stride() if t.numel() > 1 and "column alone" not in name else (), t.is_leaf)
                 for t in copies]  # a copied column is contiguous here; PyTorch copies the whole matrix
        found.append((about, [a is b for a in copies for b in copies], None if "expanded" in name else writes(copies)))
        assert [t.tolist() for t in tensors] == before
    assert found[0] == found[1]


def test_a_deep_copy_knows_of_its_views():
    """A write to one copy is noticed by what was recorded on another."""
    x, part = copy.deepcopy([y := mg.ones(4), y[1:]])
    loss = (x.requires_grad_() * x).sum()
    part.mul_(2.0)
    with pytest.raises(RuntimeError, match="in place"):
        loss.backward()
    z = copy.copy(y)
    loss = (y.requires_grad_() * y).sum()
    z.mul_(2.0)
    assert y.tolist() == [2, 2, 2, 2]
    with pytest.raises(RuntimeError, match="in place"):
        loss.backward()


def test_a_deep_copy_takes_little_memory():
    """A part of a large buffer is copied as that part, also if another tensor shows it."""
    params = [nn.Parameter(mg.zeros(1000)) for _ in range(20)]
    mg.optim.SGD(params, lr=0.1)
    seen = [p.detach() for p in params]
    copies = [copy.deepcopy(t) for t in seen]
    roots = [mg.backend.root(t.array) for t in copies]
    assert sum(a.nbytes for a in roots) == 20 * 4000 and all(t.tolist() == [0] * 1000 for t in copies)


def test_a_deep_copied_network_is_trained_alone():
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    mg.optim.SGD(net.parameters(), lr=0.1)
    other = copy.deepcopy(net)
    optimizer, before = mg.optim.SGD(other.parameters(), lr=0.1), [p.detach().clone() for p in net.parameters()]
    other(mg.ones(2, 3)).sum().backward()
    optimizer.step()
    assert all((p == old).all() for p, old in zip(net.parameters(), before))
    assert not any((p == old).all() for p, old in zip(other.parameters(), before))


class Named(mg.Tensor):
    """A subclass with attributes."""


class Tagged(nn.Parameter):
    pass


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "copy", "pickle"])
def test_what_a_copy_keeps(copied):
    for lib in (mg, torch):
        x = lib.ones(2, requires_grad=True)
        x.grad = lib.ones(2)
        calls = []
        handle = x.register_hook(calls.append)
        if lib is torch:
            handle.remove()  # else PyTorch warns that a hook is not copied
        new = copied(x)
        assert new.requires_grad and (new.grad is not None) == (copied is copy.deepcopy) and new.grad is not x.grad
        (new * 2).sum().backward()
        assert not calls
        new.data[0] = 7
        assert (x[0] == 7) == (copied is copy.copy)
        p = copied(lib.nn.Parameter(lib.ones(2), requires_grad=False))
        assert type(p) is lib.nn.Parameter and not p.requires_grad
        computed = lib.ones(2, requires_grad=True) * 2
        if copied is copy.deepcopy:
            with pytest.raises(RuntimeError):
                copied(computed)
        else:
            assert copied(computed).is_leaf and copied(computed).requires_grad
    x = Named(np.ones(2, "float32"))
    x.label = ["a"]
    new = copied(x)
    assert type(new) is Named and new.label == ["a"] and (new.label is x.label) == (copied is copy.copy)
    p = Tagged(mg.ones(2))
    p.label = "b"
    assert type(copied(p)) is Tagged and getattr(copied(p), "label", None) == (None if copied is copy.deepcopy else "b")  # as PyTorch's


def test_pickled_views_are_apart_and_one_tensor_twice_is_one():
    for lib in (mg, torch):
        x = lib.arange(4.0)
        a, part, b = pickle.loads(pickle.dumps([x, x[1:], x]))
        part.zero_()
        assert a is b and a.tolist() == [0, 1, 2, 3]
