"""The gradient checkers. Each `check(forward, backward, arrays)` is what the library's documentation tells its users to write.

Each adapter returns whether the checker accepts the gradients, or lets through what the checker raises, always with the defaults.
A library is imported when its checker runs.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.checkers.outcomes import CannotRunError, CannotTellError

Forward = Callable[..., Any]
Backward = Callable[..., Any]
Arrays = Sequence[Any]


def gradients(backward: Backward, g: Any, arrays: Arrays) -> tuple[Any, ...]:
    """Return what backward returns as a tuple."""
    found = backward(g, *arrays)
    return tuple(found) if isinstance(found, tuple | list) else (found,)


# ---- minigrad


def check_minigrad(forward: Forward, backward: Backward, arrays: Arrays) -> bool:
    """Call `minigrad.testing.check_vjp`. Verdicts that accuse nobody, as "kink" or "noise", say that it cannot tell."""
    from minigrad.testing import GradcheckError, check_vjp

    try:
        return bool(check_vjp(forward, backward, *arrays))
    except GradcheckError as error:
        if error.verdict in ("kink", "pole", "noise", "unsure", "vacuous"):
            raise CannotTellError(str(error)) from error
        raise


# ---- PyTorch


def torch_function(forward: Forward, backward: Backward) -> Any:
    """Return a torch.autograd.Function over the NumPy functions; they see the tensors' own memory."""
    import torch

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *tensors):
            ctx.save_for_backward(*tensors)
            y = forward(*(x.detach().numpy() for x in tensors))
            ys = tuple(torch.from_numpy(np.asarray(part)) for part in (y if isinstance(y, tuple) else (y,)))
            return ys if isinstance(y, tuple) else ys[0]

        @staticmethod
        def backward(ctx, *gs):
            arrays = [x.detach().numpy() for x in ctx.saved_tensors]
            g = tuple(part.numpy() for part in gs) if len(gs) > 1 else gs[0].numpy()
            return tuple(torch.from_numpy(np.asarray(part)) for part in gradients(backward, g, arrays))

    return Planted


def check_torch(forward: Forward, backward: Backward, arrays: Arrays, **options: Any) -> bool:
    """Call `torch.autograd.gradcheck`."""
    import torch

    tensors = tuple(torch.from_numpy(x).requires_grad_() for x in arrays)
    return torch.autograd.gradcheck(torch_function(forward, backward).apply, tensors, **options)


def check_torch_fast(forward: Forward, backward: Backward, arrays: Arrays) -> bool:
    """Call `torch.autograd.gradcheck` with fast_mode."""
    return check_torch(forward, backward, arrays, fast_mode=True)


# ---- JAX


def jax_function(forward: Forward, backward: Backward, arrays: Arrays) -> Any:
    """Return a function with a custom VJP that calls the NumPy functions back."""
    import jax

    def shapes(values: Any) -> Any:
        return jax.tree_util.tree_map(lambda x: jax.ShapeDtypeStruct(np.shape(x), np.asarray(x).dtype), values)

    def call_forward(*xs):
        return forward(*map(np.asarray, xs))

    def call_backward(g, *xs):
        return gradients(backward, jax.tree_util.tree_map(np.asarray, g), [np.asarray(x) for x in xs])

    result = shapes(forward(*(x.copy() for x in arrays)))

    @jax.custom_vjp
    def planted(*xs):
        return jax.pure_callback(call_forward, result, *xs)

    def planted_forward(*xs):
        return planted(*xs), xs

    def planted_backward(xs, g):
        return jax.pure_callback(call_backward, shapes(tuple(arrays)), g, *xs)

    planted.defvjp(planted_forward, planted_backward)
    return planted


def check_jax(forward: Forward, backward: Backward, arrays: Arrays) -> bool:
    """Call `jax.test_util.check_grads` in double precision, first order, reverse mode."""
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")
    function = jax_function(forward, backward, arrays)
    check_grads(function, tuple(jax.numpy.asarray(x) for x in arrays), order=1, modes=["rev"])
    return True


