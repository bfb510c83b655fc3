"""The reader of IDX files, MNIST's format. Hostile and damaged files end in an IdxError, not a wrong array.

    2 bytes      zero
    1 byte       code of the element type (DTYPES)
    1 byte       number of axes, n
    n × 4 bytes  the shape, big-endian
    the rest     the elements, big-endian, last axis fastest

The whole may be gzipped. A raw IDX file has no checksum: a change of its elements cannot be noticed.
Source: http://yann.lecun.com/exdb/mnist/
"""

import math
import os
import stat
import struct
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

DTYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(np.uint8),
    0x09: np.dtype(np.int8),
    0x0B: np.dtype(np.int16),
    0x0C: np.dtype(np.int32),
    0x0D: np.dtype(np.float32),
    0x0E: np.dtype(np.float64),
}
MAX_AXES = 64  # NumPy's limit
GZIP_MAGIC = b"\x1f\x8b"
GZIP_WBITS = 31  # zlib's code for: a gzip header before and a checksum after
PIECE = 16 * 1024  # bytes; small, as zlib copies the rest of a piece at the end of each member, and a member may have only 20 bytes
SMALL = 64 * 1024**2  # bytes; for a gzip file that claims more, memory is taken only after the claim was seen to be true
GAIN = 100  # a gzip file may claim this many bytes for each byte of its own, and SMALL in any case; digits shrink to 1/5, zeros to 1/1032


class IdxError(ValueError):
    """An IDX file is missing, damaged or not what was expected; the message has the file and both sides."""


def read_idx(path: str | os.PathLike[str], *, dtype: DTypeLike | None = None, shape: Sequence[int | None] | None = None) -> NDArray[Any]:
    """Return the array in the IDX file `path`, gzipped or raw, in the machine's byte order.

    `dtype` and `shape`, where given, are demanded; None in `shape` admits every size: `shape=(None, 28, 28)`. Sizes are checked before
    memory is taken: a raw file's size must be what its header claims; a gzip file that claims more than 64 MB is inflated twice, the
    first time only to see that the claim is true.

    Raises IdxError, and nothing else, for whatever is wrong with the file.
    """
    try:
        size = _file_size(path)
        with open(path, "rb") as file:
            zipped = file.read(2) == GZIP_MAGIC
            file.seek(0)
            stream: BinaryIO | Inflated = Inflated(file) if zipped else file
            found_dtype, found_shape = _read_header(stream)
            _check_expected(found_dtype, found_shape, dtype, shape)
            claim = _check_size(found_dtype, found_shape, size, zipped)
            if zipped and claim > SMALL:
                _read_rest(stream, claim)
                file.seek(0)
                stream = Inflated(file)
                _read_header(stream)
            data = np.empty(claim, np.uint8)
            _read_rest(stream, claim, data)
            array = data.view(found_dtype).reshape(found_shape)
            return array.byteswap(inplace=True) if sys.byteorder == "little" else array
    except IdxError as error:
        raise IdxError(f"{os.fspath(path)}: {error}") from error.__cause__
    except OSError as error:
        raise IdxError(f"{os.fspath(path)}: cannot be read: {error.strerror}") from error


def _file_size(path: str | os.PathLike[str]) -> int:
    """Return the size of a regular file, before it is opened: opening a pipe may wait for ever."""
    if not os.path.lexists(path):
        folder = Path(path).parent
        found = "none" if folder.is_dir() else f"not even the folder {folder}"
        raise IdxError(f"expected an IDX file, gzipped or raw; found {found}")
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        found = "a folder" if stat.S_ISDIR(status.st_mode) else "a device or a pipe"
        raise IdxError(f"expected a file, found {found}")
    return status.st_size


