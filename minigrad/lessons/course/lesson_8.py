"""Lesson 8: higher derivatives, and a penalty on gradients."""
# %% [markdown]
# # Lesson 8: Higher derivatives, and a penalty on gradients
#
# A backward pass is a computation like any other: it multiplies and adds.
# So it can be recorded, and differentiated again. With `create_graph=True`,
# minigrad records it:

# %%
import minigrad as mg
from minigrad.autograd import grad

x = mg.tensor(2.0, dtype=mg.float64, requires_grad=True)
(first,) = grad(x**3, [x], create_graph=True)
(second,) = grad(first, [x])
print(first.item(), second.item())
# prints: 12.0 12.0

# %% [markdown]
# (3x² and 6x are both 12 at x = 2.) Without `create_graph=True`, `first` is a
# plain number that remembers nothing, and the second `grad` says so.
#
# ## Exercise 1: a second derivative
#
# `function` works element by element, so each element of x has a derivative
# of its own. `grad` needs one number to start from; the sum does it, as the
# elements do not touch each other.

# %% exercise: second_derivative
def second_derivative(function, x):
    """Return d²y/dx² of y = function(x), of the shape of x."""
    # answer
    (first,) = grad(function(x).sum(), [x], create_graph=True)
    (second,) = grad(first.sum(), [x])
    return second
    # end

# %% [markdown]
# ## Exercise 2: the backward of a backward
#
# How does the engine do that? Every backward is made of operations that have
# a backward themselves. For y = tanh(x), the backward computes
#
# ```text
# z = g · (1 - y²)
# ```
#
# which has two inputs, g and y. Given h = dL/dz, return what each of them
# gets. (That y depends on x, in turn, is not your business here: the engine
# follows that path by itself.)

# %% exercise: tanh_backward_backward
def tanh_backward_backward(h, g, y):
    """Return (dL/dg, dL/dy) for z = g · (1 - y²), where h = dL/dz."""
    # answer
    return h * (1 - y * y), -2 * h * g * y
    # instead
    # | return ..., ...  # dL/dg, dL/dy
    # end

# %% [markdown]
# ## Exercise 3: a penalty on gradients
#
# Some losses contain gradients. In a Wasserstein GAN, a network D, the
# critic, gives each example a number, and must not be too steep. Gulrajani et
# al. (2017) add a penalty to its loss: at each example, the gradient of D by
# its **input** should have length 1.
#
# ```text
# penalty = mean over examples i of (‖dD/dx[i]‖ - 1)²
# ```
#
# To train with it, we need the derivative of the penalty by D's weights: a
# derivative of a derivative. That is all there is to it:
#
# 1. Compute `critic(x)`, of shape (n, 1), and take the gradient of its sum by
#    x, recorded. Row i of it is dD/dx[i], as no example touches another.
# 2. The length of a row is the root of the sum of its squares:
#    `.square()`, `.sum(dim=1)`, `.sqrt()`.

# %% exercise: gradient_penalty
def gradient_penalty(critic, x):
    """Return the penalty, a tensor from which backward reaches the weights."""
    # answer
    (slopes,) = grad(critic(x).sum(), [x], create_graph=True)
    lengths = slopes.square().sum(dim=1).sqrt()
    return (lengths - 1).square().mean()
    # end

# %% [markdown]
# ## The end of the course
#
# - A backward pass that is recorded can be differentiated like any other
#   computation.
# - All of it is kept in memory until then: ask for it only where you need it.
# - `minigrad/autograd/replay.py` does it, and `minigrad/ops/` has all
#   operations, each with its value and its backward side by side. You can
#   read them now.
