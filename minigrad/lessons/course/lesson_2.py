"""Lesson 2: an engine of sixty lines."""
# %% [markdown]
# # Lesson 2: An engine of sixty lines
#
# Nobody wants to write the backward of a whole network by hand. An **engine**
# writes down what you compute while you compute it, and walks back over its
# notes. You will now complete one. It works with single numbers, and has
# everything that matters; the real one is checked against it.
#
# ## What is written down
#
# Each number is a `Value`. A value that was computed remembers the values it
# was computed from, its **parents**, and for each of them a function that
# turns g (how the loss depends on the value) into what this parent gets. For
#
# ```text
# y = a · b
# parents:      a           b
# functions:    g · b       g · a
# ```
#
# Nothing is differentiated yet: the functions wait until g is known. They
# keep a and b alive until then, which is why training needs more memory than
# using a trained network.
#
# ## What backward does
#
# It begins at the loss with g = 1. It goes through all values, newest first,
# and each one passes on its g to its parents. Two rules make this right:
#
# 1. **Order.** A value may pass on its g only when g is complete: after all
#    values that use it. A value is always older than those that use it, so
#    "newest first" is such an order. Each value made gets a number, `tick`.
# 2. **Sums.** A value that is used twice is told two numbers, and adds them.
#
# Here a is used by u and by v:
#
# ```text
#          ┌── u = tanh(a) ──┐
#      a ──┤                 ├── L = u · v
#          └── v = a + 3 ────┘
# ```
#
# One walk gives the derivatives by **all** values at once. That is the point
# of going backward: from one weight forward to L, one would need a walk for
# each of a million weights.
#
# ## Exercises 1 and 2: multiply and tanh
#
# `__add__` is there as an example: both parents get g as it is.

# %% exercise: multiply tanh
import math


class Value:
    """A number that remembers how it was computed."""

    made = 0  # how many values there are

    def __init__(self, data, parents=(), backwards=()):
        Value.made += 1
        self.tick = Value.made
        self.data, self.grad = data, 0.0
        self.parents, self.backwards = parents, backwards

    def __add__(self, other):
        y = self.data + other.data
        return Value(y, (self, other), (lambda g: g, lambda g: g))

    def __mul__(self, other):
        y = self.data * other.data
        # answer
        backwards = lambda g: g * other.data, lambda g: g * self.data
        # instead
        # | backwards = ..., ...  # two functions of g, as in __add__
        # end
        return Value(y, (self, other), backwards)

    def tanh(self):
        y = math.tanh(self.data)
        # answer
        backwards = (lambda g: g * (1 - y * y),)
        # instead
        # | backwards = (...,)  # one function of g
        # end
        return Value(y, (self,), backwards)

    def __neg__(self):
        return self * Value(-1.0)

    def __sub__(self, other):
        return self + -other

    def __repr__(self):
        return f"Value({self.data})"


# %% [markdown]
# Subtraction needs no backward of its own: it is made of what is there.

# %%
a, b = Value(2.0), Value(0.5)
L = a * b - b
print(L, "computed from", L.parents)
# prints: Value(0.5) computed from (Value(1.0), Value(-0.5))

# %% [markdown]
# ## Exercise 3: the order
#
# Return a list of all values that `loss` was computed from, and `loss` itself,
# each of them once, so that each comes after all values that use it. (Hint:
# collect them by following `parents`, then sort by `tick`.)

# %% exercise: in_order
def in_order(loss):
    """Return the values that `loss` depends on, and itself, newest first."""
    # answer
    found, waiting = {loss}, [loss]
    while waiting:
        for parent in waiting.pop().parents:
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return sorted(found, key=lambda value: value.tick, reverse=True)
    # end

# %% [markdown]
# ## Exercise 4: backward
#
# Now the walk. It is two nested loops and one line.

# %% exercise: backward
def backward(loss):
    """Set `grad` of each value that `loss` depends on to dL/d(value)."""
    order = in_order(loss)
    for value in order:
        value.grad = 0.0
    loss.grad = 1.0
    for value in order:
        # answer
        for parent, function in zip(value.parents, value.backwards):
            parent.grad += function(value.grad)
        # instead
        # | ...  # let each parent get what its function makes of value.grad
        # end

# %% [markdown]
# ## The real one
#
# Your engine is judged against minigrad on random expressions. The real one
# does the same in `minigrad/autograd/engine.py`, with arrays instead of
# numbers: it also walks newest first, calls one function for each parent and
# adds up. What it has more is care: it frees what is no longer needed, and
# notices arrays that were overwritten in between.
#
# `mg.inspect.explain` tells its walk step by step. Look for the step in which
# the second use of x is added:

# %%
import minigrad as mg

x = mg.tensor(2.0, requires_grad=True)
L = x.tanh() * (x + 3)
print(mg.inspect.explain(L))  # prints the steps
L.backward()
print(f"{x.grad.item():.4f}")
# prints: 1.3173

# %% claims
assert abs((1 - math.tanh(2) ** 2) * 5 + math.tanh(2) - 1.3173) < 1e-4
assert "use 2 of x" in str(mg.inspect.explain(x.tanh() * (x + 3)))
x = Value(2.0)
backward(x.tanh() * (x + Value(3.0)))
assert abs(x.grad - 1.3173) < 1e-4
