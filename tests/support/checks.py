"""The checks that every row of cases.py and public_cases.py passes, as functions of (row, case, backend); PyTorch is the oracle."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

import minigrad as mg
from support.cases import Argument, Plain

EXACT = {np.dtype("float64"): 1e-12, np.dtype("float32"): 16 * np.finfo("float32").eps}
SPECIAL = np.array([0.0, -0.0, 88.8, -88.8, 745, -745, 1e4, -1e4, 1e38, -1e38, np.inf, -np.inf, np.nan])
LAYOUTS = ["contiguous", "transposed", "sliced", "negative", "read-only", "repeated"]


def lay_out(x, how):
    """Return the same values in another memory layout; "repeated" returns the first row's in every row, with stride 0."""
    if how == "transposed":
        return np.array(x.T, order="C").T
    if how == "sliced":
        room = np.zeros([2 * n + 1 for n in x.shape], x.dtype)
        view = room[(slice(1, None, 2),) * x.ndim + (...,)]
        view[...] = x
        return view
    if how == "negative":
        return np.array(x[(slice(None, None, -1),) * x.ndim + (...,)], order="C")[(slice(None, None, -1),) * x.ndim + (...,)]
    if how == "repeated" and x.ndim and len(x):
        return np.broadcast_to(x[:1].copy(), x.shape)
    x = np.array(x, order="C")
    x.flags.writeable = how != "read-only"
    return x


@dataclass
class Case:
    """A drawn call with its values: arrays or numbers, which of them are differentiated, and the cotangents."""

    arrays: list
    needs: list
    options: dict
    seed: int
    g_layout: str = "contiguous"

    def cotangent(self, shape, dtype):
        g = np.random.default_rng(self.seed + 1).normal(0, 1, shape).astype(dtype)
        return lay_out(g, self.g_layout)


def values(rng, row, argument, dtype, special):
    domain = argument.domain or row.domain
    x = domain(rng, argument.shape)
    if x.dtype.kind != "f":
        return x
    if domain is row.domain and row.kinks:
        x = np.where(rng.random(x.shape) < 0.25, rng.choice(row.kinks, x.shape), x)
    if special == "one" and x.size:
        few = SPECIAL[np.abs(SPECIAL) != 1e38] if dtype == "float32" else SPECIAL  # without ±1e38, as a sum may overflow on its way
        x.flat[rng.integers(x.size)] = rng.choice(few)
    elif special:
        x = np.where(rng.random(x.shape) < 0.5, rng.choice(SPECIAL, x.shape), x)
    return x.astype(dtype)


@dataclass
class Drawn:
    """A drawn call and the memory layout of its arrays; `case` gives it values."""

    row: Any
    call: Any
    seed: int
    layouts: list

    def case(self, dtype="float64", special=False):
        """Return the call with values of this dtype, the same each time."""
        rng = np.random.default_rng(self.seed)
        arrays, needs = [], []
        for argument, layout in zip(self._arguments(special), self.layouts):
            if isinstance(argument, Plain):
                arrays.append(argument.value)
                needs.append(False)
                continue
            arrays.append(lay_out(values(rng, self.row, argument, dtype, not argument.constant and special), layout))
            needs.append(arrays[-1].dtype.kind == "f" and not argument.constant)
        floats = {k: v.astype(dtype) for k, v in self.call.options.items() if isinstance(v, np.ndarray) and v.dtype.kind == "f"}
        return Case(arrays, needs, {**self.call.options, **floats}, self.seed, self.layouts[-1])

    def _arguments(self, special):
        """Return the arguments. With extreme values all have one shape, as sums of broadcast gradients would depend on the order."""
        arguments = self.call.arguments
        if not special or not self.row.elementwise:
            return arguments
        common = np.broadcast_shapes(*[a.shape for a in arguments if isinstance(a, Argument)])
        return [replace(a, shape=common) if isinstance(a, Argument) else a for a in arguments]


def draw_call(draw, row):
    """Let Hypothesis draw a call of this row."""
    call = row.draw(draw)
    layouts = draw(st.lists(st.sampled_from(LAYOUTS), min_size=len(call.arguments) + 1, max_size=len(call.arguments) + 1))
    return Drawn(row, call, draw(st.integers(0, 2**32 - 1)), layouts)


# ---- both sides


def to_torch(x):
    """Return an array (copied), a dtype, or a key with arrays in it, in the form that PyTorch takes."""
    if isinstance(x, np.ndarray):
        return torch.from_numpy(np.array(x, order="C"))
    if isinstance(x, np.dtype):
        return getattr(torch, x.name)
    return type(x)(map(to_torch, x)) if isinstance(x, (tuple, list)) else x


def to_minigrad(x, backend):
    """Return an array, or a key with arrays in it, on the backend."""
    if isinstance(x, np.ndarray):
        return backend.array(x)
    return type(x)(to_minigrad(i, backend) for i in x) if isinstance(x, (tuple, list)) else x


