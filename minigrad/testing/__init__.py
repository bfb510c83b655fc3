"""The gradient check for NumPy, CuPy, PyTorch, JAX and minigrad code."""


def __getattr__(name):
    if name == "gradcheck":
        from ..autograd import gradcheck

        return gradcheck
    raise AttributeError(name)
