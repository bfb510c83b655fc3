"""Lesson 7: find the planted bug."""
# %% [markdown]
# # Lesson 7: Find the planted bug
#
# A wrong gradient rarely crashes. The loss still falls, only not as far as it
# could, and weeks later somebody wonders why. So gradients are tested. Here
# are functions of an engine, in three groups. In each group **one** has a
# bug, each of them one that minigrad's own tests must catch. Say which
# function it is, and mend it.
#
# ## The tool
#
# `check_vjp(forward, backward, *arrays)` compares a backward with differences
# of its forward, and says which mistake it looks like:

# %%
import numpy as np

from minigrad.testing import check_vjp

x = np.array([[0.3, -1.2, 0.8], [1.1, 0.4, -0.5]])


def wrong_backward(g, x):
    """Return dL/dx for y = sin(x), without the chain rule."""
    return np.cos(x)


report = check_vjp(np.sin, wrong_backward, x, raise_exception=False)
print(report.verdict)
# prints: independent

# %% [markdown]
# `print(report)` says more: where, and both numbers. A report is true if
# nothing was found.
#
# ## Case 1: differences, quotients, roots
#
# Check each of the three with inputs of your choice (positive ones, for the
# root). Then name the guilty one and change its line.

# %% exercise: case_1
def subtract_backward(g, x, y):
    """Return (dL/dx, dL/dy) for x - y."""
    return g, -g


def divide_backward(g, x, y):
    """Return (dL/dx, dL/dy) for x / y."""
    return g / y, -g * x / y**2


def root_backward(g, x):
    """Return dL/dx for √x."""
    # answer
    return g / (2 * np.sqrt(x))
    # instead
    # | return g / np.sqrt(x)
    # end


# answer
guilty_1 = "root_backward"
# instead
# | guilty_1 = ...  # "subtract_backward", "divide_backward", "root_backward"
# end

# %% [markdown]
# ## Case 2: tests that see nothing
#
# An option such as `axes`, which orders the axes anew, is fixed for the check:
#
# ```text
# axes = 1, 0, 2
# check_vjp(lambda x: np.transpose(x, axes),
#           lambda g, x: transpose_backward(g, x, axes), x)
# ```
#
# Beware of symmetry. A swap such as (1, 0, 2) is its own inverse, a square
# matrix fits whether it is transposed or not, and a g of ones is the same
# after every permutation. A good test has sizes that all differ, a
# permutation that is not its own inverse, and random numbers everywhere.

# %% exercise: case_2
def softmax_backward(g, x):
    """Return dL/dx for softmax along the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    y = e / e.sum(axis=-1, keepdims=True)
    return y * (g - (g * y).sum(axis=-1, keepdims=True))


def mean_backward(g, x):
    """Return dL/dx for the mean along the last axis."""
    return np.broadcast_to(g[..., None], x.shape) / x.shape[-1]


def transpose_backward(g, x, axes):
    """Return dL/dx for np.transpose(x, axes)."""
    # answer
    return np.transpose(g, np.argsort(axes))
    # instead
    # | return np.transpose(g, axes)
    # end


# answer
guilty_2 = "transpose_backward"
# instead
# | guilty_2 = ...  # "softmax_backward", "mean_backward", "transpose_backward"
# end

# %% [markdown]
# ## Case 3: where no derivative exists
#
# All three functions here pass the check wherever a derivative exists. The
# bug sits at a **kink**, where the slopes on both sides differ, and no
# difference can say what is right. There an engine needs a convention.
# minigrad's are those of PyTorch:
#
# ```text
# relu       at x = 0                    0
# clip       at x = low and x = high     g
# maximum    at x = y                    half of g for each
# ```
#
# The halves have a reason: if both move by d, so does the maximum, and the
# two gradients must add up to g. Call each function at its kinks.

# %% exercise: case_3
def relu_backward(g, x):
    """Return dL/dx for max(x, 0)."""
    return np.where(x > 0, g, 0)


def clip_backward(g, x, low, high):
    """Return dL/dx for np.clip(x, low, high)."""
    return np.where((x >= low) & (x <= high), g, 0)


def maximum_backward(g, x, y):
    """Return (dL/dx, dL/dy) for np.maximum(x, y)."""
    # answer
    half = np.where(x == y, g / 2, 0)
    return np.where(x > y, g, half), np.where(y > x, g, half)
    # instead
    # | return np.where(x >= y, g, 0), np.where(y >= x, g, 0)
    # end


# answer
guilty_3 = "maximum_backward"
# instead
# | guilty_3 = ...  # "relu_backward", "clip_backward", "maximum_backward"
# end

# %% [markdown]
# ## What to keep
#
# - Check every backward that you write, before you train with it.
# - Symmetric inputs hide bugs: square matrices, swaps, g = 1, equal numbers.
# - At kinks there is no derivative to compare with. Know the convention, and
#   test it by itself.

# %% claims
import minigrad as mg

a, b = (mg.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
mg.maximum(a, b).sum().backward()
assert a.grad.tolist() == b.grad.tolist() == [0.5, 0.5]
x3 = np.random.default_rng(0).normal(size=(2, 3, 4))
forward = lambda x: np.transpose(x, (1, 0, 2))
assert check_vjp(forward, lambda g, x: np.transpose(g, (1, 0, 2)), x3)
c = mg.tensor([-1.0, 0.0, 1.0], requires_grad=True)
c.clamp(-1, 1).sum().backward()
assert c.grad.tolist() == [1, 1, 1]