class Side:
    """A call in minigrad or PyTorch: `arguments` (tensors for the case's arrays), `leaves` (those differentiated), and its result `out`."""

    def __init__(self, function, case, arguments, options):
        self.arguments = arguments
        self.leaves = [a.requires_grad_() for a, need in zip(arguments, case.needs) if need]
        self.out = function(*arguments, **options)

    def backward(self, g):
        self.out.backward(g)
        return [leaf.grad for leaf in self.leaves]


def run_torch(row, case):
    arguments = [to_torch(a) for a in case.arrays]
    return Side(row.twin, case, arguments, {k: to_torch(v) for k, v in case.options.items()})


def run_minigrad(row, case, backend):
    arguments = [backend.tensor(a) if isinstance(a, np.ndarray) else a for a in case.arrays]
    found = {k: backend.device if k == "device" else to_minigrad(v, backend) for k, v in case.options.items()}
    return Side(row.function, case, arguments, found)


# ---- comparing


def unsummed(row, case, g):
    """Return for each leaf the largest single term of its gradient: PyTorch's gradient before it is summed over broadcast axes."""
    arrays = [a for a, need in zip(case.arrays, case.needs) if need]
    shape = g.shape
    whole = Case([np.broadcast_to(a, shape).copy() if isinstance(a, np.ndarray) else a for a in case.arrays],
                 case.needs, case.options, case.seed)
    grads = run_torch(row, whole).backward(torch.from_numpy(np.array(g)))
    return [0 if d is None else np.abs(d.numpy()).max(initial=0.0) for d, a in zip(grads, arrays)]


def sizes_of_terms(row, case, g):
    """Return how large the terms are that are summed: [for the value, for each gradient]."""
    arrays = [a for a, need in zip(case.arrays, case.needs) if need]
    found = [0.0] * (1 + len(arrays)) if row.terms is None else row.terms(arrays, case.options, g)
    if row.elementwise and len({a.shape for a in arrays} | {g.shape}) > 1:
        found = [found[0], *map(np.maximum, found[1:], unsummed(row, case, g))]
    return found


def close(found, expected, terms, what, exact=None, flushed=0.0):
    """Assert that both are NaN and infinite in the same places, and elsewhere differ by at most the terms' rounding and `flushed`."""
    assert found.shape == expected.shape, f"{what}: shape {found.shape}, PyTorch has {expected.shape}"
    assert found.dtype == expected.dtype, f"{what}: {found.dtype}, PyTorch has {expected.dtype}"
    if found.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected, what)
        return
    exact = exact or EXACT[found.dtype]
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.where(finite, 0, found), np.where(finite, 0, expected), what)
    scale = np.abs(expected) if found.dtype == np.float64 else np.abs(expected[finite]).max(initial=0.0)
    with np.errstate(all="ignore"):
        allowed = exact * (scale + np.nan_to_num(terms)) + np.finfo(found.dtype).tiny + flushed
        wrong = finite & ~(np.abs(found - expected) <= allowed)
    assert not wrong.any(), f"{what}: {found[wrong]} instead of {expected[wrong]}"


def lost_by_flushing(backend, g):
    """Return how much of a gradient is lost if values below float32's smallest normal number count as 0 before g multiplies them."""
    if not backend.flushes or g.dtype != np.float32:
        return 0.0
    return 2 * np.finfo(g.dtype).tiny * float(np.abs(g[np.isfinite(g)]).max(initial=0.0))


# ---- the checks


def compare(row, case, backend, exact=None):
    """Compare value and gradients for a drawn cotangent. Return both sides and the cotangent, which is None without a gradient."""
    expected, found = run_torch(row, case), run_minigrad(row, case, backend)
    out = backend.numpy(found.out)
    wanted = expected.out.detach().numpy()
    assert found.out.device.type == backend.device, f"{row.name}: the value is on {found.out.device}"
    assert found.out.requires_grad == expected.out.requires_grad == bool(row.order and found.leaves)
    if not found.out.requires_grad:
        close(out, wanted, 0, f"{row.name}: value", exact)
        return expected, found, None
    g = case.cotangent(wanted.shape, wanted.dtype)
    terms = sizes_of_terms(row, case, g)
    close(out, wanted, terms[0], f"{row.name}: value", exact)
    tensor_g = backend.tensor(g)
    wanted_grads, found_grads = expected.backward(to_torch(g)), found.backward(tensor_g)
    for i, (want, have, leaf, term) in enumerate(zip(wanted_grads, found_grads, found.leaves, terms[1:])):
        what = f"{row.name}: gradient {i}"
        assert (have is None) == (want is None), f"{what}: {have} where PyTorch has {want}"
        if have is not None:
            assert have.device == leaf.device, f"{what}: on {have.device}, its tensor on {leaf.device}"
            close(backend.numpy(have), want.numpy(), term, what, exact, lost_by_flushing(backend, g))
    return expected, found, tensor_g


