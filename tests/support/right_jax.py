"""Right functions of JAX arrays, for `check_jax`."""

import jax
import jax.numpy as jnp

from support.right_functions import ANY, NO_DENORMAL, PAIR, ROWS, VECTOR, registrar

JAX: dict = {}
right = registrar(JAX)


@right(ANY)
def gelu(x):
    return jax.nn.gelu(x)


@right(ROWS)
def log_softmax(x):
    return jax.nn.log_softmax(x, axis=0)


@right(ROWS)
def log_of_sum_of_exponentials(x):
    return jax.nn.logsumexp(x, axis=1), x.mean()


@right(ANY, smooth=False)
def activations(x):
    return jax.nn.relu(x) + jax.nn.softplus(x) + jax.nn.elu(x)


@jax.jit
def compiled(x, y):
    return jnp.tanh(x @ y) @ y.T


@right([((3, 2), (2, 2)), ((1, 1), (1, 1))])
def products_under_jit(x, y):
    return compiled(x, y)


@right(VECTOR, limit=1e6)
def recurrence_by_scan(x):
    return jax.lax.scan(lambda h, a: (jnp.tanh(h + a), h * a), jnp.zeros(()), x)


@right([((3, 4), (4,))])
def mapped_product(x, y):
    return jax.vmap(lambda row: row @ y)(x)


@right(VECTOR, smooth=False)
def sorted_numbers(x):
    return jnp.sort(x)


@right(PAIR)
def derivative_taken_inside(x, y):
    return jax.grad(lambda z: (jax.nn.sigmoid(z) * y).sum())(x)


@right(VECTOR, kinds=NO_DENORMAL)
def cumulative_product(x):
    return jnp.cumprod(x)


@right(ANY)
def reciprocal(x):
    return 1 / (x + 0.5)


@right(VECTOR)
def variance_by_cancellation(x):
    return ((x + 1e4) ** 2).mean() - (x + 1e4).mean() ** 2


@right(ANY, limit=1e30)
def float32_inside(x):
    return jnp.sin(x.astype(jnp.float32)).astype(x.dtype)


@right(ROWS)
def shift_without_gradient(x):
    e = jnp.exp(x - jax.lax.stop_gradient(x.max(axis=1, keepdims=True)))
    return e / e.sum(axis=1, keepdims=True)


@jax.custom_vjp
def hyperbolic_tangent(x):
    return jnp.tanh(x)


def forward(x):
    y = jnp.tanh(x)
    return y, y


hyperbolic_tangent.defvjp(forward, lambda y, g: (g * (1 - y * y),))


@right(ANY)
def own_tanh(x):
    return hyperbolic_tangent(x)


@right([((3, 2), (2,), (2,)), ((1, 1), (1,), (1,))])
def nested_parameters(x, weight, bias):
    parameters = {"layer": [weight, {"bias": bias}]}
    return x * parameters["layer"][0] + parameters["layer"][1]["bias"]
