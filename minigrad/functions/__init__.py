"""The public functions, each written once: `minigrad.tanh` is `Tensor.tanh`. `_tensor.py` is the table of the methods.

A function whose first argument is called `input` is both a function of minigrad and a method; one with `self` is a method only.
"""