def agrees(row, case, backend):
    """Assert that value, VJPs, dtypes, shapes and devices are PyTorch's, nothing is changed or shared, and gradients are writable."""
    before = [a.copy() if isinstance(a, np.ndarray) else a for a in case.arrays]
    _, found, g = compare(row, case, backend)
    for a, old in zip(case.arrays, before):
        if isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, old, f"{row.name} changed its input")
    for argument, old in zip(found.arguments, before):
        if isinstance(argument, mg.Tensor):
            np.testing.assert_array_equal(backend.numpy(argument), old, f"{row.name} changed its input")
    if g is not None:
        again = case.cotangent(g.shape, g.dtype)
        np.testing.assert_array_equal(backend.numpy(g), again, f"{row.name} changed its cotangent")
        owns(row, found, g)


def owns(row, found, g):
    """Assert that no gradient shares memory with another, with g, the value or an input, and that all can be written."""
    grads = [leaf.grad.array for leaf in found.leaves if leaf.grad is not None]
    others = [g.array, found.out.array, *[a.array for a in found.arguments if isinstance(a, mg.Tensor)]]
    for i, grad in enumerate(grads):
        for other in [*grads[:i], *others]:
            assert not shares(grad, other), f"{row.name}: the gradient of argument {i} shares memory"
        if isinstance(grad, np.ndarray):
            assert grad.flags.writeable, f"{row.name}: the gradient of argument {i} is read-only"


def shares(a, b):
    return np.shares_memory(a, b) if isinstance(a, np.ndarray) else mg.backend.shares_memory(a, b)


def special_values(row, case, backend):
    """Assert that value and gradients are PyTorch's at ±0, ±88.8, ±745, ±1e4, ±1e38, ±inf and NaN."""
    with np.errstate(all="ignore"):  # for the comparison itself; minigrad must give no warning, see `silent`
        compare(row, case, backend)


def zero_cotangent(row, case, backend):
    """Assert that g = 0 gives gradients of exactly 0."""
    found = run_minigrad(row, case, backend)
    zero = np.zeros(found.out.shape, found.out.dtype)
    for i, grad in enumerate(found.backward(backend.tensor(zero))):
        assert grad is None or not backend.numpy(grad).any(), f"{row.name}: gradient {i} of a zero cotangent is not zero"


def same_twice(row, case, backend):
    """Assert that a second backward through the same graph adds the same again."""
    found = run_minigrad(row, case, backend)
    g = backend.tensor(case.cotangent(found.out.shape, found.out.dtype))
    found.out.backward(g, retain_graph=True)
    first = [None if leaf.grad is None else backend.numpy(leaf.grad).copy() for leaf in found.leaves]
    for i, (grad, once) in enumerate(zip(found.backward(g), first)):
        if once is not None:
            np.testing.assert_array_equal(backend.numpy(grad), once + once, f"{row.name}: gradient {i}, second time")


def higher(row, case, backend, order):
    """Compare derivatives up to `order` of Σ (gradient · random) by every argument and by g."""
    rng = np.random.default_rng(case.seed + 2)
    expected, found = run_torch(row, case), run_minigrad(row, case, backend)
    g = case.cotangent(found.out.shape, found.out.dtype)
    torch_all = [*expected.leaves, to_torch(g).requires_grad_()]
    minigrad_all = [*found.leaves, backend.tensor(np.array(g)).requires_grad_()]
    a, b = expected.out, found.out
    directions_a, directions_b = torch_all[-1], minigrad_all[-1]
    for n in range(1, order + 1):
        wanted = torch.autograd.grad(a, torch_all[:None if n > 1 else -1], directions_a, create_graph=True, allow_unused=True)
        have = mg.autograd.grad(b, minigrad_all[:None if n > 1 else -1], directions_b, create_graph=True, allow_unused=True)
        for i, (w, h) in enumerate(zip(wanted, have)):
            same_derivative(w, h, minigrad_all[i], backend, f"{row.name}: derivative {n} by argument {i}")
        r = [rng.normal(0, 1, leaf.shape) for leaf in minigrad_all]
        a = [(w * to_torch(x)).sum() for w, x in zip(wanted, r) if w is not None and w.requires_grad]
        b = [(h * backend.tensor(x)).sum() for h, x in zip(have, r) if h is not None and h.requires_grad]
        if not a or not b:
            return assert_constant(sum(a), torch_all, f"{row.name}: derivative {n}")
        a, b = sum(a), sum(b)
        directions_a = directions_b = None


def assert_constant(total, leaves, what):
    """Assert that PyTorch's derivatives from here on are all 0, as minigrad's gradient is not recorded any more."""
    if isinstance(total, torch.Tensor):
        for d in torch.autograd.grad(total, leaves, allow_unused=True):
            assert d is None or not d.numpy(force=True).any(), f"{what} is not recorded"


def same_derivative(want, have, leaf, backend, what):
    """Assert that two derivatives are equal to 1e-10 of the largest; None counts as 0."""
    zeros = np.zeros(leaf.shape)
    want = zeros if want is None else want.detach().numpy(force=True)
    have = zeros if have is None else backend.numpy(have)
    assert have.shape == want.shape and have.dtype == want.dtype, f"{what}: {have.shape} {have.dtype}, PyTorch {want.shape}"
    np.testing.assert_allclose(have, want, rtol=0, atol=1e-10 * max(1, np.abs(want).max(initial=0)), err_msg=what)