# ---- HIPS autograd


def check_autograd(forward: Forward, backward: Backward, arrays: Arrays) -> bool:
    """Call `autograd.test_util.check_grads`, first order, reverse mode, for all arguments of a primitive."""
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    planted = primitive(lambda *xs: forward(*xs))

    def vjp(i: int) -> Any:
        return lambda ans, *xs: lambda g: gradients(backward, g, xs)[i]

    numbers = tuple(range(len(arrays)))
    defvjp(planted, *map(vjp, numbers))
    check_grads(planted, numbers, modes=["rev"], order=1)(*arrays)
    return True


# ---- MyGrad


def complex_step_gradients(forward: Forward, arrays: Arrays, g: Any, step: float = 1e-20) -> list[Any]:
    """Return Σ g · Im forward(x + i step e) / step for each element's unit vector e, the numeric gradient of MyGrad's test suite."""
    arrays = [x.astype(complex) for x in arrays]
    found = [np.empty(x.shape) for x in arrays]
    for x, derivative in zip(arrays, found):
        for index in np.ndindex(x.shape):
            kept = x[index]
            x[index] = kept + step * 1j
            y = np.asarray(forward(*arrays))
            if y.dtype.kind != "c":
                raise CannotRunError("the function has no version for complex numbers")
            derivative[index] = (y.imag / step * g).sum()
            x[index] = kept
    return found


def check_mygrad(forward: Forward, backward: Backward, arrays: Arrays) -> bool:
    """Compare as the wrapper `backprop_test_factory` of MyGrad's test suite does, which no release contains.

    It has the complex step (vary_each_element=True), tolerances of 1e-8, and assertions on overwritten and shared memory.
    """
    import mygrad
    from mygrad.operation_base import Operation

    class Planted(Operation):
        def __call__(self, *tensors):
            self.variables = tensors
            return forward(*(x.data for x in tensors))

        def backward_var(self, grad, index, **kwargs):
            return gradients(backward, grad, [x.data for x in self.variables])[index]

    copies = [x.copy() for x in arrays]
    if isinstance(forward(*(x.copy() for x in arrays)), tuple):
        raise CannotRunError("an operation has one output")
    tensors = [mygrad.tensor(x) for x in arrays]
    out = mygrad.Tensor._op(Planted, *tensors)
    grad = np.random.uniform(-10, 10, out.shape)
    grad_copy = grad.copy()
    if any(out.shape != x.shape for x in tensors):
        (grad * out).sum().backward()
    else:
        out.backward(grad)
    with warnings.catch_warnings():
        warnings.simplefilter("error", complex_warning())
        numeric = complex_step_gradients(forward, copies, grad)
    for x, expected, copy in zip(tensors, numeric, copies):
        np.testing.assert_allclose(x.grad, expected, rtol=1e-8, atol=1e-8)
        assert not np.shares_memory(x.grad, grad), "the gradient is a view of grad"
        np.testing.assert_array_equal(x.data, copy)
    for i, x in enumerate(tensors):
        assert not any(np.shares_memory(x.grad, other.grad) for other in tensors[:i]), "two gradients share memory"
    np.testing.assert_array_equal(grad, grad_copy)
    return True


def complex_warning() -> Any:
    """Return the class of the warning that an imaginary part was discarded."""
    return getattr(np, "exceptions", np).ComplexWarning


# ---- numdifftools


def check_numdifftools(forward: Forward, backward: Backward, arrays: Arrays) -> bool:
    """Compare `numdifftools.Jacobian` by numpy.allclose with the Jacobian that backward gives for unit vectors."""
    import numdifftools

    def unpack(vector):
        ends = np.cumsum([x.size for x in arrays])[:-1]
        return [part.reshape(x.shape) for part, x in zip(np.split(vector, ends), arrays)]

    def function(vector):
        return flat(forward(*unpack(np.array(vector))))

    y = forward(*arrays)
    rows = []
    for i in range(flat(y).size):
        row = gradients(backward, like(np.eye(flat(y).size)[i], y), arrays)
        for part, x in zip(row, arrays, strict=True):
            assert np.shape(part) == x.shape, f"a gradient of shape {np.shape(part)} for an array of shape {x.shape}"
        rows.append(flat(row))
    point = np.concatenate([x.ravel() for x in arrays])
    return np.allclose(np.array(rows), numdifftools.Jacobian(function)(point))


