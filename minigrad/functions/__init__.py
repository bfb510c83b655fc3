"""The public functions, each written once: `minigrad.tanh` is `Tensor.tanh`. `_tensor.py` is the table of the methods.

A first argument called `input` means a function of minigrad and a method, one called `self` a method only.
"""
