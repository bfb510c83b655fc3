"""Functions and classes as users of JAX write them; to be imported where JAX is."""

import dataclasses
import functools

import jax
import jax.numpy as jnp


@jax.custom_vjp
def soft(x):
    return jax.nn.softmax(x)


def soft_forward(x):
    y = soft(x)
    return y, y


def soft_backward(y, g):
    return (g * y,)


soft.defvjp(soft_forward, soft_backward)

@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def power(x, n):
    return x**n


power.defvjp(lambda x, n: (x**n, x), lambda n, x, g: (2 * g * n * x ** (n - 1),))

@jax.custom_jvp
def sine(x):
    return jnp.sin(x)

@sine.defjvp
def sine_rule(primals, tangents):
    return sine(*primals), 2 * jnp.cos(primals[0]) * tangents[0]

@jax.jit
def compiled(x):
    return soft(x) * 2

@functools.partial(jax.jit, static_argnames=("n",))
def compiled_with_options(x, n=2):
    return jnp.sin(x) * n


called = jax.custom_vjp(lambda x: x * 2)
called.defvjp(lambda x: (x * 2, None), lambda rest, g: (g * 3,))
named = jax.custom_vjp(power, nondiff_argnums=(1,))
named.defvjp(lambda x, n: (x**n, x), lambda n, x, g: (5 * g,))
without_rules = jax.custom_vjp(lambda x: x)
FUNCTIONS = {
    "soft": soft, "power": lambda x: power(x, 3), "sine": sine, "compiled": compiled, "compiled_with_options": compiled_with_options,
    "called": called, "jit of soft": jax.jit(soft), "jit of power": functools.partial(jax.jit(power, static_argnums=1), n=3),
    "jit of a partial": jax.jit(functools.partial(compiled_with_options, n=4)), "named": lambda x: named(x, 2),
    "without_rules": without_rules,
}


@jax.tree_util.register_pytree_node_class
class Point:
    def __init__(self, place, name):
        self.place, self.name = place, name

    def tree_flatten(self):
        return (self.place,), self.name

    @classmethod
    def tree_unflatten(cls, name, children):
        return cls(children[0], name)


@functools.partial(jax.tree_util.register_dataclass, data_fields=["weight"], meta_fields=[])
@dataclasses.dataclass
class Weights:
    weight: object
