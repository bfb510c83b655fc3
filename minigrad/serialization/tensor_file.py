"""The safetensors format, read and written with a digest over every byte.

    8 bytes    length of the header, little-endian
    header     JSON: {"__metadata__": {text: text}, name: {"dtype", "shape", "data_offsets"}, ...}
    data       the tensors, one after the other, with no gap

Any safetensors reader reads minigrad's files. These have digests in their metadata, which are checked; a file without
digests (the package safetensors writes none) is checked for everything but flipped bits in its data.

The package safetensors itself is not used, so that `save` needs nothing but NumPy, and because it knows no digests. Its version
0.8.0 also accepts a name that stands twice and a bool of 7, and takes 294 MB of memory for a header of 2,000,000 short names.
"""

import contextlib
import hashlib
import io
import json
import math
import os
import reprlib
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from minigrad.serialization.atomic import replace_file

PathLike = str | os.PathLike[str]
FileLike = PathLike | BinaryIO

MAX_HEADER_BYTES = 100_000_000  # the limit of the package safetensors
MAX_TENSORS = 1 << 18  # about as many names and digests as fit into a header of that size
MAX_DIMENSIONS = 64  # the limit of NumPy
MAX_VALUES = 1 << 18  # values that a JSON text may have; Python takes 72 bytes for `{},`
VALUES_OF_A_TENSOR = 32  # how many more it may have for each tensor: in its entry, its digest and its place in the structure
TENSOR_DIGESTS, HEADER_DIGEST = "minigrad.tensor_sha256", "minigrad.header_sha256"
NO_DIGEST = "0" * 64

DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}

_short = reprlib.Repr()
_short.maxlevel, _short.maxlist, _short.maxdict, _short.maxstring, _short.maxlong = 2, 8, 8, 80, 80
shown = _short.repr  # returns a text that is short enough for a message, also for a hostile value


class CheckpointError(ValueError):
    """Raised for a checkpoint that is damaged, or not the expected one; says which file, what was expected and what was found."""


class Entry(NamedTuple):
    """One tensor in the header; `begin` and `end` count bytes from the start of the data."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def unexpected(where: PathLike, expected: object, found: object, hint: str = "") -> CheckpointError:
    """Return a CheckpointError, whose message always has this form."""
    return CheckpointError(f"{where}: expected {expected}, found {found}" + (f"; {hint}" if hint else ""))


def write_tensor_file(file: FileLike, arrays: Mapping[str, Any], metadata: Mapping[str, str]) -> None:
    """Write NumPy arrays by name, and text by name, to a path, which is replaced as a whole, or to a file object where it stands."""
    if len(arrays) > MAX_TENSORS:
        raise ValueError(f"save: expected at most {MAX_TENSORS:,} tensors, found {len(arrays):,}; join small ones with minigrad.cat")
    widest_first = sorted(arrays, key=lambda name: -arrays[name].itemsize)  # keeps every array aligned
    contiguous = {name: _contiguous(name, arrays[name]) for name in widest_first}
    data = {name: array.reshape(-1).view(np.uint8) for name, array in contiguous.items()}
    digests = {name: hashlib.sha256(part).hexdigest() for name, part in data.items()}
    header = _header(contiguous, {**metadata, TENSOR_DIGESTS: json.dumps(digests), HEADER_DIGEST: NO_DIGEST})
    chunks = [len(header).to_bytes(8, "little"), header, *data.values()]
    if isinstance(file, (str, os.PathLike)):
        return replace_file(file, chunks)
    check_is_binary(file, "save")
    for chunk in chunks:
        file.write(chunk)


@contextlib.contextmanager
def opened(file: FileLike) -> Iterator[tuple[PathLike, BinaryIO, int]]:
    """Open a path, or read a file object from where it stands to its end; give its name, a file at its start, and its size in bytes."""
    if isinstance(file, (str, os.PathLike)):
        check_is_file(file)
        with open(file, "rb") as content:
            yield file, content, os.fstat(content.fileno()).st_size
    else:
        check_is_binary(file, "load")
        data = file.read()
        yield str(getattr(file, "name", "the file object")), io.BytesIO(data), len(data)


def read_tensor_file(path: PathLike) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the arrays and the metadata in `path`, as `read_tensors` does."""
    with opened(path) as source:
        return read_tensors(*source)


