"""Modules that hold modules or parameters: Sequential, ModuleList, ModuleDict, ParameterList and ParameterDict."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from itertools import groupby
from typing import Any, Self

from .._tensor import Tensor
from .module import Module, indented
from .parameter import Parameter


class Container(Module):
    """Base of Sequential and ModuleList: a list of modules, named '0', '1', … unless they have names."""

    def _name_at(self, index: int) -> str:
        """Return the name of the module at `index`, which may be negative; raise IndexError if there is none."""
        return list(self._modules)[position(self, index)]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(list(self._modules.values()))  # type: ignore[arg-type]

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return self._like(list(self._modules.items())[index])
        return self._modules[self._name_at(index)]

    def _like(self, named: list[tuple[str, Module | None]]) -> Self:
        """Return a container of the same kind with these modules; each kind defines it."""
        raise NotImplementedError(f"{type(self).__name__} cannot be sliced")

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._name_at(index), module)

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._modules)[index] if isinstance(index, slice) else [self._name_at(index)]
        for name in names:
            delattr(self, name)
        self._renumber(list(self._modules.values()))

    def _renumber(self, modules: Iterable[Module | None]) -> None:
        """Hold these modules alone, named '0', '1', …."""
        self.__dict__["_modules"] = {str(i): module for i, module in enumerate(modules)}

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Any:
        """Put a module before the one at `index`, and number all modules anew."""
        if not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        if abs(index) > len(self):
            raise IndexError(f"Index out of range: {index}")
        modules = list(self._modules.values())
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def pop(self, key: int | slice = -1) -> Any:
        """Take out the module (or modules) at `key` and return it."""
        module = self[key]
        del self[key]
        return module


class Sequential(Container):
    """Modules that are called in turn, each on the result of the one before. They are given one by one, or in one OrderedDict."""

    def __init__(self, *modules: Module | OrderedDict[str, Module]) -> None:
        super().__init__()
        is_named = len(modules) == 1 and isinstance(modules[0], dict)
        named: Any = modules[0] if is_named else {str(i): module for i, module in enumerate(modules)}
        for name, module in named.items():
            self.add_module(name, module)

    def _like(self, named: list[tuple[str, Module | None]]) -> Self:
        return type(self)(OrderedDict(named))  # type: ignore[arg-type]

    def forward(self, input: Any) -> Any:
        """Return the result of calling all modules in turn."""
        for module in self._modules.values():
            input = module(input)  # type: ignore[misc]
        return input

    def __add__(self, other: Sequential) -> Sequential:
        return Sequential().extend(self).__iadd__(other)

    def __iadd__(self, other: Sequential) -> Self:
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return self.extend(other)


class ModuleList(Container):
    """A list of modules, whose parameters are also those of the module that has the list."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or ())

    def _like(self, named: list[tuple[str, Module | None]]) -> Self:
        return type(self)(module for _, module in named if module is not None)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList(self).extend(other)

    def __iadd__(self, other: Iterable[Module]) -> Self:
        return self.extend(other)

    def __repr__(self) -> str:
        alike = groupby(range(len(self)), key=lambda i: repr(self[i]))
        groups = [(list(same), text) for text, same in alike]
        lines = [f"({i[0]}): {text}" if len(i) == 1 else f"({i[0]}-{i[-1]}): {len(i)} x {text}" for i, text in groups]
        body = "".join("\n  " + indented(line) for line in lines)
        return f"{self._get_name()}({body}\n)" if body else f"{self._get_name()}()"


