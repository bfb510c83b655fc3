"""Planted bugs, third part: small errors, overwritten memory, unusual layouts, state, and gradients of the wrong form."""

import numpy as np

from benchmarks.checkers.cases import Functions, bug, uniform
from benchmarks.checkers.classic import softmax


def tanh_gradient(g, x):
    """Return the gradient of tanh."""
    return g * (1 - np.tanh(x) ** 2)


def row_sums(x):
    """Return the sums of x sin(x) over the rows."""
    return (x * np.sin(x)).sum(axis=-1)


def row_sums_gradient(g, x):
    """Return the gradient of row_sums."""
    return g[..., None] * (np.sin(x) + x * np.cos(x))


# ---- small errors


@bug("a small error", (3, 4))
def tanh_off_by_4_in_10000():
    """The gradient of tanh is 4e-4 too large."""
    return Functions(np.tanh, tanh_gradient, lambda g, x: tanh_gradient(g, x) * (1 + 4e-4))


@bug("a small error", (3, 4))
def tanh_off_by_1_in_100000():
    """The gradient of tanh is 1e-5 too large."""
    return Functions(np.tanh, tanh_gradient, lambda g, x: tanh_gradient(g, x) * (1 + 1e-5))


@bug("a small error", (3, 4), (4, 5))
def matmul_off_by_1_in_100000():
    """The gradient of the right factor of a matrix product is 1e-5 too small."""

    def right(g, x, w):
        return g @ w.T, x.T @ g

    return Functions(np.matmul, right, lambda g, x, w: (g @ w.T, x.T @ g * (1 - 1e-5)))


@bug("a small error", uniform(0.5, 2, 3, 4))
def rounded_constant():
    """The derivative of log10 has 2.3026 for log 10."""
    return Functions(np.log10, lambda g, x: g / (x * np.log(10)), lambda g, x: g / (x * 2.3026))


@bug("a small error", (10, 100))
def one_element_of_1000():
    """One element of 1,000 is 1 % off."""

    def wrong(g, x):
        dx = row_sums_gradient(g, x)
        dx[6, 17] *= 1.01
        return dx

    return Functions(row_sums, row_sums_gradient, wrong)


@bug("a small error", (100, 100))
def one_element_of_100_x_100():
    """One element of a 100 × 100 input gets no gradient."""

    def wrong(g, x):
        dx = row_sums_gradient(g, x)
        dx[41, 7] = 0
        return dx

    return Functions(row_sums, row_sums_gradient, wrong)


@bug("a small error", (20, 50))
def last_row_1_percent_off():
    """The last of 20 rows has a gradient that is 1 % off."""

    def wrong(g, x):
        dx = row_sums_gradient(g, x)
        dx[-1] *= 1.01
        return dx

    return Functions(row_sums, row_sums_gradient, wrong)


@bug("a small error", np.array([1e-4, -1.0, 2.0, 1e-4]))
def only_small_gradients_wrong():
    """Elements whose gradient is below 1e-2 are twice too large."""

    def wrong(g, x):
        return np.where(np.abs(x) < 1e-2, 2, 1) * g * x

    return Functions(lambda x: 0.5 * x * x, lambda g, x: g * x, wrong)


@bug("a small error", (3, 4))
def small_scale_twice():
    """A gradient of about 1e-8 is twice too large."""
    return Functions(lambda x: 1e-8 * np.tanh(x), lambda g, x: 1e-8 * tanh_gradient(g, x), lambda g, x: 2e-8 * tanh_gradient(g, x))


@bug("precision", (3, 4))
def float32_inside_backward():
    """Backward computes in float32 and returns float64."""

    def wrong(g, x):
        return tanh_gradient(g.astype(np.float32), x.astype(np.float32)).astype(np.float64)

    return Functions(np.tanh, tanh_gradient, wrong)


@bug("precision", (3, 4))
def float16_inside_backward():
    """Backward keeps the output in float16."""

    def wrong(g, x):
        return g * (1 - np.tanh(x).astype(np.float16).astype(np.float64) ** 2)

    return Functions(np.tanh, tanh_gradient, wrong)


@bug("precision", (3, 4))
def numeric_derivative_inside_backward():
    """Backward differentiates by a forward difference with a step of 1e-5."""
    return Functions(np.tanh, tanh_gradient, lambda g, x: g * (np.tanh(x + 1e-5) - np.tanh(x)) / 1e-5)


# ---- not linear in g, or with something added


@bug("offset", (3, 4))
def injected_penalty():
    """Backward adds the gradient of a weight decay of 0.01, which no output contains."""
    return Functions(np.tanh, tanh_gradient, lambda g, x: tanh_gradient(g, x) + 0.01 * x)


@bug("offset", (3, 4))
def tiny_constant_added():
    """Backward adds 1e-4 to each element, for stability."""
    return Functions(np.tanh, tanh_gradient, lambda g, x: tanh_gradient(g, x) + 1e-4)