def read_tensors(path: PathLike, file: BinaryIO, size: int) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the arrays and the metadata in `file`, which has `size` bytes and which messages call `path`, after all of it was checked.

    Sizes are checked before memory is taken, and the values in a header are counted before they are parsed: a damaged file takes no more
    memory than its data, 64 MB, and what a sound header of the same length would take.
    """
    header = _read_header(path, file, size)
    entries, metadata = _parse_header(path, header, size - 8 - len(header))
    digests = _expected_digests(path, header, metadata, list(entries))
    arrays = {}
    for name, entry in entries.items():
        where = f"{path}: tensor {shown(name)}"
        data = _read(where, file, entry.end - entry.begin)
        check_data(where, entry.dtype, data, digests[name] if digests else None)
        arrays[name] = data.view(entry.dtype).reshape(entry.shape)
    return arrays, metadata


def check_is_binary(file: Any, operation: str) -> None:
    """Raise TypeError for what is neither a path nor a file object that was opened for bytes."""
    wanted = {"save": "write", "load": "read"}[operation]
    if isinstance(file, io.TextIOBase) or not hasattr(file, wanted):
        raise TypeError(f"{operation}: expected a path or a file opened with mode '{wanted[0]}b', found {type(file).__name__}")


def check_is_file(path: PathLike) -> None:
    """Raise CheckpointError for a folder, a device, a pipe or a socket. Call it before opening, as opening a pipe waits for ever."""
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        raise unexpected(path, "a file", "a folder" if stat.S_ISDIR(mode) else "a device or pipe")


def _contiguous(name: str, array: Any) -> Any:
    """Return an array in the order of bytes and of elements that the file has; raise TypeError for a dtype that it cannot hold."""
    dtype = array.dtype.newbyteorder("<")
    if dtype.str not in DTYPE_NAMES:
        raise TypeError(f"save: {name!r} has dtype {array.dtype}; expected one of {', '.join(DTYPES)}")
    return np.asarray(array, dtype=dtype, order="C")


def _header(arrays: dict[str, Any], metadata: dict[str, str]) -> bytes:
    """Return the header, padded with spaces so that the data are aligned, and with its own digest."""
    entries: dict[str, Any] = {"__metadata__": metadata}
    begin = 0
    for name, array in arrays.items():
        offsets = [begin, begin + array.nbytes]
        entries[name] = {"dtype": DTYPE_NAMES[array.dtype.str], "shape": array.shape, "data_offsets": offsets}
        begin += array.nbytes
    text = json.dumps(entries, separators=(",", ":"))
    header = (text + " " * (-len(text) % 8)).encode("ascii")
    for found, most, what in ((len(header), MAX_HEADER_BYTES, "bytes"), (_count_values(text), most_values(len(arrays)), "values")):
        if found > most:
            raise ValueError(f"save: names, shapes and what is no tensor take {found:,} {what}, expected at most {most:,}; "
                             "store long lists of numbers as tensors")
    key = f'"{HEADER_DIGEST}":"'
    digest = hashlib.sha256(header).hexdigest()
    return header.replace((key + NO_DIGEST).encode(), (key + digest).encode(), 1)


def _read(where: str, file: BinaryIO, size: int) -> Any:
    """Return the next `size` bytes of a file as an array; raise CheckpointError if there are fewer."""
    data: Any = np.empty(size, np.uint8)
    done = file.readinto(data)  # type: ignore[attr-defined]
    if done < size:
        raise unexpected(where, f"{size} bytes", done, "the file is truncated")
    return data


def _read_header(path: PathLike, file: BinaryIO, size: int) -> bytes:
    """Return the bytes of the header, after its length was checked."""
    if size < 8:
        raise unexpected(path, "at least 8 bytes", size, "the file is truncated")
    length = int.from_bytes(_read(f"{path}: header length", file, 8).tobytes(), "little")
    limit = min(size - 8, MAX_HEADER_BYTES)
    if not 2 <= length <= limit:
        raise unexpected(f"{path}: header length", f"2 to {limit} bytes", length)
    header: bytes = _read(f"{path}: header", file, length).tobytes()
    if header[:1] != b"{":
        raise unexpected(f"{path}: header", "a JSON object", shown(header[:16]))
    return header


def _parse_header(path: PathLike, header: bytes, data_size: int) -> tuple[dict[str, Entry], dict[str, str]]:
    """Return the entries, in the order of their data, and the metadata."""
    tensors = header.count(b'"data_offsets"')
    if tensors > MAX_TENSORS:
        raise unexpected(f"{path}: header", f"at most {MAX_TENSORS:,} tensors", f"{tensors:,}")
    content = parse_json(f"{path}: header", header, most_values(tensors))
    metadata = content.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise unexpected(f"{path}: __metadata__", "texts by name", shown(metadata))
    entries = {name: _parse_entry(f"{path}: tensor {shown(name)}", item) for name, item in content.items()}
    entries = dict(sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)))
    expected = 0
    for name, entry in entries.items():
        if entry.begin != expected:
            raise unexpected(f"{path}: tensor {shown(name)}", f"its data at {expected}", entry.begin)
        expected = entry.end
    if expected != data_size:
        raise unexpected(path, f"{expected} bytes of data", data_size)
    return entries, metadata


def _parse_entry(where: str, item: Any) -> Entry:
    """Return one tensor's entry in the header; raise CheckpointError if its parts are not possible or contradict each other."""
    if not isinstance(item, dict) or set(item) != {"dtype", "shape", "data_offsets"}:
        raise unexpected(where, "dtype, shape and data_offsets", shown(item))
    dtype, shape, offsets = item["dtype"], item["shape"], item["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise unexpected(f"{where}: dtype", f"one of {', '.join(DTYPES)}", shown(dtype))
    if not is_sizes(shape) or len(shape) > MAX_DIMENSIONS:
        raise unexpected(f"{where}: shape", f"at most {MAX_DIMENSIONS} sizes", shown(shape))
    if not is_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise unexpected(f"{where}: data_offsets", "[begin, end]", shown(offsets))
    itemsize = np.dtype(DTYPES[dtype]).itemsize
    if math.prod(size for size in shape if size) * itemsize >= 1 << 63:  # NumPy refuses it, even if empty
        raise unexpected(f"{where}: shape", "less than 2^63 bytes", shown(shape))
    expected, found = math.prod(shape) * itemsize, offsets[1] - offsets[0]
    if expected != found:
        raise unexpected(f"{where}: {dtype} of shape {shape}", f"{expected} bytes", found)
    return Entry(DTYPES[dtype], tuple(shape), offsets[0], offsets[1])


def is_sizes(value: Any) -> bool:
    """Return whether `value` is a list of whole numbers from 0 on that fit into 64 bits."""
    return isinstance(value, list) and all(type(size) is int and 0 <= size < 1 << 63 for size in value)


def _expected_digests(path: PathLike, header: bytes, metadata: dict[str, str], names: list[str]) -> dict[str, str] | None:
    """Return the digest of each tensor, or None for a file that minigrad did not write."""
    if not is_by_minigrad(metadata):
        return None
    for key in (HEADER_DIGEST, TENSOR_DIGESTS):
        if key not in metadata:
            raise unexpected(f"{path}: metadata", repr(key), shown(sorted(metadata)))
    expected = metadata[HEADER_DIGEST]
    without = header.replace(expected.encode("utf-8", "replace"), NO_DIGEST.encode(), 1)
    found = hashlib.sha256(without).hexdigest()
    if found != expected:
        raise unexpected(f"{path}: SHA-256 of the header", shown(expected), found, "it was changed")
    digests = parse_json(f"{path}: {TENSOR_DIGESTS}", metadata[TENSOR_DIGESTS], most_values(len(names)))
    if not isinstance(digests, dict) or set(digests) != set(names):
        raise unexpected(f"{path}: {TENSOR_DIGESTS}", shown(names), shown(digests))
    return digests


def is_by_minigrad(metadata: Mapping[str, str]) -> bool:
    """Return whether a file's metadata say that minigrad wrote it: a single key of its own is enough."""
    return any(key.startswith("minigrad.") for key in metadata)


def check_data(where: str, dtype: str, data: Any, digest: str | None) -> None:
    """Raise CheckpointError if the data of a tensor do not have this digest, or are no booleans where they should be."""
    if digest is not None:
        found = hashlib.sha256(data).hexdigest()
        if found != digest:
            raise unexpected(f"{where}: SHA-256 of its data", shown(digest), found, "it was changed")
    if dtype == DTYPES["BOOL"] and data.size and data.max() > 1:
        raise unexpected(where, "bytes 0 and 1 for BOOL", data.max())


def _count_values(text: str) -> int:
    """Return an upper bound of the values in a JSON text: how many brackets, braces and commas, which come before values, are in it."""
    return sum(text.count(sign) for sign in "[{,")


def most_values(tensors: int) -> int:
    """Return how many values a JSON text about so many tensors may have."""
    return MAX_VALUES + VALUES_OF_A_TENSOR * tensors


def parse_json(where: str, text: str | bytes, most: float = math.inf) -> Any:
    """Return the value of a JSON text. Raise CheckpointError if it is none, may have over `most` values, or repeats a name in an object."""
    def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            name, count = Counter(name for name, _ in pairs).most_common(1)[0]
            raise unexpected(where, "each name once", f"{shown(name)} {count} times")
        return result

    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        if (found := _count_values(text)) > most:
            raise unexpected(where, f"at most {most:,} values", f"{found:,}")
        return json.loads(text, object_pairs_hook=without_duplicates)
    except CheckpointError:
        raise
    except (ValueError, RecursionError) as error:
        raise unexpected(where, "JSON", shown(text), str(error).partition("; use sys")[0]) from None
