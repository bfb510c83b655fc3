"""PyTorch's own files, read without running what they hold.

`torch.save` writes a zip file with a pickle, data.pkl, and the bytes of each storage, data/0, data/1, …. A pickle is a program for a stack
machine, which may import and call any function. The machine here has only the operations that make tensors, dicts, lists, tuples, numbers
and texts. It imports nothing: the few names that PyTorch writes for these stand for dtypes and for functions below; any other is refused.
"""

import pickletools
import struct
import zipfile
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from minigrad._tensor import Tensor
from minigrad.backend import dtype
from minigrad.backend.dtypes import TENSOR_DTYPES
from minigrad.functions.conversions import TYPE_NAMES
from minigrad.functions.creation import from_numpy
from minigrad.serialization.state import MAX_DEPTH, is_key
from minigrad.serialization.tensor_file import MAX_TENSORS, CheckpointError, PathLike, check_data, is_sizes, shown, unexpected

DAMAGE = (ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError, ValueError, Warning, struct.error,
          zipfile.BadZipFile)  # what reading a damaged file raises; also warnings, where they are errors
PUSHED: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE"), lambda argument: argument),
    "NONE": lambda _: None, "NEWTRUE": lambda _: True, "NEWFALSE": lambda _: False,
    "EMPTY_TUPLE": lambda _: (), "EMPTY_LIST": lambda _: [], "EMPTY_DICT": lambda _: {},
}  # fmt: skip
MARKED = -1
TAKEN = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3, "APPEND": 1, "SETITEM": 2, "REDUCE": 2, "BINPERSID": 1, "BUILD": 1,
         "TUPLE": MARKED, "APPENDS": MARKED, "SETITEMS": MARKED}  # how many values an operation takes; MARKED: those above the mark


class Storage(NamedTuple):
    """The name of a storage in the archive, and its dtype; that of bytes where each tensor tells its own."""

    name: str
    kind: Any


