"""What the engine's functions promise on their own: the core Tensor, nodes, VJPs of odd shapes, wanted nodes, replays."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd import engine


def leaf(*values, dtype="float64"):
    return mg.tensor(np.array(values, dtype), requires_grad=True)


def test_the_core_tensor_stands_alone():
    x = engine.Tensor(np.ones((2, 3), "float32"))
    assert (x.shape, x.dtype, x.ndim, x.is_leaf, x.grad_fn, x.grad, x.requires_grad) == ((2, 3), "float32", 2, True, None, None, False)
    number = engine.Tensor(np.float64(2))
    assert type(number.array) is np.ndarray and number.array == 2
    kept = np.ones(2)
    assert engine.Tensor(kept).array is kept and engine.Tensor(kept, True).requires_grad is True


def test_operations_return_the_class_in_use():
    assert engine.use_tensor_class(mg.Tensor) is mg.Tensor
    assert type(engine.wrap(np.ones(2))) is type(leaf(1.0) * 2) is mg.Tensor


def test_requires_grad_is_switched():
    x = leaf(1.0)
    x.requires_grad = False
    assert not x.requires_grad
    x.requires_grad = 1
    assert x.requires_grad is True
    y = x * 2
    y.requires_grad = True  # is so already
    with pytest.raises(RuntimeError, match="only be switched off on a leaf"):
        y.requires_grad = False
    whole = mg.tensor([1, 2])
    whole.requires_grad = False  # is so already
    with pytest.raises(RuntimeError, match="int64"):
        whole.requires_grad = True


def test_next_functions_are_pairs():
    x = leaf(1.0)
    y = x * 2
    assert y.grad_fn.next_functions == ((x, 0), (None, 0)) and (y * y).grad_fn.next_functions == ((y.grad_fn, 0),) * 2
