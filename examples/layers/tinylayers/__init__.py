"""Neural network layers in NumPy with hand-written backward passes."""

from .layers import LayerNorm, Linear, ReLU, Sequential, Tanh

__all__ = ["LayerNorm", "Linear", "ReLU", "Sequential", "Tanh"]
