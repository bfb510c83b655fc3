"""Reading and assigning by index, and the memory layout afterwards, compared with PyTorch."""

import itertools
import warnings

import numpy as np
import pytest
import torch

import minigrad as mg

LIBRARIES = (mg, torch)


def outcome(T, code, **more):
    """Run `code` and return what it leaves as y, with the gradients of w and v, or the fact that it raises."""
    w, v = (T.tensor(values, dtype=T.float64, requires_grad=True) for values in ([1.0, 2.0, 3.0], [[5.0, 7.0, 9.0]]))
    env = {"T": T, "np": np, "w": w, "v": v, "y": w * 1, "z": T.zeros(2, 3, dtype=T.float64), **more}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(code, env)
        except (RuntimeError, IndexError):
            return "raises"
        y = env["y"]
        if y.requires_grad:
            (y * T.arange(1, y.numel() + 1, dtype=T.float64).reshape(y.shape)).sum().backward()
    return [y.tolist(), y.dtype, *[None if t.grad is None else t.grad.tolist() for t in (w, v)]]


def agree(code):
    in_minigrad, in_torch = (outcome(T, code) for T in LIBRARIES)
    if in_torch != "raises":
        in_torch[1] = str(in_torch[1]).removeprefix("torch.")
    assert in_minigrad == in_torch, code


ASSIGNED = """
y[[0, 0]] = T.tensor([5.0, 7.0], dtype=T.float64)
y[[0, 0]] = v[0, :2]
y[[2, 0, 2, 2]] = (v * 2)[0, [0, 1, 2, 0]]
y[[0, 0, 1]] += 1
y[[0, 0, 1]] *= v[0]
y = z; y[[0, 0]] = v.expand(2, 3)
y = z; y[:, [0, 0, 1]] = v
y = z; y[[0, 1, 0], [2, 2, 2]] = w
y[:] = v
y[:] = v[None]
y[-1] = v[0, :1]
y[0] = v[:, :1]
y[0] = v[0]
y[[0, 2]] = v[:, :2]
y[y > 1] = v[:, :2]
y[y > 1] = v[0, :1]
y[y > 9] = v[0]
y[1:] = v
y[1:] = v.expand(2, 3)
y = z; y[0] = v
y = z; y[:] = v[0]
y = z; y[1] += w * 2
y = z; y[1][0] += w[0]; y[0, 1:] -= v[0, 1:]
y = z; y[...] = w; y[:, 1] = y[:, 2]
y[:] = w.float()
y[[0, 1]] = w.float()[:2]
y[y > 1] = w.float()[:2]
y[y > 1] = T.tensor(2.5)
y = y.float(); y[:2] = w[1:]
y = y.float(); y += w
y = y.float(); y *= v[0]
y = y.float(); y[1:] += v[0, 1:]
y = y.float(); y.copy_(w)
y.copy_(v)
y.add_(v)
y.mul_(v.expand(2, 3))
y[0] += v[0]
y = w[:1] * 1; y.add_(w)
y = T.zeros(3, dtype=T.int64); y += w
y = T.zeros(3, dtype=T.bool); y *= w
y = y.expand(2, 3); y += 1
y = y.expand(2, 3); y.relu_()
y = z; y[T.tensor(1, dtype=T.uint8)] = v
y = z; y[T.tensor(0, dtype=T.uint8)] = w
y = z; y[:, T.tensor([1, 0, 1], dtype=T.uint8)] = v[:, :2]
y = z; y[T.tensor(1), [0, 2]] = v[0, 1:]
y = z; y[None, ..., [0, 2]] = v[:, 1:]
y = z; y[[0, 1], ..., [0, 2]] = v[0, :2]
y = z.view(1, 2, 3); y[:, [0, 1], ..., [0, 2]] = v[0, :2]
y = z.view(1, 2, 3)[:, [0, 1], ..., [0, 2]]
y = z.view(2, 1, 3)[[0, 1], ..., [0, 2]]
"""