def _read_header(stream: "BinaryIO | Inflated") -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return the element type and the shape that the header names."""
    zeros, code, axes = struct.unpack(">HBB", b"".join(_pieces(stream, 4, "the header")))
    if zeros:
        raise IdxError(f"the first two bytes: expected 0000 (IDX) or 1f8b (gzip), found {zeros:04x}")
    if code not in DTYPES:
        known = ", ".join(f"{code:#04x} ({dtype})" for code, dtype in DTYPES.items())
        raise IdxError(f"the code of the element type: expected one of {known}; found {code:#04x}")
    if not 1 <= axes <= MAX_AXES:
        raise IdxError(f"the number of axes: expected 1 to {MAX_AXES}, found {axes}")
    return DTYPES[code], struct.unpack(f">{axes}I", b"".join(_pieces(stream, 4 * axes, "the header's shape")))


def _check_expected(dtype: np.dtype[Any], shape: tuple[int, ...], expected_dtype: DTypeLike | None,
                    expected_shape: Sequence[int | None] | None) -> None:
    """Raise IdxError if the element type or the shape is not the one that was demanded."""
    if expected_dtype is not None and dtype != np.dtype(expected_dtype):
        raise IdxError(f"element type: expected {np.dtype(expected_dtype)}, found {dtype}")
    if expected_shape is None:
        return
    fits = len(shape) == len(expected_shape) and all(e in (None, n) for e, n in zip(expected_shape, shape))
    if not fits:
        expected = ", ".join("any" if n is None else str(n) for n in expected_shape)
        raise IdxError(f"shape: expected ({expected}), found {shape}")


def _check_size(dtype: np.dtype[Any], shape: tuple[int, ...], size: int, zipped: bool) -> int:
    """Return how many bytes the elements take according to the header; raise if a file of this size cannot hold them."""
    header = 4 + 4 * len(shape)
    claim = math.prod(shape) * dtype.itemsize
    if math.prod(max(n, 1) for n in shape) * dtype.itemsize > sys.maxsize:
        raise IdxError(f"shape: expected one that fits into memory, found {shape}")
    if not zipped and header + claim != size:
        raise IdxError(f"shape {shape} of {dtype}: expected a file of {header + claim:,} bytes, found {size:,}")
    if zipped and claim > (most := max(SMALL, GAIN * size)):
        raise IdxError(f"shape {shape} of {dtype}: expected at most {most:,} bytes in a gzip file of {size:,} bytes, found {claim:,} "
                       "(a gzip bomb?); if the file is right, unpack it with gunzip first")
    return claim


def _read_rest(stream: "BinaryIO | Inflated", size: int, into: NDArray[np.uint8] | None = None) -> None:
    """Read to the end, which must come after `size` bytes; keep them in `into`, if it is given."""
    done = 0
    for piece in _pieces(stream, size, "elements"):
        if into is not None:
            into[done:done + len(piece)] = np.frombuffer(piece, np.uint8)
        done += len(piece)
    if stream.read(1):
        raise IdxError(f"elements: expected {size:,} bytes, found more")


def _pieces(stream: "BinaryIO | Inflated", size: int, what: str) -> Iterator[bytes]:
    """Yield the next `size` bytes of a stream in pieces; raise IdxError if it ends before."""
    done = 0
    while done < size:
        piece = stream.read(min(PIECE, size - done))
        if not piece:
            raise IdxError(f"{what}: expected {size:,} bytes, found {done:,}; the file is truncated")
        yield piece
        done += len(piece)


class Inflated:
    """A stream of the bytes of a gzip file, which are inflated only when they are read.

    The file may have several members, as pigz, bgzip and `cat a.gz b.gz` write. Zero bytes after a member are ignored, as gzip
    ignores them; anything else that is no member is an error.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._inflater = zlib.decompressobj(GZIP_WBITS)
        self._waiting = b""

    def read(self, size: int) -> bytes:
        """Return 1 to `size` of the next bytes, or b"" after the last; raise IdxError for a member that is damaged or cut short."""
        while not self._inflater.eof or self._next_member():
            waiting = self._waiting or self._file.read(PIECE)
            try:
                piece = self._inflater.decompress(waiting, size)
            except zlib.error as error:
                raise IdxError(f"damaged gzip data ({error})") from error
            self._waiting = self._inflater.unconsumed_tail
            if piece:
                return piece
            if not waiting:
                raise IdxError("expected more gzip data, found the end of the file; the file is truncated")
        return b""

    def _next_member(self) -> bool:
        """Begin to read the next member, and return whether there is one before the end of the file."""
        rest = self._inflater.unused_data.lstrip(b"\0")
        while len(rest) < 2 and (more := self._file.read(PIECE)):
            rest = (rest + more).lstrip(b"\0")
        if not rest:
            return False
        if not rest.startswith(GZIP_MAGIC):
            raise IdxError(f"expected the end of the file, zeros or another gzip member after the gzip data, found {rest[:2].hex()}")
        self._inflater = zlib.decompressobj(GZIP_WBITS)
        self._waiting = rest
        return True
