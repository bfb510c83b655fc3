"""The formulas in docstrings: each operation and each public function that records one has a formula, and what it says is so."""

import inspect
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn, ops
from minigrad.autograd import Function, op
from minigrad.autograd.formulas import formula, formula_parts
from minigrad.functions import operators
from support import checks
from support.cases import OPS

EVERY_OP = {name: getattr(ops, name) for name in ops.__all__ if hasattr(getattr(ops, name), "raw")}
ROWS = {row.name.removeprefix("ops."): row for row in OPS}


# ---- every operation states its value, and the gradient of each argument that has one


@pytest.mark.parametrize("name", EVERY_OP)
@settings(max_examples=2)
@given(data=st.data())
def test_an_operation_states_its_value_and_each_gradient(name, data):
    found, parameters = EVERY_OP[name], inspect.signature(EVERY_OP[name].raw).parameters
    case = checks.draw_call(data.draw, ROWS[name]).case()
    arguments = [*case.arrays, *[case.options.pop(key) for key in ("dtype",) if key in case.options]]
    with np.errstate(all="ignore"):
        _, *vjps = found.raw(*arguments, **case.options)
    positional = [key for key, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]
    differentiable = {(positional * len(vjps))[i] for i, vjp in enumerate(vjps) if vjp is not None}
    if ROWS[name].order == 0:  # floor_divide's VJPs raise
        differentiable = set()

    value, gradients = formula_parts(found)
    assert re.match("z = " if set(positional) >= {"x", "y"} else "y = ", value) and set(gradients) == differentiable
    for key in re.findall(r"\bno gradient for (\w+)", formula(found)):
        assert key in positional and key not in gradients
    assert gradients or formula(found).endswith(",  no gradient")
    assert (found.__doc__ or "").startswith(value)
    assert formula(found).count("dL/d") == len(gradients) and not re.search(r", (?! )dL/d", formula(found))


def test_there_are_many_operations():
    assert len(EVERY_OP) > 60 and set(EVERY_OP) == {*ops.__all__} - {"concatenate"}  # concatenate calls join


# ---- what they state is so

