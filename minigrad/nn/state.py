"""State dicts: collecting a network's tensors by path, and copying such a collection into a network."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from .._tensor import Tensor
from ..autograd import no_grad
from ..printing import Size
from .parameter import Parameter

if TYPE_CHECKING:
    from .module import Module


EXTRA = "_extra_state"  # the last name in the path of what get_extra_state returns


class _IncompatibleKeys(NamedTuple):
    """The keys that `load_state_dict` found missing and unexpected."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def own_tensors(module: Module) -> dict[str, Tensor]:
    """Return the module's own parameters and persistent buffers by name, without those that are None."""
    skipped = module._non_persistent_buffers_set
    buffers = {name: buffer for name, buffer in module._buffers.items() if name not in skipped}
    return {name: t for name, t in {**module._parameters, **buffers}.items() if t is not None}


def collect(module: Module, prefix: str, keep_vars: bool) -> OrderedDict[str, Any]:
    """Return {prefix + path: tensor}, and the extra states, of `module` and all modules inside it."""
    found: OrderedDict[str, Any] = OrderedDict()
    for path, inner in module.named_modules(prefix=prefix.removesuffix("."), remove_duplicate=False):
        before = f"{path}." if path else prefix
        for name, tensor in own_tensors(inner).items():
            found[before + name] = tensor if keep_vars else tensor.detach()
        if _overrides(inner, "get_extra_state"):
            found[before + EXTRA] = inner.get_extra_state()
    return found


def _overrides(module: Module, name: str) -> bool:
    """Return whether the module's class has a method of this name that is not Module's."""
    from .module import Module

    return getattr(type(module), name) is not getattr(Module, name)


def load(module: Module, state: Mapping[str, Any], strict: bool, assign: bool) -> _IncompatibleKeys:
    """Copy `state` into `module`, and return the keys that are missing and unexpected.

    Raise one RuntimeError, in PyTorch's words, that lists everything that does not fit. Nothing is copied then, whereas PyTorch copies what
    fits before it raises.
    """
    if not isinstance(state, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state)}.")
    result = _IncompatibleKeys([], [])
    problems: list[str] = []
    copies: list[Callable[[], object]] = []
    for path, inner in module.named_modules(remove_duplicate=False):
        prefix, own = f"{path}." if path else "", own_tensors(inner)
        for name, tensor in own.items():
            key = prefix + name
            if key not in state:
                result.missing_keys.append(key)
            elif problem := _mismatch(key, tensor, state[key]):
                problems.append(problem)
            elif assign:
                given = state[key]
                keep = isinstance(tensor, Parameter) and not isinstance(given, Parameter)
                new = Parameter(given, tensor.requires_grad) if keep else given
                copies.append(partial(setattr, inner, name, new))
            else:
                copies.append(partial(tensor.copy_, state[key]))
        extra, takes_extra = prefix + EXTRA, _overrides(inner, "set_extra_state")
        if takes_extra and extra in state:
            copies.append(partial(inner.set_extra_state, state[extra]))
        elif takes_extra:
            result.missing_keys.append(extra)
        for key in [key for key in state if key.startswith(prefix)]:
            first, dot, _ = key.removeprefix(prefix).partition(".")
            if first not in (inner._modules if dot else own) and not (takes_extra and key == extra):
                result.unexpected_keys.append(key)
    if strict:
        for keys, kind in ((result.unexpected_keys, "Unexpected"), (result.missing_keys, "Missing")):
            if keys:
                listed = ", ".join(f'"{key}"' for key in keys)
                problems.insert(0, f"{kind} key(s) in state_dict: {listed}. ")
    if problems:
        name, listed = type(module).__name__, "\n\t".join(problems)
        raise RuntimeError(f"Error(s) in loading state_dict for {name}:\n\t{listed}")
    with no_grad():
        for copy in copies:
            copy()
    return result


def _mismatch(key: str, tensor: Tensor, given: object) -> str | None:
    """Return why `given` cannot be copied into `tensor`, or None if it can."""
    if not isinstance(given, Tensor):
        return (f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from checkpoint '
                f"but received {type(given)}")
    if tuple(given.shape) != tuple(tensor.shape):
        return (f"size mismatch for {key}: copying a param with shape {Size(given.shape)} from checkpoint, "
                f"the shape in current model is {Size(tensor.shape)}.")
    return None
