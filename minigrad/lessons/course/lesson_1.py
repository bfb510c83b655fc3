"""Lesson 1: scalars and the chain rule."""
# %% [markdown]
# # Lesson 1: Scalars and the chain rule
#
# Training a network means: change each weight a little, in the direction in
# which the loss L becomes smaller. For this we need dL/dw for every weight w.
# **Backpropagation** computes all of them in one walk from L back to the
# weights. This lesson does it for single numbers; nothing new comes later
# but arrays.
#
# ## One step at a time
#
# A computation is a chain of small steps, such as
#
# ```text
# u = w · x
# y = tanh(u)
# L = (y - t)²        t is the target, what y should be
# ```
#
# The chain rule says how L depends on w: multiply the derivatives along the
# chain.
#
# ```text
# dL/dw = dL/dy · dy/du · du/dw
# ```
#
# Backprop multiplies from the left. It keeps one number, called g: how L
# depends on the value where the walk has arrived. g starts as dL/dL = 1. Each
# step then multiplies it by one derivative:

# %%
import math

w, x, t = 0.5, 2.0, 0.0
u = w * x
y = math.tanh(u)
L = (y - t) ** 2

g = 1.0  # dL/dL
g = g * 2 * (y - t)  # dL/dy
g = g * (1 - y * y)  # dL/du, as the derivative of tanh(u) is 1 - tanh(u)²
g = g * x  # dL/dw
print(f"L = {L:.4f}, dL/dw = {g:.4f}")
# prints: L = 0.5800, dL/dw = 1.2794

# %% [markdown]
# So if w grows by 0.001, L grows by about 0.00128.
#
# ## What a step must know
#
# Look at one of these lines: it needs g, and the derivative of its own step.
# It knows nothing of the rest of the network. So each kind of step can be
# written once and for all, as a function that answers one question: *you know
# how L depends on your output; how does it depend on your input?* This
# function is called the **backward** of the step. In this course, as
# everywhere in minigrad, the input is x, the output y, and
#
# ```text
# it is given         g = dL/dy
# it answers with     dL/dx = g · dy/dx
# ```
#
# With several inputs it gives one answer for each. For y = sin(x), whose
# derivative is cos(x), it is one line:

# %%
def sine_backward(g, x):
    """Return dL/dx for y = sin(x), where g = dL/dy."""
    return g * math.cos(x)


print(sine_backward(1.0, 0.0), sine_backward(3.0, 0.0))
# prints: 1.0 3.0

# %% [markdown]
# Is it right? Ask the function itself: move x a little to both sides, and see
# how far y moves. This is how your answers will be judged, at many places.

# %%
x, h = 0.7, 1e-5
difference = (math.sin(x + h) - math.sin(x - h)) / (2 * h)
print(f"{difference:.6f} {sine_backward(1.0, x):.6f}")
# prints: 0.764842 0.764842

# %% [markdown]
# ## Exercise 1: a square
#
# Write the backward of y = x². Replace the `...`, then let it be judged.

# %% exercise: square_backward
def square_backward(g, x):
    """Return dL/dx for y = x², where g = dL/dy."""
    # answer
    return 2 * g * x
    # end

# %% [markdown]
# ## Exercise 2: a product
#
# y = a · b has two inputs. Hold b fixed to find dL/da, and a to find dL/db.
# Return both, in the order of the arguments.

# %% exercise: product_backward
def product_backward(g, a, b):
    """Return (dL/da, dL/db) for y = a · b."""
    # answer
    return g * b, g * a
    # instead
    # | return ..., ...  # dL/da, dL/db
    # end

# %% [markdown]
# ## Exercise 3: tanh
#
# The derivative of tanh can be written with its value: it is 1 - y². Engines
# like such formulas, as y was already computed. Here you are given x.

# %% exercise: tanh_backward
def tanh_backward(g, x):
    """Return dL/dx for y = tanh(x)."""
    # answer
    y = math.tanh(x)
    return g * (1 - y * y)
    # end

# %% [markdown]
# ## Exercise 4: a neuron, and a value that is used twice
#
# Now a whole chain: a neuron with input x, weight w and bias b, that also
# passes its input on.
#
# ```text
# u = w · x + b
# y = tanh(u) + x
# ```
#
# x goes two ways to y. If it moves by a tiny d, y moves on account of both,
# and the two movements **add up**: the gradient of a value that is used twice
# is the sum of what comes back from each use. This rule is the whole reason
# why engines write `+=`.
#
# Walk back: first from y to u, then from u to w, x and b.

# %% exercise: neuron_backward
def neuron_backward(g, x, w, b):
    """Return (dL/dx, dL/dw, dL/db) for y = tanh(w · x + b) + x."""
    # answer
    du = tanh_backward(g, w * x + b)
    return du * w + g, du * x, du
    # instead
    # | du = ...  # dL/du, with u = w · x + b
    # | return ..., ..., ...  # dL/dx, dL/dw, dL/db
    # end

# %% [markdown]
# ## What to keep
#
# - A backward gets g = dL/dy and returns g · dy/dx for each of its inputs.
# - It always multiplies by g: forget it, and it works only where g is 1.
# - What is used several times gets the sum of what comes back.
#
# This was done by hand. In the next lesson an engine does it.

# %% claims
def loss(w):
    """Return L of the first example."""
    return (math.tanh(w * 2.0) - 0.0) ** 2


assert abs(loss(0.501) - loss(0.5) - 0.00128) < 5e-6 and 0.501 == 0.5 + 0.001