@pytest.mark.parametrize("code", ASSIGNED.strip().split("\n"))
def test_recorded_assignments(code):
    """If a place repeats, the last value stays, and each value gets its place's gradient. Shapes and dtypes fit as in PyTorch."""
    agree(code)


@pytest.mark.parametrize("code", ASSIGNED.strip().split("\n"))
def test_the_same_assignments_when_nothing_is_recorded(code):
    agree(f"w, v, y = w.detach(), v.detach(), y.detach(); {code}")


def test_an_expanded_tensor_is_not_assigned_to():
    """PyTorch writes into the one element that all show; minigrad refuses, whether it records or not."""
    for requires in (True, False):
        x = mg.tensor([1.0, 2.0], requires_grad=requires) * 1
        expanded = x.expand(4, 2)
        with pytest.raises(RuntimeError, match=r"__setitem__.*expanded.*clone\(\)"):
            expanded[0] = 5
        with pytest.raises(RuntimeError, match=r"__setitem__.*expanded.*clone\(\)"):
            expanded[0][1] = 5
        assert x.tolist() == [1.0, 2.0]


KEYS = """
T.tensor(0, dtype=T.uint8); T.tensor(1, dtype=T.uint8); T.tensor(True); T.tensor(False); True; T.tensor(1); T.tensor(-1, dtype=T.int8)
(slice(None), T.tensor(0, dtype=T.uint8)); (T.tensor(1, dtype=T.uint8), 0); (0, T.tensor(2)); (T.tensor([1, 0], dtype=T.uint8), 1)
(T.tensor(1, dtype=T.uint8), slice(1, None)); (None, T.tensor(True)); (T.tensor([0, 1], dtype=T.int32), T.tensor(1, dtype=T.uint8))
"""


@pytest.mark.parametrize("key", [key for line in KEYS.strip().split("\n") for key in line.split("; ")])
def test_tensors_of_no_axis_as_indices(key):
    found = []
    for T in LIBRARIES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            y = T.arange(6).reshape(2, 3)[eval(key)]
        found.append((tuple(y.shape), y.tolist()))
    assert found[0] == found[1]


def test_a_mask_of_no_axis_for_a_number():
    x = mg.tensor(3.0)
    with pytest.warns(UserWarning, match="uint8"):
        assert x[mg.tensor(0, dtype=mg.uint8)].shape == (0,) and x[mg.tensor(True)].tolist() == [3.0]


def test_the_warning_about_a_byte_mask_names_the_line_of_the_program():
    x, mask = mg.zeros(3), mg.tensor([1, 0, 1], dtype=mg.uint8)
    with pytest.warns(UserWarning, match="uint8") as read:
        _ = x[mask]
    with pytest.warns(UserWarning, match="uint8") as written:
        x[mask] = 1
    assert {warning.filename for warning in [*read, *written]} == {__file__}


# ---- the order in memory