def flat(y: Any) -> Any:
    """Return one array or several as one vector."""
    return np.concatenate([np.ravel(part) for part in y]) if isinstance(y, tuple) else np.ravel(y)


def like(vector: Any, y: Any) -> Any:
    """Return a vector's numbers in the shapes of y."""
    if not isinstance(y, tuple):
        return vector.reshape(np.shape(y))
    ends = np.cumsum([np.size(part) for part in y])[:-1]
    return tuple(piece.reshape(np.shape(part)) for piece, part in zip(np.split(vector, ends), y))


# ---- Chainer


def check_chainer(forward: Forward, backward: Backward, arrays: Arrays) -> bool:
    """Call `chainer.gradient_check.check_backward` for a chainer.Function, with a random gradient of the output; a loss has none."""
    import chainer
    from chainer import gradient_check

    class Planted(chainer.Function):
        def forward(self, inputs):
            y = forward(*inputs)
            return tuple(map(np.asarray, y)) if isinstance(y, tuple) else (np.asarray(y),)

        def backward(self, inputs, grads):
            return tuple(map(np.asarray, gradients(backward, grads if len(grads) > 1 else grads[0], inputs)))

    y = forward(*(x.copy() for x in arrays))
    g = tuple(np.random.normal(size=np.shape(part)) for part in (y if isinstance(y, tuple) else (y,)))
    loss = len(g) == 1 and g[0].ndim == 0
    gradient_check.check_backward(lambda *xs: Planted()(*xs), tuple(arrays), None if loss else g)
    return True


# ---- all of them


@dataclass(frozen=True)
class Checker:
    """A gradient checker: its name in tables, the package that has it, the line that installs it, and what runs it.

    repairs: planted bugs that do no harm in this library, because its engine brings gradients to the shape and dtype of their inputs.
    """

    title: str
    package: str
    install: str
    check: Callable[[Forward, Backward, Arrays], bool]
    repairs: tuple[str, ...] = ()

    def installed(self) -> bool:
        """Return whether the library is there. A mere folder of the same name has no origin."""
        found = find_spec(self.package)
        return found is not None and found.origin is not None

    def version(self) -> str:
        """Return the library's version; "" for a library that is there without having been installed by pip."""
        try:
            return metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return ""


BROADCAST = ("multiply broadcast shape", "axis kept by keepdims")
PEERS = 'pip install -e ".[peers]"'
CHECKERS = {
    "minigrad": Checker("minigrad.testing.check_vjp", "minigrad", "pip install -e .", check_minigrad),
    "torch": Checker("torch.autograd.gradcheck", "torch", "pip install torch", check_torch, (*BROADCAST, "float32 gradient")),
    "torch-fast": Checker(
        "torch.autograd.gradcheck, fast_mode", "torch", "pip install torch", check_torch_fast, (*BROADCAST, "float32 gradient")
    ),
    "jax": Checker("jax.test_util.check_grads", "jax", PEERS, check_jax),
    "autograd": Checker("autograd.test_util.check_grads", "autograd", PEERS, check_autograd),
    "mygrad": Checker("MyGrad's tests, complex step", "mygrad", PEERS, check_mygrad, BROADCAST),
    "numdifftools": Checker("numdifftools.Jacobian, allclose", "numdifftools", PEERS, check_numdifftools),
    "chainer": Checker(
        "chainer.gradient_check.check_backward",
        "chainer",
        'not with NumPy 2; python3.11 -m venv V && V/bin/pip install "setuptools<80" wheel "numpy<1.24"'
        " && V/bin/pip install --no-build-isolation chainer==7.8.1; then --python chainer=V/bin/python",
        check_chainer,
    ),
}
