"""Layer objects: `forward` keeps what `backward` needs, and `backward` leaves the gradients of `params` in `grads`."""

import numpy as np

from . import functions


class Layer:
    """Base class.

    Attributes
    ----------
    params : dict of str to array
    grads : dict of str to array, the gradients of `params` after `backward`
    """

    def __init__(self):
        self.params = {}
        self.grads = {}

    def forward(self, x):
        """Output of the layer."""
        raise NotImplementedError

    def backward(self, dout):
        """Gradient of x."""
        raise NotImplementedError


class Linear(Layer):
    """Affine map from `inputs` to `outputs` features."""

    def __init__(self, inputs, outputs, rng):
        super().__init__()
        self.params["weight"] = rng.normal(scale=inputs**-0.5, size=(inputs, outputs))
        self.params["bias"] = np.zeros(outputs)

    def forward(self, x):
        """Output of the layer."""
        out, self.cache = functions.linear_forward(x, self.params["weight"], self.params["bias"])
        return out

    def backward(self, dout):
        """Gradient of x."""
        dx, self.grads["weight"], self.grads["bias"] = functions.linear_backward(dout, self.cache)
        return dx


class LayerNorm(Layer):
    """Normalization of each row."""

    def __init__(self, features):
        super().__init__()
        self.params["gamma"] = np.ones(features)
        self.params["beta"] = np.zeros(features)

    def forward(self, x):
        """Output of the layer."""
        out, self.cache = functions.layer_norm_forward(x, self.params["gamma"], self.params["beta"])
        return out

    def backward(self, dout):
        """Gradient of x."""
        dx, self.grads["gamma"], self.grads["beta"] = functions.layer_norm_backward(dout, self.cache)
        return dx


class Tanh(Layer):
    """Hyperbolic tangent."""

    def forward(self, x):
        """Output of the layer."""
        out, self.cache = functions.tanh_forward(x)
        return out

    def backward(self, dout):
        """Gradient of x."""
        return functions.tanh_backward(dout, self.cache)


class ReLU(Layer):
    """Positive part."""

    def forward(self, x):
        """Output of the layer."""
        out, self.cache = functions.relu_forward(x)
        return out

    def backward(self, dout):
        """Gradient of x."""
        return functions.relu_backward(dout, self.cache)


class Sequential(Layer):
    """Layers one after the other; their parameters are named by position, as in "0.weight"."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = layers
        self.params = {f"{i}.{name}": value for i, layer in enumerate(layers) for name, value in layer.params.items()}

    def forward(self, x):
        """Output of the last layer."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dout):
        """Gradient of x."""
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        self.grads = {f"{i}.{name}": value for i, layer in enumerate(self.layers) for name, value in layer.grads.items()}
        return dout
