"""Lesson 6: SGD, momentum and Adam by hand."""
# %% [markdown]
# # Lesson 6: SGD, momentum and Adam by hand
#
# Backprop says in which direction the loss grows. What to do with that is the
# **optimizer**'s business: it gets a weight p and its gradient g (here g is
# dL/dp, the end of the walk), and returns a better p. You will write the
# three that are used most; each must agree with minigrad's, which does what
# PyTorch's does, to nine digits.
#
# ## Gradient descent
#
# Take a step downhill; the learning rate `lr` says how long it is.
#
# ```text
# p <- p - lr · g
# ```
#
# (*Stochastic* gradient descent, SGD, as g comes from a few examples only,
# drawn at random. The formula is the same.)
#
# ## Exercise 1: SGD
#
# Return the new p. Do not change the array p itself.

# %% exercise: sgd_step
import numpy as np


def sgd_step(p, g, lr):
    """Return p after one step of gradient descent."""
    # answer
    return p - lr * g
    # end

# %% [markdown]
# ## Exercise 2: momentum
#
# In a narrow valley, g points mostly across, from wall to wall, and only a
# little along. Remember past gradients in a buffer b: what changes its sign
# from step to step cancels, what always points the same way adds up.
#
# ```text
# b <- momentum · b + g        p <- p - lr · b        (b is 0 at first)
# ```
#
# With momentum 0.9 and a g that stays the same, b grows to 10 · g: the sum
# 1 + 0.9 + 0.81 + … is 1 / (1 - 0.9). Think of it when you choose lr.

# %% exercise: momentum_step
def momentum_step(p, g, b, lr, momentum):
    """Return (p, b) after one step with momentum."""
    # answer
    b = momentum * b + g
    return p - lr * b, b
    # instead
    # | return ..., ...  # the new p, the new b
    # end

# %% [markdown]
# ## Exercise 3: Adam
#
# Adam gives each weight a step of its own length. It keeps two running means:
# m of g, and v of g². Their quotient does not depend on the size of g: where
# g has always the same sign, a step is about lr long, be g large or tiny.
#
# ```text
# m <- β₁ · m + (1 - β₁) · g         v <- β₂ · v + (1 - β₂) · g²
# m̂ = m / (1 - β₁^t)                 v̂ = v / (1 - β₂^t)
# p <- p - lr · m̂ / (√v̂ + eps)
# ```
#
# Both start at 0, so at first they are too small; dividing by 1 - β^t (t is
# the number of this step, from 1) makes up for that exactly. In step 1, m̂ is
# g and v̂ is g²: the first step is lr · g / |g|, whatever g is. Without this
# **bias correction**, with β₁ = 0.9 and β₂ = 0.999, it would be 3.16 times as
# long.

# %% exercise: adam_step
def adam_step(p, g, m, v, t, lr, beta1, beta2, eps):
    """Return (p, m, v) after step number t = 1, 2, ... of Adam."""
    # answer
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return p - lr * m_hat / (np.sqrt(v_hat) + eps), m, v
    # instead
    # | return ..., ..., ...  # the new p, the new m, the new v
    # end

# %% [markdown]
# Note what is returned: m and v themselves, not m̂ and v̂. The correction is
# made afresh in each step.
#
# ## What to keep
#
# - An optimizer knows nothing of the network. It sees p, g, and its own past.
# - Momentum lengthens steps in directions that persist, up to 1 / (1 -
#   momentum) times.
# - Adam divides by the size of past gradients. This is why it forgives a bad
#   scale (lesson 5), and why a weight decay that is added to g is divided,
#   too, and thus weaker where gradients are large.

# %% claims
b = np.zeros(1)
for _ in range(200):
    _, b = momentum_step(np.zeros(1), np.ones(1), b, 0.1, 0.9)
assert abs(b - 10) < 1e-6 and round(0.9**2, 9) == 0.81
for g in (1e-3, 1e3):
    first, m, v = adam_step(np.zeros(1), np.array([g]), 0.0, 0.0, 1, 0.1, 0.9, 0.999, 0.0)
    assert abs(first + 0.1) < 1e-12
    assert abs(m / np.sqrt(v) - 3.16) < 0.003
