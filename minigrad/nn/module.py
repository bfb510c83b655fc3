"""Module: a piece of a network, called like a function; trained, moved, saved and printed as one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Self

from .._tensor import Tensor
from ..autograd import no_grad
from ..backend import dtype as DType
from ..backend import float16, float32, float64
from ..functions.gradients import Handle, clear_gradients
from . import state
from .errors import locate
from .tree import Tree


class Module(Tree):
    """Base of all layers and networks. A subclass calls `super().__init__()` and has a `forward`.

    Parameters, modules and (with `register_buffer`) buffers become parts of it by assignment.
    """

    def __init__(self) -> None:
        super().__init__()
        self._forward_hooks: dict[int, Callable[..., Any]] = {}
        self._forward_pre_hooks: dict[int, Callable[..., Any]] = {}
        self.training = True

    # ---- calling

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return the module's output; every subclass defines its own `forward`."""
        name = type(self).__name__
        raise NotImplementedError(f'Module [{name}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if not self._forward_hooks and not self._forward_pre_hooks:
                return self.forward(*args, **kwargs)
            return self._call_with_hooks(args, kwargs)
        except Exception as error:
            locate(error, self)
            raise

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the output of `forward`, with the arguments and the output that the hooks put in place."""
        for pre_hook in tuple(self._forward_pre_hooks.values()):
            changed = pre_hook(self, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        result = self.forward(*args, **kwargs)
        for hook in tuple(self._forward_hooks.values()):
            changed = hook(self, args, result)
            if changed is not None:
                result = changed
        return result

    def register_forward_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call hook(self, args, output) after every `forward`; if it returns something, that replaces the output."""
        return Handle(self._forward_hooks, hook)

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call hook(self, args) before every `forward`; if it returns something, that replaces the arguments."""
        return Handle(self._forward_pre_hooks, hook)

    # ---- changing all parts at once

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call fn(module) on every module inside, inner before outer, then on this one."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Set training mode (or, with False, evaluation mode) here and inside."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set evaluation mode here and inside."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set for every parameter whether it is trained."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set the gradients of all parameters to None, or fill them with 0."""
        clear_gradients(self.parameters(), set_to_none)

    def _apply(self, convert: Callable[[Tensor], Tensor]) -> Self:
        """Convert all parameters, in place, with their gradients, and replace all buffers."""
        with no_grad():
            for module in self.modules():
                for param in module._parameters.values():
                    if param is not None:
                        param.data = convert(param.data)
                        if param.grad is not None:
                            param.grad.data = convert(param.grad.data)
                for name, buffer in module._buffers.items():
                    if buffer is not None:
                        module._buffers[name] = convert(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move to a device, convert what is floating-point to a dtype, or both, or as a given tensor is."""
        device, dtype = kwargs.pop("device", None), kwargs.pop("dtype", None)
        kwargs.pop("non_blocking", None)
        for arg in args:
            if isinstance(arg, Tensor):
                device, dtype = arg.device, arg.dtype
            elif isinstance(arg, DType):
                dtype = arg
            elif arg is not None and not isinstance(arg, bool):  # a bool is PyTorch's non_blocking
                device = arg
        if kwargs:
            raise TypeError(f"to() got unexpected keyword arguments {list(kwargs)}; it takes device=, dtype=")
        if dtype is not None and dtype.kind != "f":
            raise TypeError(f"nn.Module.to only accepts floating point dtypes, but got desired dtype={dtype}")

        def convert(t: Tensor) -> Tensor:
            t = t if device is None else t.to(device)
            return t.to(dtype) if dtype is not None and t.is_floating_point() else t

        return self._apply(convert)

    def double(self) -> Self:
        """Convert all floating-point parameters and buffers to float64."""
        return self.to(float64)

    def float(self) -> Self:
        """Convert all floating-point parameters and buffers to float32."""
        return self.to(float32)

    def half(self) -> Self:
        """Convert all floating-point parameters and buffers to float16."""
        return self.to(float16)

    def type(self, dst_type: Any) -> Self:
        """Convert all parameters and buffers to a dtype."""
        return self._apply(lambda t: t.type(dst_type))

    def share_memory(self) -> Self:
        """Return self: there are no other processes to share memory with."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """Move all parameters and buffers to the GPU."""
        return self._apply(lambda t: t.cuda(device))

    def cpu(self) -> Self:
        """Move all parameters and buffers to the host."""
        return self._apply(lambda t: t.cpu())

    # ---- state

    def state_dict(self, *, prefix: str = "", keep_vars: bool = False) -> OrderedDict[str, Any]:
        """Return {path: tensor} of all parameters and persistent buffers, detached (unless keep_vars), not copied; and the extra states."""
        return state.collect(self, prefix, keep_vars)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> state._IncompatibleKeys:
        """Copy the tensors of `state_dict` into the parameters and buffers of the same path.

        strict: missing and unexpected keys are an error; without it they are only returned.
        assign: take the tensors themselves as parameters instead of copying their values.
        """
        return state.load(self, state_dict, strict, assign)

    def get_extra_state(self) -> Any:
        """Return anything else that the state dict shall hold, under "_extra_state"; a subclass may define it, with `set_extra_state`."""
        raise RuntimeError(f"{type(self).__name__} has no get_extra_state of its own, so that its state dict has no extra state")

    def set_extra_state(self, state: Any) -> None:
        """Restore what `get_extra_state` returned; `load_state_dict` calls this when everything fits."""
        raise RuntimeError(f"{type(self).__name__} has no set_extra_state of its own, so that it takes no extra state")

    # ---- printing

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """Return the text between the parentheses when the module is printed; a subclass may define its own."""
        return ""

    def __repr__(self) -> str:
        lines = extra.split("\n") if (extra := self.extra_repr()) else []
        inside = [f"({name}): {indented(repr(child))}" for name, child in self._modules.items()]
        if len(lines) == 1 and not inside:
            return f"{self._get_name()}({lines[0]})"
        body = "".join(f"\n  {line}" for line in lines + inside)
        return f"{self._get_name()}({body}\n)" if body else f"{self._get_name()}()"


def indented(text: str) -> str:
    """Return `text` with all lines but the first, and but empty ones, moved right by two."""
    first, *rest = text.split("\n")
    return "\n".join([first, *("  " + line if line.strip() else "" for line in rest)])