class Dictionary(Module, MutableMapping[str, Any]):
    """Base of ModuleDict and ParameterDict: a dict, which is equal to itself alone, as other modules are."""

    __eq__, __hash__ = object.__eq__, object.__hash__

    def __init__(self, parts: Any = None) -> None:
        super().__init__()
        self.update(() if parts is None else parts)

    def _named(self) -> dict[str, Any]:
        """Return a dict whose keys are the names of the parts."""
        return self._modules

    def __getitem__(self, key: str) -> Any:
        if key not in self._named():
            raise KeyError(key)
        return getattr(self, key)

    def __delitem__(self, key: str) -> None:
        del self._named()[key]
        if hasattr(self, key):
            delattr(self, key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._named())

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._named())

    def popitem(self) -> tuple[str, Any]:
        """Take out the last part, and return its name and the part; raise KeyError if there is none."""
        if not self:
            raise KeyError(f"the {type(self).__name__} is empty")
        name = next(reversed(self))
        return name, self.pop(name)

    def __len__(self) -> int:
        return len(self._named())


class ModuleDict(Dictionary):
    """A dict of modules, whose parameters are also those of the module that has the dict."""

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)


class ParameterDict(Dictionary):
    """A dict of parameters, which are also those of the module that has the dict. Tensors become parameters; other objects are kept.

    The parts of a plain dict are added in the order of their names, as in PyTorch.
    """

    def __init__(self, parameters: Any = None) -> None:
        self.__dict__["_keys"] = {}  # before Module.__init__, which allows no other assignment
        super().__init__(parameters)

    def _named(self) -> dict[str, Any]:
        return self.__dict__["_keys"]

    def update(self, parameters: Any = (), /, **named: Any) -> None:
        """Add or replace parts."""
        super().update(sorted(parameters.items()) if type(parameters) is dict else parameters, **named)

    def __setitem__(self, key: str, value: Any) -> None:
        self._check_name("parameter", key, self._keys)
        setattr(self, key, as_parameter(value))
        self._keys[key] = None

    def extra_repr(self) -> str:
        """Return a line for each part."""
        return described(self.items(), Tensor.type)


class ParameterList(Module):
    """A list of parameters, which are also those of the module that has the list. Tensors become parameters; other objects are kept."""

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        self.extend(() if values is None else values)

    def _name_at(self, index: int) -> str:
        """Return the name of the part at `index`, which may be negative; raise IndexError if there is none."""
        return str(position(self, index))

    def __getitem__(self, index: int | slice) -> Any:
        return type(self)(list(self)[index]) if isinstance(index, slice) else getattr(self, self._name_at(index))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, self._name_at(index), as_parameter(value))

    def __len__(self) -> int:
        return self._size

    def append(self, value: Any) -> Self:
        """Add a part at the end."""
        self._size += 1
        self[-1] = value
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add parts at the end."""
        if isinstance(values, Tensor):
            raise TypeError("ParameterList.extend should be called with an iterable, but got a tensor; put it into a list")
        for value in values:
            self.append(value)
        return self

    __iadd__ = extend

    def extra_repr(self) -> str:
        """Return a line for each part."""
        return described(enumerate(self), lambda part: f"torch.{part.dtype}")


def position(holder: Container | ParameterList, index: int) -> int:
    """Return the `index` of a part, which may be negative, counted from 0; raise IndexError if there is no such part."""
    n, i = len(holder), operator.index(index)
    if not -n <= i < n:
        raise IndexError(f"index {i} is out of range: {type(holder).__name__} has {n} parts")
    return i % n


def as_parameter(value: Any) -> Any:
    """Return a tensor as a Parameter, and anything else as it is."""
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


def described(parts: Iterable[tuple[Any, Any]], type_of: Callable[[Any], str]) -> str:
    """Return a line for each of (name, part), with the type of a tensor as `type_of` has it."""
    lines = []
    for name, part in parts:
        text = f"Object of type: {type(part).__name__}"
        if isinstance(part, Tensor):
            size, place = "x".join(map(str, part.shape)), f" ({part.device})" if part.is_cuda else ""
            text = f"{'Parameter' if isinstance(part, Parameter) else 'Tensor'} containing: [{type_of(part)} of size {size}{place}]"
        lines.append(f"  ({name}): {text}")
    return "\n".join(lines)
