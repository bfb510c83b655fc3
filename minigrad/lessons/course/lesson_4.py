"""Lesson 4: log-softmax and the negative log-likelihood."""
# %% [markdown]
# # Lesson 4: Log-softmax and the negative log-likelihood
#
# A classifier ends with one number for each class, the **logits** x. To train
# it, they are turned into probabilities, and the loss asks how probable the
# right class was:
#
# ```text
# softmax:        p[k] = e^x[k] / Σ e^x          along each row
# log-softmax:    y[k] = log p[k] = x[k] - log Σ e^x
# NLL:            L = -mean over rows of y[row, target of the row]
# ```
#
# ## Why the logarithm comes in so early
#
# e^x is too large for a float when x is 1000, so softmax as written gives
# inf / inf. Nothing changes if the largest x of the row is subtracted first,
# for e^(x - m) / Σ e^(x - m) is the same fraction. And log(softmax(x)) fails
# once more: a probability of 0 has no logarithm. The formula above needs none.

# %%
import numpy as np

with np.errstate(over="ignore"):
    print(np.exp(1000.0))
# prints: inf

# %% [markdown]
# ## Exercise 1: log-softmax, forward
#
# Compute it for each row of x (n, k), so that x = 1000 and x = -1000 do no
# harm. `keepdims=True` lets the result of `max` or `sum` broadcast.

# %% exercise: log_softmax
def log_softmax(x):
    """Return x - log Σ e^x for each row of x (n, k)."""
    # answer
    x = x - x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))
    # end

# %% [markdown]
# ## Exercise 2: log-softmax, backward
#
# Every y[k] of a row depends on every x[j] of this row, through the sum:
#
# ```text
# dy[k]/dx[j] = (1 if k = j else 0) - p[j]
# ```
#
# The **Jacobian** of a row is thus not diagonal. Multiply from the left by g
# and sum over k: what is left is short. (p is e^y: no softmax is needed.)

# %% exercise: log_softmax_backward
def log_softmax_backward(g, x):
    """Return dL/dx for y = log_softmax(x)."""
    # answer
    p = np.exp(log_softmax(x))
    return g - p * g.sum(axis=1, keepdims=True)
    # end

# %% [markdown]
# ## Exercise 3: the loss
#
# `y[np.arange(n), targets]` picks the log-probability of the right class in
# each row. All others do not matter to L, so their gradient is 0. The loss is
# one number, and g, too.

# %%
def nll(y, targets):
    """Return the mean of -y[row, target] over the rows of y (n, k)."""
    return -y[np.arange(len(targets)), targets].mean()


# %% exercise: nll_backward
def nll_backward(g, y, targets):
    """Return dL/dy, of the shape of y, for the loss nll(y, targets)."""
    # answer
    dy = np.zeros_like(y)
    dy[np.arange(len(targets)), targets] = -g / len(targets)
    return dy
    # instead
    # | dy = np.zeros_like(y)
    # | dy[np.arange(len(targets)), targets] = ...
    # | return dy
    # end

# %% [markdown]
# ## Exercise 4: both at once
#
# Put the two together: L = nll(log_softmax(x), targets). You may call your
# two functions. Then look for the short formula: with g = 1 it says how far
# the probabilities are from the truth, and nothing else.
#
# ```text
# dL/dx = (p - t) / n        t: 1 at the target of each row, else 0
# ```

# %% exercise: cross_entropy_backward
def cross_entropy_backward(g, x, targets):
    """Return dL/dx for L = nll(log_softmax(x), targets)."""
    # answer
    dy = nll_backward(g, log_softmax(x), targets)
    return log_softmax_backward(dy, x)
    # end

# %% [markdown]
# ## What to keep
#
# - A sum in the forward couples elements; the backward then has a sum along
#   the same axis.
# - (p - t) / n never vanishes while the answer is wrong, however sure the
#   network is. This is why classifiers end like this, and not with a squared
#   error of a sigmoid: the next lesson shows what happens there.
# - A mean divides g by n. Forget it, and the learning rate is n times too
#   large, which looks like bad luck, not like a bug.

# %% claims
x, targets = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]]), np.array([0, 2])
p, t = np.exp(log_softmax(x)), np.eye(3)[targets]
assert np.allclose(cross_entropy_backward(1.0, x, targets), (p - t) / 2)
