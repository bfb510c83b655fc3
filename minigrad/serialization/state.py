"""Nested state (dicts, lists, numbers, tensors) as a file of named tensors and a JSON text of how they nest.

A tensor is stored under its path: {"state": {0: {"exp_avg": t}}} gives the tensor "state.0.exp_avg". The
structure in the metadata has, in place of each tensor, its name, and is what `load` rebuilds:

    number, text, true, false, null    itself
    {"tensor": name}                   a tensor
    {"dict": [[key, value], ...]}      a dict, in its order; keys are texts or integers of 64 bits
    {"list": [...]}, {"tuple": [...]}  a list, a tuple
"""

import json
from typing import Any

from minigrad._tensor import Tensor
from minigrad.backend import NumPyScalar, ndarray, to_numpy
from minigrad.functions.creation import from_numpy
from minigrad.serialization.tensor_file import (
    FileLike,
    is_by_minigrad,
    most_values,
    opened,
    parse_json,
    read_tensors,
    shown,
    unexpected,
    write_tensor_file,
)

STRUCTURE = "minigrad.structure"
MAX_DEPTH = 50
ZIP, OLD_PYTORCH = b"PK\3\4", b"\x80\2\x8a\nl\xfc\x9cF"  # how files of PyTorch begin; those before version 1.6 are no zip files
LONG = ", which has more than 64 bits"


def save(obj: Any, f: FileLike, pickle_module: Any = None, pickle_protocol: int = 2) -> None:
    """Store any nesting of dicts, lists, tuples, numbers, texts, None and tensors (a state dict) in `f`, a path or a file object.

    The file is in the safetensors format, and `safetensors.torch.load_file` reads a flat state dict from it. Nothing is pickled, and
    PyTorch's arguments about pickle have no effect. The old file at a path stays intact until the new one is complete on the disk. A tensor
    that occurs twice is stored twice; devices and `requires_grad` are not stored.
    """
    tensors: dict[str, Tensor] = {}
    structure = json.dumps(_encode(obj, (), tensors))
    arrays = {name: to_numpy(tensor.array) for name, tensor in tensors.items()}
    write_tensor_file(f, arrays, {STRUCTURE: structure})


def load(
    f: FileLike, map_location: Any = None, pickle_module: Any = None, *, weights_only: bool | None = None, mmap: bool | None = None
) -> Any:
    """Return what `save` stored in `f`, a path or a file object, which is read from where it stands to its end.

    For a safetensors file that another program wrote, return a dict of its tensors. A file that PyTorch's `torch.save` wrote is read too
    (see `serialization.pytorch_file`), without running what it holds; `weights_only` and the other arguments of PyTorch have no effect.
    The whole file is checked first: its form, its sizes and, where minigrad wrote it, a digest of every tensor and of the
    header. For a damaged file raise CheckpointError.

    map_location: the device of the tensors, which are on the CPU otherwise; or PyTorch's dict {"cpu": device} or its function of a tensor
        and "cpu" that returns the tensor elsewhere, or None.
    """
    with opened(f) as (path, file, size):
        start = file.read(9)
        file.seek(0)
        if start.startswith(OLD_PYTORCH):
            raise unexpected(path, "a file of minigrad, safetensors or PyTorch from version 1.6 on", "one of an older PyTorch",
                             "load it with a newer PyTorch and save it again")
        if start.startswith(ZIP) and start[8:] != b"{":
            from minigrad.serialization import pytorch_file

            return pytorch_file.read(path, file, size, lambda tensor: _placed(tensor, map_location))
        arrays, metadata = read_tensors(path, file, size)
    tensors = {name: _placed(from_numpy(array), map_location) for name, array in arrays.items()}
    if not is_by_minigrad(metadata):
        return tensors
    if STRUCTURE not in metadata:
        raise unexpected(f"{path}: metadata", repr(STRUCTURE), shown(sorted(metadata)))
    where = f"{path}: {STRUCTURE}"
    unused = dict(tensors)
    obj = _decode(parse_json(where, metadata[STRUCTURE], most_values(len(tensors))), unused, where, 0)
    if unused:
        raise unexpected(where, "every tensor in the file", f"none of {shown(list(unused))}")
    return obj