X, Y = np.array([[-2.0, -1.0, 0.5], [1.0, 1.0, 3.0]]), np.array([[-2.0, 0.5, 1.5], [1.0, 2.0, -1.0]])
AXIS, NARROW = {"axis": -1}, (np.abs(X[0]), np.array([[1.0, -2.0, 0.5], [0.3, 0.0, 1.0]]), np.array([0.5, -1.0]))
CALLS = {  # arguments and options
    **dict.fromkeys(("tanh", "sigmoid", "relu", "neg", "square", "exp", "absolute", "sign", "copy"), ((X,), {})),
    **dict.fromkeys(("sin", "cos", "tan", "sinh", "cosh", "arctan", "expm1", "reciprocal", "erf", "floor", "ceil", "trunc"), ((X,), {})),
    **dict.fromkeys(("sqrt", "log", "log1p", "log2", "log10", "rsqrt"), ((np.abs(X),), {})),
    "round": ((X,), {"decimals": 0}),
    "arctan2": ((X, Y), {}),
    "leaky_relu": ((X,), {"slope": 0.25}),
    **dict.fromkeys(("add", "sub", "mul", "div", "maximum", "minimum", "remainder", "mse"), ((X, Y), {})),
    **dict.fromkeys(("softmax", "log_softmax", "sum", "mean", "max", "min", "flip", "var", "cumsum", "logsumexp"), ((X,), AXIS)),
    "pow": ((np.abs(X) * (X > -2), Y * (Y > 0)), {}),
    "clip": ((X, np.full_like(X, -1.5), Y), {}),
    "where": ((X > 0, X, Y), {}),
    "l1_penalty": ((X,), {"weight": 0.25}),
    "l1_penalty_slide": ((X,), {"weight": 0.25}),
    "matmul": ((X, Y.T), {}),
    "linear": ((X, NARROW[1], NARROW[2]), {}),
    "reshape": ((X, (3, 2)), {}),
    "transpose": ((X,), {}),
    "swapaxes": ((X, 0, 1), {}),
    "getitem": ((X,), {"key": ([0, 1, 0],)}),
    "scatter": ((X,), {"key": ([0, 0],), "shape": (3, 3)}),
    "assign": ((X, Y[0, :2]), {"first": 1, "last": slice(2)}),
    "diagonal": ((X,), {"offset": 1}),
    "put_diagonal": ((X[0, :2],), {"offset": 1, "shape": (2, 3)}),
    "put_along_axis": ((X[:, :2], np.array([[2, 2], [0, 1]]), 1, (2, 3)), {}),
    "take_along_axis": ((X, np.array([[2, 2], [0, 1]]), 1), {}),
    "bce": ((np.abs(X) / 4, np.array([[0.0, 1.0, 0.5], [0.25, 0.0, 1.0]])), {}),
    "bce_logits": ((X, np.array([[0.0, 1.0, 0.5], [0.25, 0.0, 1.0]])), {}),
    "nll": ((X, np.array([2, 0])), {"weight": np.array([1.0, 2.0, 4.0])}),
    "nll_each": ((X, np.array([2, 0])), {"weight": np.array([1.0, 2.0, 4.0])}),
}  # fmt: skip
BACK = "np.broadcast_to(g[:, None], x.shape)"
TARGETS = "np.eye(3)[targets] * weight"
GAUSS = "np.polynomial.legendre.leggauss(40)"  # points and weights of an integral
MEANS = {  # what is stated, and the same in Python; g is the gradient, y or z the value
    "tanh(x)": "np.tanh(x)", "g (1 - y²)": "g * (1 - y**2)",
    "1 / (1 + e^-x)": "1 / (1 + np.exp(-x))", "g y (1 - y)": "g * y * (1 - y)",
    "max(x, 0)": "np.maximum(x, 0)", "g where y > 0, else 0": "np.where(y > 0, g, 0)",
    "x where x > 0, else slope x": "np.where(x > 0, x, slope * x)", "g where x > 0, else slope g": "np.where(x > 0, g, slope * g)",
    "-x": "-x", "-g": "-g", "g": "g", "x": "x", "x, copied": "x",
    "x²": "x**2", "2 g x": "2 * g * x", "e^x": "np.exp(x)", "g y": "g * y", "√x": "np.sqrt(x)", "g / (2 y)": "g / (2 * y)",
    "log x": "np.log(x)", "g / x": "g / x", "|x|": "abs(x)", "g sign(x)": "g * np.sign(x)",
    "sign(x): -1, 0 or 1": "np.sign(x)", "0": "0 * g",
    **{f"{name} x": f"np.{name}(x)" for name in ("sin", "cos", "tan", "sinh", "cosh", "arctan")},
    "g cos x": "g * np.cos(x)", "-g sin x": "-g * np.sin(x)", "g (1 + y²)": "g * (1 + y**2)", "g cosh x": "g * np.cosh(x)",
    "g sinh x": "g * np.sinh(x)", "g / (1 + x²)": "g / (1 + x**2)", "e^x - 1": "np.exp(x) - 1", "g (y + 1)": "g * (y + 1)",
    "log(1 + x)": "np.log(1 + x)", "g / (1 + x)": "g / (1 + x)",
    "log x / log 2": "np.log(x) / np.log(2)", "g / (x log 2)": "g / (x * np.log(2))",
    "log x / log 10": "np.log(x) / np.log(10)", "g / (x log 10)": "g / (x * np.log(10))", "1 / x": "1 / x", "-g y²": "-g * y**2",
    "1 / √x": "1 / np.sqrt(x)", "-g y³ / 2": "-g * y**3 / 2",
    "2 / √π ∫ e^(-t²) dt from 0 to x": f"sum(w * x * np.exp(-((x * (1 + t) / 2) ** 2)) for t, w in zip(*{GAUSS})) / np.sqrt(np.pi)",
    "2 g e^(-x²) / √π": "2 * g * np.exp(-(x**2)) / np.sqrt(np.pi)", "⌊x⌋": "np.floor(x)", "⌈x⌉": "np.ceil(x)",
    "x cut towards 0": "np.trunc(x)", "x rounded to `decimals` digits": "np.round(x, decimals)",
    "the angle of the point (y, x)": "np.angle(y + 1j * x)", "g y / (x² + y²)": "g * y / (x**2 + y**2)",
    "-g x / (x² + y²)": "-g * x / (x**2 + y**2)",
    "x + y": "x + y", "x - y": "x - y", "x · y": "x * y", "g x": "g * x", "x / y": "x / y", "g / y": "g / y", "-g x / y²": "-g * x / y**2",
    "max(x, y)": "np.maximum(x, y)", "min(x, y)": "np.minimum(x, y)",
    "g where x > y, g / 2 where x = y, else 0": "np.where(x > y, g, np.where(x == y, g / 2, 0))",
    "g where y > x, g / 2 where x = y, else 0": "np.where(y > x, g, np.where(x == y, g / 2, 0))",
    "g where x < y, g / 2 where x = y, else 0": "np.where(x < y, g, np.where(x == y, g / 2, 0))",
    "g where y < x, g / 2 where x = y, else 0": "np.where(y < x, g, np.where(x == y, g / 2, 0))",
    "x - y ⌊x / y⌋": "x - y * np.floor(x / y)", "-g ⌊x / y⌋": "-g * np.floor(x / y)",
    "x^y": "x**y", "g y x^(y-1) (0 where y = 0)": "np.where(y == 0, 0, g * y * x ** (y - 1))",
    "g z log x (0 where x = 0 ≤ y)": "np.where((x == 0) & (y >= 0), 0, g * z * np.log(x))",
    "x limited to [min, max]": "np.clip(x, min, max)", "g where min ≤ x ≤ max, else 0": "np.where((min <= x) & (x <= max), g, 0)",
    "g where x < min < max, else 0": "np.where((x < min) & (min < max), g, 0)",
    "g where x > max or max < min, else 0": "np.where((x > max) | (max < min), g, 0)",
    "x where condition, else y": "np.where(condition, x, y)", "g where condition, else 0": "np.where(condition, g, 0)",
    "0 where condition, else g": "np.where(condition, 0, g)",
    "g + weight · sign(x)": "g + weight * np.sign(x)", "g + weight · x": "g + weight * x",
    "Σ (x - target)² / n": "((x - target) ** 2).mean()", "2 g (x - target) / n": "2 * g * (x - target) / x.size",
    "2 g (target - x) / n": "2 * g * (target - x) / x.size",
    "x @ y": "x @ y", "g yᵀ": "g @ y.T", "xᵀ g": "x.T @ g",
    "x weightᵀ + bias": "x @ weight.T + bias", "g weight": "g @ weight", "gᵀ x": "g.T @ x", "Σ g over the rows": "g.sum(0)",
    "e^x / Σ e^x along `axis`": "np.exp(x) / np.exp(x).sum(1, keepdims=True)", "y (g - Σ g y)": "y * (g - (g * y).sum(1, keepdims=True))",
    "x - log Σ e^x along `axis`": "x - np.log(np.exp(x).sum(1, keepdims=True))",
    "g - e^y Σ g": "g - np.exp(y) * g.sum(1, keepdims=True)",
    "Σ x over `axis`": "x.sum(1)", "g spread over `axis`": BACK,
    "Σ x / n over the n elements along `axis`": "x.sum(1) / 3", "g / n spread over `axis`": f"{BACK} / 3",
    "Σ (x - m)² / (n - correction) over the n elements along `axis`, whose mean is m": "x.var(1, ddof=1)",
    "2 g (x - m) / (n - correction)": f"2 * {BACK} * (x - x.mean(1, keepdims=True)) / 2",
    "the sums of the first 1, 2, … elements of x along `axis`": "np.cumsum(x, 1)",
    "the sums of the last n, n - 1, … of g": "g[:, ::-1].cumsum(1)[:, ::-1]",
    "log Σ e^x over `axis`": "np.log(np.exp(x).sum(1))", "g e^(x - y)": f"{BACK} * np.exp(x - y[:, None])",
    "x[…, i, i + offset] for each i": "x[[0, 1], [1, 2]]",
    "zeros with g stored at […, i, i + offset]": "np.array([[0, g[0], 0], [0, 0, g[1]]])",
    "zeros of `shape` with x stored at […, i, i + offset]": "np.array([[0, x[0], 0], [0, 0, x[1]]])",
    "g[…, i, i + offset] for each i": "g[[0, 1], [1, 2]]",
    "max x over `axis`": "x.max(1)", "min x over `axis`": "x.min(1)",
    "g / k at the k elements that are the largest, else 0": f"(x == y[:, None]) * {BACK} / (x == y[:, None]).sum(1, keepdims=True)",
    "g / k at the k elements that are the smallest, else 0": f"(x == y[:, None]) * {BACK} / (x == y[:, None]).sum(1, keepdims=True)",
    "x reversed along `axis`": "x[:, ::-1]", "g reversed back": "g[:, ::-1]",
    "x in the shape `shape`": "x.reshape(shape)", "g in the shape of x": "g.reshape(x.shape)",
    "x with its axes in the order `axes`": "x.T", "g with its axes put back": "g.T",
    "x with two axes exchanged": "x.T", "g with them exchanged back": "g.T",
    "x[key]": "x[key]", "zeros with g added at [key]": "np.stack([g[0] + g[2], g[1]])",
    "zeros of `shape` with x added at [key]": "np.stack([x[0] + x[1], 0 * x[0], 0 * x[0]])", "g[key]": "g[key]",
    "x with `value` stored at [first][last]": "np.concatenate([x[:1], [[*value, x[1, 2]]]])",
    "g with 0 stored there": "g * [[1, 1, 1], [0, 0, 1]]", "g[first][last]": "g[first][last]",
    "zeros of `shape` with x added at `indices` along `axis`": "np.array([[0, 0, x[0, 0] + x[0, 1]], [x[1, 0], x[1, 1], 0]])",
    "g at `indices` along `axis`": "np.take_along_axis(g, indices, axis)",
    "x at `indices` along `axis`": "np.take_along_axis(x, indices, axis)",
    "zeros with g added at `indices` along `axis`": "np.array([[0, 0, g[0, 0] + g[0, 1]], [g[1, 0], g[1, 1], 0]])",
    "-target log x - (1 - target) log(1 - x)": "-target * np.log(x) - (1 - target) * np.log(1 - x)",
    "g (x - target) / (x (1 - x))": "g * (x - target) / (x * (1 - x))", "g (log(1 - x) - log x)": "g * (np.log(1 - x) - np.log(x))",
    "(1 - target) x + log(1 + e^-x)": "(1 - target) * x + np.log(1 + np.exp(-x))",
    "g (1 / (1 + e^-x) - target)": "g * (1 / (1 + np.exp(-x)) - target)", "-g x": "-g * x",
    "-Σ w_i log_probs[i, targets[i]] / Σ w_i": f"-({TARGETS} * log_probs).sum() / ({TARGETS}).sum()",
    "-g w_i / Σ w_i at [i, targets[i]], else 0": f"-g * {TARGETS} / ({TARGETS}).sum()",
    "-w_i log_probs[i, targets[i]] for each i": f"-({TARGETS} * log_probs).sum(1)",
    "-g w_i at [i, targets[i]], else 0": f"-g[:, None] * {TARGETS}",
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_what_an_operation_states_is_so(name):
    arguments, options = CALLS[name]
    with np.errstate(all="ignore"):
        value, *vjps = EVERY_OP[name].raw(*arguments, **options)
        known = {"np": np, "axis": 1, **dict(zip(inspect.signature(EVERY_OP[name].raw).parameters, arguments)), **options}
        stated, gradients = formula_parts(EVERY_OP[name])
        letter, _, text = stated.partition(" = ")
        np.testing.assert_allclose(value, eval(MEANS[text], known), rtol=1e-12, err_msg=stated)
        known |= {letter: value, "g": np.random.default_rng(0).normal(0, 1, np.shape(value))}
        for key, vjp in zip((key for key in known if key in gradients), [vjp for vjp in vjps if vjp is not None]):
            np.testing.assert_allclose(vjp(known["g"]), eval(MEANS[gradients[key]], known), rtol=1e-12, err_msg=f"{name}, {key}")
            gradients.pop(key)
    assert gradients == {}


# ---- public functions

RECORDS_NOTHING = {  # or has no gradient
    "all", "allclose", "any", "argmax", "argmin", "argsort", "backward", "bernoulli_", "bincount", "bitwise_and", "bitwise_left_shift",
    "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "bool", "byte", "char", "count_nonzero", "detach", "detach_", "eq",
    "equal", "exponential_", "ge", "gt", "int", "is_floating_point", "is_tensor", "isclose", "isfinite", "isinf", "isnan", "le",
    "logical_and", "logical_not", "logical_or", "logical_xor", "long", "lt", "ne", "nelement", "nonzero", "normal_", "numel", "one_hot",
    "random_", "reduction_of", "register_hook", "register_post_accumulate_grad_hook", "requires_grad_", "resize_", "retain_grad", "short",
    "uniform_", "unique",
}  # fmt: skip
HOMES = ("elementwise", "in_place", "indexing", "norms", "parts", "products", "reductions", "scattering", "shapes", "sorting",
         "conversions", "comparisons", "gradients", "activations", "layers", "losses", "margins")


def public_functions():
    """Yield (name, function) for the functions and methods, except the operators, that take a tensor."""
    for place, home in (("mg", mg), ("Tensor", mg.Tensor), ("F", nn.functional)):
        for name in vars(home):
            found = inspect.getattr_static(home, name)
            module = getattr(found, "__module__", "").rpartition(".")[2] if inspect.isfunction(found) else ""
            if module in HOMES and (name[0] != "_" or name in ("__getitem__", "__setitem__")):
                yield f"{place}.{name}", found


PUBLIC = dict(public_functions())


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_function_that_records_states_its_formula(name):
    found = PUBLIC[name]
    value, gradients = formula_parts(found)
    if name.partition(".")[2] in RECORDS_NOTHING:
        assert gradients == {}
        return
    parameters = inspect.signature(found).parameters
    none = re.findall(r"no gradient for (\w+)", formula(found))
    expected = {key for key, p in parameters.items() if re.search("Tensor|Operand", str(p.annotation))} - set(none)
    expected -= {"alpha", "dim"} | ({"weight"} if re.search("nll|entropy|multi_margin", name) else set())
    expected |= {"self"} & set(parameters)
    expected |= {key for key in ("x", "value", "source") if key in parameters and key not in none and "int" not in str(
        parameters[key].annotation)}
    assert value.startswith("y = ") and set(gradients) == (set() if "no gradient" in formula(found) and not none else expected)
    assert set(none) <= set(parameters)


def test_there_are_many_public_functions_with_formulas():
    assert sum(bool(formula_parts(found)[1]) for found in PUBLIC.values()) > 120


def test_operators_show_the_formula_of_what_they_call():
    assert mg.Tensor.__add__.__doc__ == "Return add(self, other): z = x + y,  dL/dx = g,  dL/dy = g"
    assert mg.Tensor.__rsub__.__doc__ == "Return sub(other, self): z = x - y,  dL/dx = g,  dL/dy = -g"
    assert mg.Tensor.__itruediv__.__doc__ == f"Return div_(self, other): {formula(mg.Tensor.div_)}"
    assert operators.and_.__doc__ is None


# ---- nodes


def test_a_node_states_the_formula_of_its_operation():
    x = mg.ones(2, requires_grad=True)
    assert x.tanh().grad_fn.formula == "y = tanh(x),  dL/dx = g (1 - y²)"
    assert (2 * x).grad_fn.formula == "z = x · y,  dL/dx = g y,  dL/dy = g x"
    assert x.clamp(0, 1).grad_fn.formula == formula(ops.clip) and "\n" not in formula(ops.clip)
    assert mg.autograd.grad(x.relu().sum(), x, create_graph=True)[0].grad_fn.formula.startswith("y = ")


def test_a_node_of_your_own_states_what_your_docstring_states():
    @op
    def silent(x):
        return x * 2, lambda g: g * 2

    @op
    def spoken(x):
        """Twice x, with the gradient that dL/d needs."""
        return x * 2, lambda g: g * 2

    @op
    def stated(x):
        """Return twice x.

        y = 2 x,
        dL/dx = 2 g
        """
        return x * 2, lambda g: g * 2

    class Triple(Function):
        """y = 3 x; dL/dx = 3 g"""

        @staticmethod
        def forward(ctx, x):
            return x * 3

        @staticmethod
        def backward(ctx, g):
            return 3 * g

    class Silent(Triple):
        pass

    x = mg.ones(2, requires_grad=True)
    found = [y.grad_fn.formula for y in (silent(x), spoken(x), stated(x), Triple.apply(x), Silent.apply(x))]
    assert found == ["", "", "y = 2 x,  dL/dx = 2 g", "y = 3 x; dL/dx = 3 g", ""]
    assert formula_parts(stated) == formula_parts(stated(x).grad_fn.op) == ("y = 2 x", {"x": "2 g"})
    assert formula_parts(Triple) == formula_parts(Triple.apply(x).grad_fn.op) == ("y = 3 x", {"x": "3 g"})
    assert formula_parts(silent) == formula_parts(spoken) == ("", {})
