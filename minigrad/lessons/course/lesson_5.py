"""Lesson 5: saturation, vanishing gradients and initialisation."""
# %% [markdown]
# # Lesson 5: Saturation, vanishing gradients and initialisation
#
# Backprop multiplies g by one slope after the other. A product of many
# numbers does not stay near 1 by itself: slopes below 1 let g **vanish**
# before it reaches the first layers, slopes above 1 let it **explode**.
#
# ## Saturation
#
# The sigmoid squeezes any x into (0, 1). Far from 0 it is flat, or
# **saturated**: its slope is nearly 0, and g is stopped there, however wrong
# the output is.
#
# ```text
# y = 1 / (1 + e^-x)        dy/dx = y · (1 - y)        at most 1/4, at x = 0
# ```
#
# At x = -10 the slope is 0.000045. Should the output have been 1, a squared
# error moves x by next to nothing; the loss of lesson 4 moves it with full
# force, as its g divides by y. And even at the best place, ten sigmoids one
# after the other leave of g at most (1/4)^10, a millionth.

# %%
import numpy as np


def sigmoid(x):
    """Return 1 / (1 + e^-x)."""
    return 1 / (1 + np.exp(-x))


print(f"{sigmoid(-10.0) * (1 - sigmoid(-10.0)):.6f} {0.25**10:.7f}")
# prints: 0.000045 0.0000010

# %% [markdown]
# ## Exercise 1: sigmoid
#
# An engine keeps the output y of the forward and writes the backward with it.
# Do the same: this time you are given y, not x.

# %% exercise: sigmoid_backward
def sigmoid_backward(g, y):
    """Return dL/dx for y = sigmoid(x), of y."""
    # answer
    return g * y * (1 - y)
    # end

# %% [markdown]
# ## Exercise 2: relu
#
# y = max(x, 0) has slope 1 or 0: it lets g pass unchanged, or stops it. It
# does not saturate for large x, which is why deep networks use it. But a unit
# whose x is negative for all examples gets no gradient any more: it is
# **dead**. At x = 0, where there is no derivative, engines agree to take 0.

# %% exercise: relu_backward
def relu_backward(g, x):
    """Return dL/dx for y = max(x, 0)."""
    # answer
    return g * (x > 0)
    # end

# %% [markdown]
# Here is a unit that is dead for its three examples. `explain` says after
# which step nothing is left:

# %%
import minigrad as mg

x = mg.tensor([1.0, 0.5, 2.0], requires_grad=True)
w = mg.tensor(-3.0, requires_grad=True)
L = (w * x).relu().sum()
print(mg.inspect.explain(L))  # prints the steps

# %% [markdown]
# ## The size of the weights
#
# The other factor is the weights. Each output of x @ w is a sum of n terms,
# where n is the number of inputs. For independent numbers with mean 0,
# variances multiply and add up:
#
# ```text
# y[j] = Σ over k of x[k] · w[k, j]        var(y) = n · var(w) · var(x)
# ```
#
# If n · var(w) is below 1, the signal shrinks from layer to layer, and g on
# its way back, too. If it is above 1, both grow, until tanh saturates. Here
# are 20 layers of tanh with 100 inputs each; the number is the size of dL/dx
# at the first one.

# %%
def first_gradient(deviation, layers=20, width=100):
    """Return the root mean square of dL/dx, L the sum of the last outputs."""
    mg.manual_seed(0)
    x = mg.randn(50, width, dtype=mg.float64, requires_grad=True)
    y = x
    for _ in range(layers):
        w = deviation * mg.randn(width, width, dtype=mg.float64)
        y = (y @ w).tanh()
    y.sum().backward()
    return x.grad.square().mean().sqrt().item()


for deviation in (0.05, 0.1, 0.2):
    print(f"{deviation}: {first_gradient(deviation):.0e}")
# prints: 0.05: 6e-07
# prints: 0.1: 1e-01
# prints: 0.2: 2e+01

# %% [markdown]
# A factor of 2 decides whether the first layer learns at all.
#
# ## Exercise 3: initial weights
#
# Draw weights so that y = x @ w has the variance of x. For which standard
# deviation of w is n · var(w) = 1? (`random.normal(size=...)` draws numbers
# of variance 1; a number times them has the variance of its square.)

# %% exercise: initial_weights
def initial_weights(inputs, outputs, random):
    """Return weights (inputs, outputs) with which x @ w varies as x does."""
    # answer
    return random.normal(size=(inputs, outputs)) / np.sqrt(inputs)
    # end

# %% [markdown]
# ## What to keep
#
# - g is multiplied by a slope in each layer: ask how large it is.
# - Saturated units and dead units pass nothing on.
# - Weights with deviation 1/√n keep signal and gradient alive. After relu,
#   which sets half of the signal to 0, it is √(2/n) (He et al. 2015); where
#   inputs and outputs differ in number, √(2/(n + m)) is a compromise between
#   forward and backward (Glorot and Bengio 2010). In minigrad these are
#   `nn.init.kaiming_normal_` and `nn.init.xavier_normal_`.

# %% claims
assert sigmoid(0.0) * (1 - sigmoid(0.0)) == 0.25
x = np.random.default_rng(0).normal(size=(1000, 400))
y = x @ initial_weights(400, 300, np.random.default_rng(1))
assert abs(y.var() - 1) < 0.05
after = np.maximum(y, 0) @ (np.sqrt(2) * initial_weights(300, 300, np.random.default_rng(2)))
assert abs(after.var() - 1) < 0.05
assert "all zero from here on" in str(mg.inspect.explain(L))
w = mg.nn.init.kaiming_normal_(mg.empty(300, 200)).numpy()  # 200 inputs
assert abs(w.std() / np.sqrt(2 / 200) - 1) < 0.02
w = mg.nn.init.xavier_normal_(mg.empty(300, 200)).numpy()
assert abs(w.std() / np.sqrt(2 / (200 + 300)) - 1) < 0.02