def _placed(tensor: Tensor, map_location: Any) -> Tensor:
    """Return a tensor on the device that the argument `map_location` of `load` gives it."""
    if callable(map_location):
        found = map_location(tensor, "cpu")
        return tensor if found is None else found
    device = map_location.get("cpu") if isinstance(map_location, dict) else map_location
    return tensor if device is None else tensor.to(device)


def _encode(value: Any, path: tuple[str | int, ...], tensors: dict[str, Tensor]) -> Any:
    """Return the structure of a value, and add its tensors to `tensors` by name; `path` has the keys that lead to the value."""
    if len(path) > MAX_DEPTH:
        raise ValueError(f"save: expected at most {MAX_DEPTH} levels, found more; does it contain itself?")
    if isinstance(value, Tensor):
        return {"tensor": _add_tensor(value, path, tensors)}
    if isinstance(value, dict):
        for key in value:
            if not is_key(key):
                raise TypeError(f"save: {_place(path)}: expected keys of type str or int, found {key!r}{LONG if type(key) is int else ''}")
        return {"dict": [[key, _encode(item, (*path, key), tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [_encode(item, (*path, index), tensors) for index, item in enumerate(value)]}
    if isinstance(value, NumPyScalar):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    hint = "; wrap it with minigrad.from_numpy" if isinstance(value, ndarray) else ""
    hint = "; save its state_dict()" if hasattr(value, "state_dict") else hint
    raise TypeError(f"save: {_place(path)}: expected a tensor, number, text, None, dict, list or tuple, found {type(value).__name__}{hint}")


def _add_tensor(tensor: Tensor, path: tuple[str | int, ...], tensors: dict[str, Tensor]) -> str:
    """Add a tensor under its path, or with a number behind it where another tensor has that name; return the name."""
    name = unique = ".".join(map(str, path)) or "tensor"
    number = len(tensors) + 1  # free, unless another path ends with it
    while unique in tensors or unique == "__metadata__":  # {"a.b": t, "a": {"b": u}}
        unique, number = f"{name}#{number}", number + 1
    tensors[unique] = tensor
    return unique


def _place(path: tuple[str | int, ...]) -> str:
    """Return how a program would write the path, for messages."""
    return "state" + "".join(f"[{key!r}]" for key in path)


def _decode(value: Any, unused: dict[str, Tensor], where: str, depth: int) -> Any:
    """Return the value that a structure stands for, and take its tensors out of `unused`."""
    if not isinstance(value, dict | list):
        return value
    if isinstance(value, dict) and len(value) == 1 and depth <= MAX_DEPTH:
        [(kind, content)] = value.items()
        if kind == "tensor" and isinstance(content, str) and content in unused:
            return unused.pop(content)
        if kind == "dict" and _is_pairs(content):
            return {key: _decode(item, unused, where, depth + 1) for key, item in content}
        if kind in ("list", "tuple") and isinstance(content, list):
            items = [_decode(item, unused, where, depth + 1) for item in content]
            return items if kind == "list" else tuple(items)
    raise unexpected(where, "a value, or a tensor that is in the file and here once", shown(value))


def _is_pairs(content: Any) -> bool:
    """Return whether `content` is a list of [key, value] with keys that a dict may have, each once."""
    if not isinstance(content, list):
        return False
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in content):
        return False
    keys = [key for key, _ in content]
    return all(is_key(key) for key in keys) and len(set(keys)) == len(keys)


def is_key(key: Any) -> bool:
    """Return whether a dict may have this key. Longer integers may all have one hash, and a dict of many such takes minutes."""
    return type(key) is str or (type(key) is int and -1 << 63 <= key < 1 << 63)