def read(path: PathLike, file: BinaryIO, size: int, placed: Callable[[Tensor], Tensor]) -> Any:
    """Return what `torch.save` stored: dicts, lists, tuples, numbers, texts, None, dtypes, and tensors as `placed` returns each.

    An OrderedDict comes back as a dict, a Parameter as a tensor. Tensors that shared a storage share memory again. Raise CheckpointError
    for a damaged file, and for anything else that is in it, with its name.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            found = PyTorchFile(path, archive, size)
            value = found.run()
    except CheckpointError:
        raise
    except DAMAGE as error:
        raise unexpected(path, "a file that torch.save wrote", shown(str(error)), "it is damaged") from None
    return found.plain(value, placed, 0)


class PyTorchFile:
    """One file of PyTorch, and the machine for its pickle."""

    def __init__(self, path: PathLike, archive: zipfile.ZipFile, size: int) -> None:
        parts, names = archive.infolist(), archive.namelist()
        if len(parts) > MAX_TENSORS or sum(part.file_size for part in parts) > size or any(part.compress_type for part in parts):
            raise unexpected(path, f"at most {MAX_TENSORS:,} parts, not compressed, no larger than the file", f"{len(parts):,} other parts")
        self.path, self.archive, self.arrays = path, archive, dict[tuple[str, Any], Any]()
        self.root = next((name.removesuffix("data.pkl") for name in names if name.endswith("/data.pkl")), "")
        self.pickle = archive.read(self.root + "data.pkl")
        self.left = len(self.pickle)  # the number of values that it may describe: each takes a byte, unless some are repeated
        is_big = self.root + "byteorder" in names and archive.read(self.root + "byteorder") == b"big"
        self.order: Any = ">" if is_big else "<"

    def run(self) -> Any:
        """Return the value that the pickle describes."""
        stack: list[Any] = []
        marks: list[int] = []
        memo: dict[Any, Any] = {}
        pushed = PUSHED | {"GLOBAL": self.known, "BINGET": memo.__getitem__, "LONG_BINGET": memo.__getitem__}
        for operation, argument, _ in pickletools.genops(self.pickle):
            name = operation.name
            if name in pushed:
                stack.append(pushed[name](argument))
            elif name in ("BINPUT", "LONG_BINPUT"):
                memo[argument] = stack[-1]
            elif name == "MARK":
                marks.append(len(stack))
            elif name in TAKEN:
                start = marks.pop() if TAKEN[name] == MARKED else len(stack) - TAKEN[name]
                taken = stack[start:]
                del stack[start:]
                self.act(name, taken, stack)
            elif name not in ("PROTO", "STOP"):
                raise self.refused(f"the pickle operation {name}")
        return stack.pop()

    def act(self, name: str, taken: list[Any], stack: list[Any]) -> None:
        """Carry out a pickle operation with the values that it took from the stack."""
        if name in ("REDUCE", "BINPERSID") and type(taken[-1]) is not tuple:
            raise self.refused(f"arguments in a {type(taken[-1]).__name__}")
        if name.startswith("TUPLE"):
            stack.append(tuple(taken))
        elif name.startswith("APPEND"):
            list.extend(stack[-1], taken)
        elif name.startswith("SETITEM"):
            self.filled(stack[-1], zip(taken[::2], taken[1::2], strict=True))
        elif name == "BINPERSID":
            stack.append(self.storage(*taken[0]))
        elif name == "REDUCE":  # nothing on the stack can be called but the functions that are known
            stack.append(taken[0](self, *taken[1]))
        # BUILD sets attributes of an OrderedDict, in a state dict the versions of its layers, which are not needed

    def known(self, text: str) -> Any:
        """Return what a name stands for; raise CheckpointError if it is not known, whatever it may be."""
        name = text.replace(" ", ".")
        if name not in KNOWN:
            raise self.refused(name)
        return KNOWN[name]

    def refused(self, what: str) -> CheckpointError:
        """Return the error for a part that is not read."""
        return unexpected(self.path, "tensors of minigrad's dtypes, dicts, lists, tuples, numbers and texts alone", what,
                          "nothing of the file was run; save a state_dict()")

    def filled(self, target: dict[Any, Any], pairs: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
        """Put pairs of a key and a value into a dict, and return it."""
        for key, value in pairs:
            if not is_key(key):
                raise unexpected(self.path, "keys that are texts or whole numbers of 64 bits", shown(key))
            dict.__setitem__(target, key, value)
        return target

    def storage(self, tag: str, kind: Any, key: str, location: str, length: int) -> Storage:
        """Return a reference to the storage data/`key`, after its size was checked."""
        name = f"{self.root}data/{key}"
        if self.archive.getinfo(name).file_size != length * kind.itemsize:
            raise unexpected(f"{self.path}: {shown(name)}", f"{length} elements of {kind}", f"{self.archive.getinfo(name).file_size} bytes")
        return Storage(name, kind)

    def elements(self, name: str, kind: Any) -> Any:
        """Return the elements of a storage in a dtype: one array, which its tensors share."""
        if (name, kind) not in self.arrays:
            data: Any = np.frombuffer(bytearray(self.archive.read(name)), np.uint8)
            check_data(f"{self.path}: {shown(name)}", kind.str, data, None)
            self.arrays[name, kind] = data.view(kind.newbyteorder(self.order))
        return self.arrays[name, kind]

    def tensor(self, storage: Storage, offset: int, size: Any, stride: Any, requires_grad: bool, hooks: Any, kind: Any = None) -> Tensor:
        """Return the tensor of this size and stride that begins at an offset in a storage, of `kind` or of the storage's dtype."""
        if not (isinstance(storage, Storage) and type(size) is type(stride) is tuple and is_sizes([offset, *size, *stride])):
            raise self.refused("a tensor without a storage, or with an offset, sizes and strides that are no whole numbers from 0 on")
        elements = self.elements(storage.name, kind or storage.kind)
        needed = 0 if 0 in size else offset + 1 + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        if needed > len(elements):
            raise unexpected(f"{self.path}: a tensor of offset {offset}, size {shown(size)} and stride {shown(stride)}",
                             f"at most {len(elements):,} elements", f"{needed:,}")
        view = np.lib.stride_tricks.as_strided(elements[offset:], size, [step * elements.itemsize for step in stride])
        return from_numpy(view).requires_grad_(requires_grad)

    def plain(self, value: Any, placed: Callable[[Tensor], Tensor], depth: int) -> Any:
        """Return a copy of a value with its tensors placed; raise CheckpointError if it is not plain data, or too much of it."""
        self.left -= 1
        if depth > MAX_DEPTH or self.left < 0:
            raise self.refused(f"more than {MAX_DEPTH} levels, or values without end")
        if isinstance(value, dict):
            return {key: self.plain(item, placed, depth + 1) for key, item in value.items()}
        if type(value) in (list, tuple):
            return type(value)(self.plain(item, placed, depth + 1) for item in value)
        if value is not None and not isinstance(value, (Tensor, str, int, float, dtype)):
            raise self.refused(type(value).__name__)
        return placed(value) if isinstance(value, Tensor) else value


KNOWN: dict[str, Any] = {f"torch.{found}": found for found in TENSOR_DTYPES}
KNOWN |= {f"torch.{name.replace('Tensor', 'Storage')}": dtype(found) for name, found in TYPE_NAMES.items()}
KNOWN |= {
    "torch.storage.UntypedStorage": dtype("uint8"),
    "torch._utils._rebuild_tensor_v2": PyTorchFile.tensor,
    "torch._utils._rebuild_tensor_v3": PyTorchFile.tensor,
    "torch._utils._rebuild_parameter": lambda file, tensor, requires_grad, hooks: tensor.requires_grad_(requires_grad),
    "torch.Size": lambda file, sizes: tuple.__add__((), sizes),  # which takes nothing but a tuple
    "collections.OrderedDict": lambda file, pairs=(): file.filled({}, pairs),
}
