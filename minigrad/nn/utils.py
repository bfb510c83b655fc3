"""Functions of the parameters of a network: they clip the gradients, and join the values to one vector."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from .._tensor import Tensor
from ..autograd import no_grad
from ..functions.creation import tensor
from ..functions.shapes import cat, stack

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "parameters_to_vector", "vector_to_parameters"]

Tensors: TypeAlias = Tensor | Iterable[Tensor]


def _gradients(parameters: Tensors) -> list[Tensor]:
    """Return the gradients of the parameters, or of the one parameter, that have any."""
    return [p.grad for p in ([parameters] if isinstance(parameters, Tensor) else parameters) if p.grad is not None]


@no_grad()
def clip_grad_norm_(parameters: Tensors, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False,
                    foreach: Any = None) -> Tensor:
    """Shrink the gradients of the parameters, in place, to a common norm of at most `max_norm`; return the norm that they had.

    The norm is that of all gradients as one vector, of order `norm_type`. Each gradient is multiplied by max_norm / (norm + 1e-6), unless
    that is above 1. `foreach` is accepted and ignored.

    error_if_nonfinite: raise RuntimeError if the norm is infinite or NaN.
    """
    grads, order = _gradients(parameters), float(norm_type)
    if not grads:
        return tensor(0.0)
    total = stack([grad.norm(order).to(grads[0].device) for grad in grads]).norm(order)
    if error_if_nonfinite and not bool(total.isfinite()):
        raise RuntimeError(f"The total norm of order {order} for gradients from `parameters` is non-finite, {total.item()}, so it cannot "
                           "be clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
                           "`error_if_nonfinite=False`")
    factor = (float(max_norm) / (total + 1e-6)).clamp(max=1.0)
    for grad in grads:
        grad.mul_(factor.to(grad.device))
    return total


clip_grad_norm = clip_grad_norm_  # its old name


@no_grad()
def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: Any = None) -> None:
    """Limit each element of the gradients of the parameters, in place, to ±clip_value."""
    for grad in _gradients(parameters):
        grad.clamp_(-float(clip_value), float(clip_value))


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Return the elements of all parameters as one vector.

    y = the parameters one after another,  dL/dparameters = for each parameter the part of g at its place
    """
    return cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Let the parameters show the parts of a vector, in turn, as their data. Raise RuntimeError if it has too few elements."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"vector_to_parameters: expected a Tensor, got {type(vec).__name__}")
    start = 0
    for p in parameters:
        p.data = vec[start:start + p.numel()].view_as(p).data
        start += p.numel()


if not TYPE_CHECKING:  # so that type checkers report a name that does not exist

    def __getattr__(name):
        """Raise the error that tells the nearest names."""
        from ..unknown_names import unknown

        raise unknown(__name__, name)