@bug("nonlinear in g", (3, 4), shows="scale of g")
def clipped_gradient():
    """Backward clips the gradient to -1 … 1."""
    return Functions(lambda x: 2 * np.sin(x), lambda g, x: 2 * g * np.cos(x), lambda g, x: np.clip(2 * g * np.cos(x), -1, 1))


@bug("nonlinear in g", (3, 4), shows="scale of g")
def normalized_gradient():
    """Backward divides the gradient by its norm where that is more than 1."""

    def wrong(g, x):
        dx = tanh_gradient(g, x)
        return dx / max(1.0, np.sqrt((dx**2).sum()))

    return Functions(np.tanh, tanh_gradient, wrong)


@bug("nonlinear in g", (3, 4))
def absolute_g():
    """Backward uses |g|: right for g = 1."""
    return Functions(np.tanh, tanh_gradient, lambda g, x: tanh_gradient(np.abs(g), x))


@bug("nonlinear in g", (3, 4), shows="scale of g")
def small_g_dropped():
    """Backward takes elements of g below 0.5 for 0."""
    return Functions(np.tanh, tanh_gradient, lambda g, x: tanh_gradient(np.where(np.abs(g) < 0.5, 0, g), x))


# ---- memory that belongs to others


@bug("overwrites g", (3, 4), shows="changed")
def backward_overwrites_g():
    """Backward multiplies g in place."""

    def wrong(g, x):
        g *= 1 - np.tanh(x) ** 2
        return g

    return Functions(np.tanh, tanh_gradient, wrong)


@bug("overwrites g", (4, 3), (3,), shows="changed")
def backward_overwrites_g_after_its_use():
    """Backward scales g in place after the gradients are computed; these are right."""

    def right(g, x, b):
        return g * 2, g.sum(axis=0)

    def wrong(g, x, b):
        db = g.sum(axis=0)
        g *= 2
        return g, db

    return Functions(lambda x, b: 2 * x + b, right, wrong)


@bug("overwrites an input", (3, 4), shows="changed")
def backward_overwrites_its_input():
    """Backward computes tanh(x) in the memory of x."""

    def wrong(g, x):
        np.tanh(x, out=x)
        return g * (1 - x**2)

    return Functions(np.tanh, tanh_gradient, wrong)


@bug("overwrites a saved array", (3, 4), shows="repeat")
def backward_overwrites_what_forward_saved():
    """Backward squares the output that forward saved, in place: a second backward is wrong."""
    saved = {}

    def wrong_forward(x):
        saved["y"] = np.tanh(x)
        return saved["y"].copy()

    def wrong(g, x):
        saved["y"] **= 2
        return g * (1 - saved["y"])

    return Functions(np.tanh, tanh_gradient, wrong, wrong_forward)


@bug("overwrites an input", (3, 4), shows="changed")
def forward_overwrites_its_input():
    """Forward subtracts the maximum from x in place."""

    def wrong_forward(x):
        x -= x.max(axis=1, keepdims=True)
        e = np.exp(x)
        return e / e.sum(axis=1, keepdims=True)

    def right(g, x):
        y = softmax(x)
        return y * (g - (g * y).sum(axis=1, keepdims=True))

    return Functions(softmax, right, right, wrong_forward)


@bug("overwrites an input", (3, 4), shows="changed")
def forward_clips_its_input():
    """Forward clips x to at most 1 in place, and backward masks by x < 1, which then is right."""

    def forward(x):
        return np.where(x < 1, x, 1.0) * 3

    def wrong_forward(x):
        x[x > 1] = 1
        return x * 3

    def right(g, x):
        return 3 * g * (x < 1)

    return Functions(forward, right, right, wrong_forward)


# ---- random, stateful


@bug("random", (3, 4), shows="repeat")
def noise_in_the_gradient():
    """The gradient has noise of 1e-9."""
    rng = np.random.default_rng(0)
    return Functions(np.tanh, tanh_gradient, lambda g, x: tanh_gradient(g, x) + 1e-9 * rng.normal(size=x.shape))


@bug("random", (3, 4), shows="repeat")
def noise_in_the_gradient_of_1_percent():
    """The gradient is multiplied by random numbers of 0.99 to 1.01."""
    rng = np.random.default_rng(0)
    return Functions(np.tanh, tanh_gradient, lambda g, x: tanh_gradient(g, x) * rng.uniform(0.99, 1.01, x.shape))


@bug("state", (3, 4), shows="second call")
def cache_of_the_first_call():
    """The layer keeps tanh(x) of the first call, and uses it for all later ones."""
    cache = {}

    def wrong(g, x):
        cache.setdefault("y", np.tanh(x))
        return g * (1 - cache["y"] ** 2)

    return Functions(np.tanh, tanh_gradient, wrong)


@bug("state", (3, 4), shows="second call")
def cache_by_shape():
    """Forward fills its cache only if there is none of the shape of x."""
    cache = {}

    def wrong_forward(x):
        if x.shape not in cache:
            cache[x.shape] = np.tanh(x)
        return np.tanh(x)

    return Functions(np.tanh, tanh_gradient, lambda g, x: g * (1 - cache[x.shape] ** 2), wrong_forward)


