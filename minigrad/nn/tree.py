"""Tree: the parts of a module, which are parameters, buffers and modules; they are registered, assigned and walked here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from .._tensor import Tensor
from .parameter import Parameter

if TYPE_CHECKING:
    from .module import Module

KINDS = ("_parameters", "_buffers", "_modules")
EXPECTED = {"_parameters": "nn.Parameter", "_buffers": "Tensor", "_modules": "nn.Module"}


class Tree:
    """Base of Module that keeps the parts assigned to it, in the order in which `parameters()`, state dicts and prints have them."""

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]

    def __init__(self) -> None:
        self._parameters, self._buffers, self._modules = {}, {}, {}
        self._non_persistent_buffers_set = set()

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add `param` (or None, for one that is switched off) under `name`."""
        self._check_name("parameter", name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            got = type(param).__name__  # type: ignore[unreachable]
            raise TypeError(f"cannot assign '{got}' to parameter '{name}' (nn.Parameter or None required)")
        if param is not None and param.grad_fn is not None:
            raise ValueError(f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. "
                             f"To express '{name}' as a function of another Tensor, compute it in forward().")
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is not trained. A persistent one is part of state dicts."""
        self._check_name("buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            got = type(tensor).__name__  # type: ignore[unreachable]
            raise TypeError(f"cannot assign '{got}' object to buffer '{name}' (Tensor or None required)")
        self._buffers[name] = tensor
        left_out = self._non_persistent_buffers_set
        (left_out.discard if persistent else left_out.add)(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child under `name`."""
        if module is not None and not isinstance(module, Tree):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._check_name("module", name, self._modules)
        self._modules[name] = module

    register_module = add_module

    def _check_name(self, kind: str, name: str, own: dict[str, Any]) -> None:
        """Raise TypeError or KeyError if no part of this kind may have this name."""
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if hasattr(self, name) and name not in own:
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')

    def __getattr__(self, name: str) -> Any:
        for kind in KINDS:
            own = self.__dict__.get(kind)
            if own is not None and name in own:
                return own[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        for kind, wanted in (("_parameters", Parameter), ("_modules", Tree), ("_buffers", Tensor)):
            own = self.__dict__.get(kind)
            adds = kind != "_buffers" and isinstance(value, wanted)
            if adds and own is None:
                raise AttributeError(f"cannot assign {kind[1:]} before Module.__init__() call")
            if adds or (own is not None and name in own):
                if value is not None and not isinstance(value, wanted):
                    raise TypeError(f"cannot assign '{type(value).__name__}' as {kind[1:-1]} '{name}' ({EXPECTED[kind]} or None expected)")
                self._place(kind, name, value)
                return
        object.__setattr__(self, name, value)

    def _place(self, kind: str, name: str, value: Any) -> None:
        """Make `value` the part of this kind and name, in place of any other part or attribute of that name."""
        for other in KINDS:
            if other != kind:
                self.__dict__[other].pop(name, None)
        if kind != "_buffers":
            self._non_persistent_buffers_set.discard(name)
        self.__dict__.pop(name, None)
        self.__dict__[kind][name] = value

    def __delattr__(self, name: str) -> None:
        for kind in KINDS:
            if name in self.__dict__[kind]:
                del self.__dict__[kind][name]
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        own = [*self._parameters, *self._buffers, *self._modules]
        return sorted([*object.__dir__(self), *(name for name in own if not name[0].isdigit())])

    # ---- walking

    def children(self) -> Iterator[Module]:
        """Yield the modules directly inside, each once."""
        return (child for _, child in self.named_children())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the modules directly inside with their names, each module once."""
        return _once(self._modules.items())

    def modules(self) -> Iterator[Module]:
        """Yield this module and all modules inside it, outer before inner, each once."""
        return (module for _, module in self.named_modules())

    def named_modules(self, memo: set[Module] | None = None, prefix: str = "",
                      remove_duplicate: bool = True) -> Iterator[tuple[str, Module]]:
        """Yield what `modules()` does, with paths: '' for this module, 'encoder.0' for a child of a child."""
        memo = set() if memo is None else memo
        if remove_duplicate and self in memo:
            return
        memo.add(self)  # type: ignore[arg-type]  # every Tree is a Module
        yield prefix, self  # type: ignore[misc]
        for name, child in self._modules.items():
            if child is not None:
                yield from child.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield all parameters of this module and, with `recurse`, of those inside, in the order of declaration, each once."""
        return (param for _, param in self.named_parameters(recurse=recurse))

    def named_parameters(self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True) -> Iterator[tuple[str, Parameter]]:
        """Yield what `parameters()` does, with paths."""
        return self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield all buffers, in the order of `parameters()`."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True) -> Iterator[tuple[str, Tensor]]:
        """Yield what `buffers()` does, with paths."""
        return self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def _named_members(self, kind: str, prefix: str, recurse: bool, once: bool) -> Iterator[tuple[str, Any]]:
        """Yield the parts of one kind with their paths, without those that are None; with `once`, each only once."""
        inside = self.named_modules(prefix=prefix, remove_duplicate=once) if recurse else [(prefix, self)]
        named = ((f"{path}.{name}" if path else name, member)
                 for path, module in inside for name, member in getattr(module, kind).items())
        return _once(named) if once else ((name, member) for name, member in named if member is not None)

    def get_submodule(self, target: str) -> Module:
        """Return the module at a path such as 'encoder.0'; '' is this one."""
        module: Module = self  # type: ignore[assignment]
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Tree):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter at a path such as 'encoder.0.weight'."""
        return self._get("_parameters", target)

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer at a path such as 'encoder.1.running_mean'."""
        return self._get("_buffers", target)

    def _get(self, kind: str, target: str) -> Any:
        """Return the part of this kind at a path; raise AttributeError if there is none."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        own = getattr(module, kind)
        if own.get(name) is None:
            raise AttributeError(f"{type(module).__name__} has no {kind[1:-1]} `{name}`; it has {list(own)}")
        return own[name]


def _once(named: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield the pairs whose second part is not None and was not yielded before."""
    seen = set()
    for name, part in named:
        if part is not None and id(part) not in seen:
            seen.add(id(part))
            yield name, part