BASES = {
    "plain": lambda T: T.arange(24).double().reshape(2, 3, 4),
    "transposed": lambda T: T.arange(24).double().reshape(4, 3, 2).transpose(0, 2),
    "permuted": lambda T: T.arange(24).double().reshape(3, 4, 2).permute(2, 0, 1),
    "expanded": lambda T: T.arange(12).double().reshape(3, 4).expand(2, 3, 4),
    "expanded inside": lambda T: T.arange(8).double().reshape(2, 1, 4).expand(2, 3, 4),
    "every other": lambda T: T.arange(48).double().reshape(2, 3, 8)[:, :, ::2],
}
MADE = """
x[:, [0, 1]]; x[..., [0, 1]]; x[[0, 1]]; x[[0, 1], [1, 0]]; x[0, :, [0, 1]]; x[:, 0, [0, 1]]; x[[0, 1], :, [0, 1]]; x[:, [0, 1], 0]
x[None, :, [0, 1]]; x[:, T.tensor([[0, 1], [1, 0]])]; x[:, T.tensor([[0], [1]]), [0, 1]]; x[:, 1:, [0, 1]]; x[1:, [0, 1]]; x[True]
x[:, :, T.tensor([True, False, True, False])]; x[:, T.tensor([True, False, True])]; x[[0, 1], 1:, None, [0, 1]]; x[x > 3]; x[..., [0]]
x.index_select(1, T.tensor([0, 2])); x.index_select(-1, T.tensor([0])); x.clone(); x.contiguous(); x.float(); x.long(); x.bool(); x * 2
x + x; x + x.long(); x.exp(); x.relu(); x > 1; x.sum(0); x.sum(1, keepdim=True); x.sum(-1); x.mean(0); x.amax(0); x.max(-1)[0]; x.any(-1)
x.softmax(-1); x.log_softmax(0); T.cat([x, x]); T.cat([x, x], -1); T.stack([x, x]); T.stack([x, x], -1); x @ x.mT; x.mT @ x; -x
T.where(x > 1, x, 0.0); x.clamp(0, 1); x * T.ones(4, dtype=T.float64); x + T.ones(2, 3, 1, dtype=T.float64); x.reshape(-1); x ** 2
T.maximum(x[:1], x); x[:, :1] * x[:1]; x % 2; x.to(T.float32); x.to(T.float64, copy=True); x.flatten(1); x.flatten(1, 1); x.sum((0, 1))
"""


@pytest.mark.parametrize("code", [code for line in MADE.strip().split("\n") for code in line.split("; ")])
@pytest.mark.parametrize("base", BASES)
def test_what_can_be_viewed_in_pytorch_can_be_viewed_here(base, code):
    in_minigrad, in_torch = (eval(code, {"T": T, "x": BASES[base](T)}) for T in LIBRARIES)
    assert tuple(in_minigrad.shape) == tuple(in_torch.shape)
    if in_torch.is_contiguous():
        view = in_minigrad.view(-1)
        np.testing.assert_allclose(view.numpy(), in_torch.view(-1).numpy(), rtol=1e-6)
        view.zero_()
        assert not in_minigrad.any(), "the view does not show the same memory"


@pytest.mark.parametrize("code", [code for line in MADE.strip().split("\n")[:3] for code in line.split("; ") if code.startswith("x[")])
def test_what_an_index_takes_is_contiguous(code):
    """Except, as in PyTorch, rows taken from transposed memory."""
    assert eval(code, {"T": mg, "x": BASES["plain"](mg)}).is_contiguous()
    assert eval(code, {"T": mg, "x": BASES["permuted"](mg)}).is_contiguous()


def test_a_view_of_shared_memory_is_no_copy():
    x = mg.zeros(2, 3)
    for shown in (x.t(), mg.from_numpy(np.zeros((2, 3)).T), mg.from_numpy(np.asfortranarray(np.zeros((2, 3))))):
        with pytest.raises(RuntimeError, match="without a copy"):
            shown.view(-1)
    y = mg.zeros(2, 3).t() * 1
    array = y.numpy()
    with pytest.raises(RuntimeError, match="without a copy"):
        y.view(-1)
    assert array is y.numpy()


def test_rows_are_taken_in_any_number_of_axes():
    x, rng = np.arange(60.0).reshape(3, 4, 5), np.random.default_rng(0)
    for axis, shape in itertools.product(range(3), [(), (1,), (4,), (2, 3), (0,), (2, 0)]):
        index = rng.integers(-3, 3, shape)
        key = (slice(None),) * axis + (mg.tensor(index),)
        np.testing.assert_array_equal(mg.tensor(x)[key].numpy(), np.take(x, index, axis))
    with pytest.raises(IndexError, match="out of bounds"):
        mg.tensor(x)[:, [4]]
    assert mg.zeros(0, 3)[:, [0, 1]].shape == (0, 2)