@bug("state", (3, 4), (4, 2), shows="repeat")
def gradient_added_to_the_last_one():
    """The weight's gradient is added to that of the call before."""
    total = np.zeros((4, 2))

    def right(g, x, w):
        return g @ w.T, x.T @ g

    def wrong(g, x, w):
        nonlocal total
        total = total + x.T @ g
        return g @ w.T, total.copy()

    return Functions(np.matmul, right, wrong)


# ---- layouts of g


@bug("layout of g", (4, 4), shows="layout")
def memory_order_of_g():
    """Backward reads g in the order of its memory, as a C kernel does."""

    def wrong(g, x):
        return tanh_gradient(np.ravel(g, order="K").reshape(g.shape), x)

    return Functions(np.tanh, tanh_gradient, wrong)


@bug("layout of g", (4, 5), shows="layout")
def slow_branch_forgets_a_factor():
    """The branch for a g that is not contiguous forgets the factor 2."""
    return Functions(np.square, lambda g, x: 2 * g * x, lambda g, x: (2 if g.flags.c_contiguous else 1) * g * x)


@bug("layout of g", (4, 5), shows="layout")
def base_of_g():
    """Backward takes the array that owns g's memory for g itself."""

    def forward(x):
        return (x * x) @ np.ones((5, 4))

    def right(g, x):
        return 2 * x * (g @ np.ones((4, 5)))

    def wrong(g, x):
        owner = g if g.flags.c_contiguous else g.T
        return 2 * x * (owner @ np.ones((4, 5)))

    return Functions(forward, right, wrong)


@bug("layout of g", (6,), shows="stride 0")
def steps_of_g():
    """Backward divides by g's stride, which is 0 for a g that was expanded from one number."""

    def wrong(g, x):
        step = g.strides[0] // g.itemsize
        return 2 * x * g[np.arange(0, g.size * step, step) // step]

    return Functions(np.square, lambda g, x: 2 * g * x, wrong)


# ---- gradients of the wrong form


@bug("one gradient too few", (3, 4), (3, 4), shows="form")
def one_gradient_too_few():
    """Backward returns the gradient of the first argument only."""
    return Functions(np.multiply, lambda g, x, y: (g * y, g * x), lambda g, x, y: (g * y,))


@bug("one gradient too few", (3, 4), (4,), (4,), shows="form")
def bias_without_gradient():
    """Backward returns two gradients for three arguments."""

    def right(g, x, w, b):
        return g * w, (g * x).sum(axis=0), g.sum(axis=0)

    return Functions(lambda x, w, b: x * w + b, right, lambda g, x, w, b: right(g, x, w, b)[:2])


@bug("one gradient too many", (3, 4), (3, 4), shows="form")
def one_gradient_too_many():
    """Backward returns three gradients for two arguments, the first of them for an argument that is gone."""
    return Functions(np.multiply, lambda g, x, y: (g * y, g * x), lambda g, x, y: (g * x * y, g * y, g * x))


@bug("wrong shape", (4, 3), shows="form")
def column_kept():
    """The gradient of a vector has a second axis of size 1."""

    def right(g, x):
        return 2 * x * g[:, None]

    return Functions(lambda x: (x * x).sum(axis=1), right, lambda g, x: right(g, x)[:, :, None])


@bug("wrong shape", (4, 3), (3,), shows="form")
def axis_kept_by_keepdims():
    """The bias' gradient is summed with keepdims: (1, 3) for (3,)."""
    return Functions(np.add, lambda g, x, b: (g, g.sum(axis=0)), lambda g, x, b: (g, g.sum(axis=0, keepdims=True)))


@bug("wrong shape", (2, 3), shows="form")
def flat_gradient():
    """The gradient of a matrix is a flat vector."""
    return Functions(np.tanh, tanh_gradient, lambda g, x: tanh_gradient(g, x).ravel())


@bug("wrong dtype", (3, 4), shows="form")
def float32_gradient():
    """The gradient of a float64 array is float32."""
    return Functions(np.tanh, tanh_gradient, lambda g, x: tanh_gradient(g, x).astype(np.float32))


@bug("wrong dtype", np.array([1.0, 2.0, -3.0]))
def integer_gradient():
    """The gradient is collected in an array of integers, which cuts its fractions off: right for g = 1 at whole numbers."""

    def wrong(g, x):
        dx = np.zeros(x.shape, dtype=np.int64)
        dx[:] = 3 * x**2 * g
        return dx.astype(float)

    return Functions(lambda x: x**3, lambda g, x: 3 * x**2 * g, wrong)


@bug("not a number", np.array([0.0, 0.5, -1.0, 2.0]))
def nan_at_zero():
    """The gradient of x⁴ is computed as 4 x⁵ / x: not a number at 0."""
    return Functions(lambda x: x**4, lambda g, x: 4 * g * x**3, lambda g, x: 4 * g * x**5 / x)
