"""PyTorch's own sample inputs beside minigrad: arguments translated, results compared, and what a whole table of verdicts must satisfy.

A verdict is None, or what is wrong with a sample, or "unsupported" with the error that minigrad raises for it.
"""

import numpy as np
import torch

import minigrad

REFUSED = (TypeError, ValueError, RuntimeError, NotImplementedError, AttributeError, IndexError)  # what a sample may raise
DTYPES = {
    getattr(torch, name): getattr(minigrad, name)
    for name in ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")
}


def translated(x, leaves):
    """Return PyTorch's argument as minigrad's; `leaves` gets the pair for every tensor in it."""
    if isinstance(x, torch.Tensor):
        if id(x) not in leaves:
            y = minigrad.from_numpy(x.detach().numpy().copy(order="K"))
            leaves[id(x)] = y.requires_grad_(x.requires_grad), x
            x.grad = None  # since samples share tensors
        return leaves[id(x)][0]
    if isinstance(x, tuple | list):
        return type(x)(translated(part, leaves) for part in x) if type(x) is not torch.Size else tuple(x)
    if isinstance(x, dict):
        return {key: translated(value, leaves) for key, value in x.items()}
    if isinstance(x, torch.device):
        return str(x)
    return DTYPES.get(x, x) if isinstance(x, torch.dtype) else x


def flat(result):
    """Return the tensors (or numbers) of a result."""
    return [part for r in result for part in flat(r)] if isinstance(result, tuple | list) else [result]


def difference(in_minigrad, in_torch, drawn=False):
    """Return what is wrong with minigrad's result, or None; of a drawn one only the shape and dtype are compared."""
    if not isinstance(in_torch, torch.Tensor):
        return None if in_minigrad == in_torch else f"{in_minigrad!r} instead of {in_torch!r}"
    if not isinstance(in_minigrad, minigrad.Tensor):
        return f"{type(in_minigrad).__name__} instead of a tensor"
    if tuple(in_minigrad.shape) != tuple(in_torch.shape) or in_minigrad.dtype != DTYPES[in_torch.dtype]:
        return f"{in_minigrad.shape} {in_minigrad.dtype} instead of {in_torch.shape} {in_torch.dtype}"
    if drawn:
        return None
    a, b = in_minigrad.detach().numpy(), in_torch.detach().numpy()
    if a.dtype.kind == "f":
        exact = np.finfo(a.dtype).eps * 1e3
        same = np.allclose(a, b, exact, exact, equal_nan=True)
        return None if same else f"off by {np.nanmax(np.abs(a - b))}"
    return None if np.array_equal(a, b) else f"{a} instead of {b}"


def backward(outputs, library):
    """Go backward from a scalar that weighs all differentiable outputs unevenly; return whether there is one."""
    total = None
    for out in outputs:
        if isinstance(out, library.Tensor) and out.requires_grad:
            cosines = np.cos(np.arange(out.numel())).reshape(tuple(out.shape))
            weights = library.tensor(cosines, dtype=out.dtype)
            part = (out * weights).sum()
            total = part if total is None else total + part
    if total is not None:
        total.backward()
    return total is not None


def judgement(in_minigrad, in_torch, pairs):
    """Return the verdict on the results of one call in both libraries, and on their gradients.

    pairs: {name: (minigrad's tensor, PyTorch's)} for the tensors that may get a gradient.
    """
    problem = first_difference(in_minigrad, in_torch)
    if problem:
        return problem
    if backward(in_torch, torch) != backward(in_minigrad, minigrad):
        return "differentiable in only one of the two"
    for name, (a, b) in pairs.items():
        if (a.grad is None) != (b.grad is None):
            return f"gradient of {name}: {a.grad} instead of {b.grad}"
        if b.grad is not None and (problem := difference(a.grad, b.grad)):
            return f"gradient of {name}: {problem}"
    return None


def first_difference(in_minigrad, in_torch, drawn=False):
    """Return what is wrong with the first wrong one of minigrad's results, or None."""
    if len(in_minigrad) != len(in_torch):
        return f"{len(in_minigrad)} results instead of {len(in_torch)}"
    return next(filter(None, (difference(a, b, drawn) for a, b in zip(in_minigrad, in_torch))), None)


def refusal(error):
    """Return the verdict on a sample for which minigrad raises this error."""
    return f"unsupported: {type(error).__name__}: {error}"


def is_unsupported(verdict):
    """Return whether a verdict is a refusal."""
    return verdict is not None and verdict.startswith("unsupported")


def check_none_wrong(judged):
    """Assert that no sample among the pairs (verdict, sample) gives another result than PyTorch's."""
    wrong = [f"{verdict}\n  {sample}" for verdict, sample in judged if verdict and not is_unsupported(verdict)]
    assert not wrong, "\n".join(wrong)


def check_nearly_all_supported(judged, least):
    """Assert that there are over `least` pairs (verdict, sample), of which at most 3 % are refused."""
    refused = [verdict for verdict, _ in judged if is_unsupported(verdict)]
    assert len(judged) > least
    assert len(refused) <= 0.03 * len(judged), "\n".join(refused)
