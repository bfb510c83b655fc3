"""Arguments of the public functions: `axis` and `keepdims` are other words for `dim` and `keepdim`, as in PyTorch."""

import inspect

import numpy as np
import pytest
import torch

import minigrad

OFTEN_CALLED = {"softmax", "log_softmax", "squeeze", "unsqueeze"}  # so that they look for no further words
OF_PYTHON = {"norm", "split", "unique"}  # PyTorch has these in Python, where they take `dim` alone
OF_DIM = [(home, name) for home in ("", "Tensor")
          for name, found in inspect.getmembers(getattr(minigrad, home, minigrad), inspect.isfunction)
          if found.__module__.startswith("minigrad.functions.") and "dim" in inspect.signature(found).parameters]
OF_DIM = [(home, name) for home, name in OF_DIM if name not in OFTEN_CALLED | OF_PYTHON]


def parameters_of(home, name):
    return list(inspect.signature(getattr(getattr(minigrad, home, minigrad), name)).parameters)


def call(library, home, name, **options):
    """Return what the function returns for a tensor, an index and others that fit, as nested lists."""
    x, index = library.tensor([[4.0, 1.0, 3.0, 7.0], [-2.0, 6.0, 5.0, 0.5]]), library.tensor([[0, 1, 0], [1, 0, 1]])
    index = 1 if name == "select" else index[0, :2] if name.startswith("index") else index
    first, *others = parameters_of(home, name)
    given = {"index": index, "src": x.clone(), "source": x[:, :2], "start": 1, "length": 2, "k": 2, "chunks": 2, "sizes": (2, 2),
             "repeats": 2}
    named = {key: value for key, value in given.items() if key in others}
    return plain(getattr(getattr(library, home, library), name)([x, x] if first == "tensors" else x, **named, **options))


def plain(result):
    return result.tolist() if hasattr(result, "tolist") else [plain(part) for part in result]


@pytest.mark.parametrize("home, name", OF_DIM)
def test_axis_is_another_word_for_dim(home, name):
    keeps = "keepdim" in parameters_of(home, name)
    options = {"axis": 1, "keepdims": True} if keeps else {"axis": 1}
    expected = call(minigrad, home, name, dim=1, **({"keepdim": True} if keeps else {}))
    assert call(minigrad, home, name, **options) == expected
    if (home, name) != ("Tensor", "unflatten"):  # which PyTorch has in Python, too
        np.testing.assert_allclose(*map(np.array, (call(torch, home, name, **options), expected)), rtol=1e-6)
    if name not in ("sum", "mean"):
        with pytest.raises(TypeError, match="axis"):
            call(minigrad, home, name, dim=1, axis=1)
