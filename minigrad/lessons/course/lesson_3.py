"""Lesson 3: arrays and broadcasting."""
# %% [markdown]
# # Lesson 3: Arrays and broadcasting
#
# With arrays, the rules stay the same: g = dL/dy now has the shape of y, and
# **each gradient has the shape of its argument**. That alone finds many
# mistakes, and often the formula, too.
#
# ## One number in many places
#
# NumPy repeats a smaller array until it fits a larger one:
#
# ```text
# x (3, 4) + b (4,)        b is added to each of the 3 rows
# ```
#
# So b[j] is used 3 times, once in each row. From lesson 1 you know what that
# means: its gradient is the **sum** over its uses.
#
# ```text
# y[i, j] = x[i, j] + b[j]        dL/db[j] = Σ over i of g[i, j]
# ```
#
# Broadcasting forward is summing backward. (And summing forward is
# broadcasting backward: y = Σ x gives every x the same g.)

# %%
import numpy as np

x, b = np.zeros((3, 4)), np.array([1.0, 2.0, 3.0, 4.0])
y = x + b
g = np.ones_like(y)  # L = the sum of y
print(y.shape, g.sum(axis=0))
# prints: (3, 4) [3. 3. 3. 3.]

# %% [markdown]
# ## Exercise 1: a bias
#
# y = x + b, with x of shape (n, m) and b of shape (m,).

# %% exercise: bias_backward
def bias_backward(g, x, b):
    """Return (dL/dx, dL/db) for y = x + b; g and x (n, m), b (m,)."""
    # answer
    return g, g.sum(axis=0)
    # instead
    # | return ..., ...  # dL/dx, dL/db
    # end

# %% [markdown]
# ## Exercise 2: undo any broadcast
#
# NumPy's rule: shapes are compared from the right; missing axes are added on
# the left, and axes of size 1 are stretched.
#
# ```text
# (4,)      to (3, 4)        axis 0 is new
# (3, 1)    to (3, 4)        axis 1 is stretched
# (1, 4)    to (2, 3, 4)     axis 0 is new, axis 1 is stretched
# ```
#
# Write the function that every engine has, in one place, for all its
# operations: it sums g over the axes that broadcasting added or stretched.
# `keepdims=True` keeps an axis that is summed, with size 1.

# %% exercise: unbroadcast
def unbroadcast(g, shape):
    """Return g, summed so that it has this shape, which was broadcast."""
    # answer
    added = g.ndim - len(shape)
    g = g.sum(axis=tuple(range(added)))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1)
    return g.sum(axis=stretched, keepdims=True)
    # instead
    # | added = g.ndim - len(shape)  # the number of new axes, on the left
    # | return ...
    # end

# %% [markdown]
# ## Exercise 3: a linear layer
#
# y = x @ w + b, with x (n, k), w (k, m) and b (m,). Each y[i, j] is a sum:
#
# ```text
# y[i, j] = Σ over k of x[i, k] · w[k, j]  +  b[j]
# ```
#
# x[i, k] is used in all columns j of row i, so dL/dx[i, k] is the sum over j
# of g[i, j] · w[k, j]. That is a matrix product again. The shapes tell which:
# dL/dx must be (n, k), and you have g (n, m) and w (k, m).

# %% exercise: linear_backward
def linear_backward(g, x, w, b):
    """Return (dL/dx, dL/dw, dL/db) for y = x @ w + b."""
    # answer
    return g @ w.T, x.T @ g, g.sum(axis=0)
    # instead
    # | return ..., ..., ...  # dL/dx, dL/dw, dL/db
    # end

# %% [markdown]
# ## See it happen
#
# `mg.inspect.explain` says where a gradient was summed:

# %%
import minigrad as mg

x = mg.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
b = mg.tensor([10.0, 20.0], requires_grad=True)
L = (x + b).sum()
print(mg.inspect.explain(L))  # prints the steps

# %% [markdown]
# ## What to keep
#
# - Each gradient has the shape of its argument.
# - What broadcasting repeats, the backward sums. What a sum collects, the
#   backward repeats.
# - For y = x @ w the two gradients are g @ w.T and x.T @ g; you never need to
#   remember this, as no other product of these three has the right shapes.
#   With square matrices, though, a wrong one fits as well: test with sizes
#   that all differ.

# %% claims
assert "summed over axis 0 of (3, 2): it was broadcast" in str(mg.inspect.explain(L))
