"""The IDX reader: what it reads, what it refuses, and its messages."""

import gzip
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import minigrad.data.idx
from minigrad.data.idx import IdxError, read_idx
from support.idx_files import CODES, header, idx, same

BUNDLED = Path(minigrad.data.idx.__file__).parent / "bundled"
MB = 1024**2


# What it reads


@given(
    st.sampled_from(sorted(CODES)).flatmap(
        lambda name: npst.arrays(name, npst.array_shapes(min_dims=1, min_side=0))
    ),
    st.booleans(),
)
def test_every_dtype_and_shape_comes_back(tmp_path_factory, array, zipped):
    path = tmp_path_factory.getbasetemp() / "round-trip"
    path.write_bytes(gzip.compress(idx(array)) if zipped else idx(array))
    found = read_idx(path)
    assert same(found, array) and found.dtype.isnative
    assert found.flags.writeable and found.flags.c_contiguous


@pytest.mark.parametrize("dtype, megabytes", [("uint8", 20), ("int32", 70)])
def test_a_large_array_comes_back(write, dtype, megabytes):
    array = np.resize(
        np.random.default_rng(0).integers(0, 255, 54321).astype(dtype), megabytes * MB // 4 + 321
    )
    assert same(read_idx(write(gzip.compress(idx(array), 1))), array)
    assert same(read_idx(write(idx(array))), array)


@pytest.mark.parametrize(
    "name, digest, shape",
    [
        ("train-images-idx3-ubyte.gz", "6bbc9ace898e44ae57da46a324031adb", (60000, 28, 28)),
        ("train-labels-idx1-ubyte.gz", "a25bea736e30d166cdddb491f175f624", (60000,)),
        ("t10k-images-idx3-ubyte.gz", "2646ac647ad5339dbf082846283269ea", (10000, 28, 28)),
        ("t10k-labels-idx1-ubyte.gz", "27ae3e4e09519cfbb04c329615203637", (10000,)),
    ],
)
def test_the_bundled_files_are_mnist(name, digest, shape):
    found = read_idx(BUNDLED / name, dtype=np.uint8, shape=shape)
    assert hashlib.md5(idx(found)).hexdigest() == digest


# What it refuses, and its messages

HONEST = np.arange(60, dtype=np.uint8).reshape(5, 4, 3)
RAW = idx(HONEST)
ZIPPED = gzip.compress(RAW)

REFUSED = {
    "empty file": (b"", "the header: expected 4 bytes, found 0; the file is truncated"),
    "half a header": (RAW[:6], "the header's shape: expected 12 bytes, found 2; the file is truncated"),
    "not IDX": (b"<!doctype html>", "expected 0000 (IDX) or 1f8b (gzip), found 3c21"),
    "element type": (b"\0\0\x0a" + RAW[3:], "expected one of 0x08 (uint8), 0x09 (int8), "),
    "no axes": (b"\0\0\x08\0\0", "the number of axes: expected 1 to 64, found 0"),
    "too many axes": (b"\0\0\x08\x41" + bytes(4 * 65), "the number of axes: expected 1 to 64, found 65"),
    "truncated": (RAW[:-1], "shape (5, 4, 3) of uint8: expected a file of 76 bytes, found 75"),
    "trailing byte": (RAW + b"\0", "expected a file of 76 bytes, found 77"),
    "2^31 images": (header("uint8", (2**31, 28, 28)), "expected a file of 1,683,627,180,048 bytes, found 16"),
    "more than there is memory": (header("float64", (2**32 - 1,) * 64), "expected one that fits into memory"),
    "nothing, of absurd shape": (
        header("uint8", (0,) + (2**32 - 1,) * 3),
        "expected one that fits into memory",
    ),
    "gzip truncated": (ZIPPED[:-9], "the file is truncated"),
    "gzip without its checksum": (ZIPPED[:-8], "expected more gzip data, found the end of the file"),
    "gzip without its last byte": (ZIPPED[:-1], "expected more gzip data, found the end of the file"),
    "gzip of a truncated file": (
        gzip.compress(RAW[:-1]),
        "elements: expected 60 bytes, found 59; the file is truncated",
    ),
    "gzip of a trailing byte": (gzip.compress(RAW + b"\0"), "elements: expected 60 bytes, found more"),
    "gzip, then a byte": (ZIPPED + b"x", "expected the end of the file, zeros or another gzip member after the gzip data, found 78"),
    "two gzip members": (ZIPPED + ZIPPED, "elements: expected 60 bytes, found more"),
    "half an array, then a damaged member": (
        gzip.compress(RAW[:30]) + gzip.compress(RAW[30:])[:-8] + b"abcdefgh",
        "damaged gzip data (Error -3 while decompressing data: inc",
    ),
    "gzip in gzip": (gzip.compress(ZIPPED), "expected 0000 (IDX) or 1f8b (gzip), found 1f8b"),
    "gzip of nothing": (gzip.compress(b""), "the header: expected 4 bytes, found 0"),
    "gzip magic only": (b"\x1f\x8b", "the file is truncated"),
    "checksum": (
        ZIPPED[:-8] + b"abcd" + ZIPPED[-4:],
        "damaged gzip data (Error -3 while decompressing data: inc",
    ),
    "length": (
        ZIPPED[:-4] + b"abcd",
        "damaged gzip data (Error -3 while decompressing data: incorrect length",
    ),
    "gzip of 2^31 images": (
        gzip.compress(header("uint8", (2**31, 28, 28))),
        "(a gzip bomb?); if the file is right, un",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_damage_is_named(write, kind):
    content, message = REFUSED[kind]
    path = write(content)
    with pytest.raises(IdxError) as caught:
        read_idx(path)
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)


def test_what_is_no_file_is_named(tmp_path):
    os.mkfifo(tmp_path / "pipe")  # opening the pipe would wait for a writer
    for path, message in {
        tmp_path / "no": "expected an IDX file, gzipped or raw; found none",
        tmp_path / "no" / "file": f"found not even the folder {tmp_path / 'no'}",
        tmp_path: "expected a file, found a folder",
        tmp_path / "pipe": "expected a file, found a device or a pipe",
        Path("/dev/zero"): "expected a file, found a device or a pipe",
    }.items():
        with pytest.raises(IdxError) as caught:
            read_idx(path)
        assert str(caught.value) == f"{path}: {message}" or message in str(caught.value)


def test_a_failing_disk_is_an_idx_error(write, monkeypatch):
    path = write(ZIPPED)

    def fail(self, file):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(minigrad.data.idx.Inflated, "__init__", fail)
    with pytest.raises(IdxError, match="cannot be read: Input/output error"):
        read_idx(path)


@pytest.mark.parametrize("piece", [1, 2, 3, 7, len(ZIPPED) - 1, len(ZIPPED), len(ZIPPED) + 1])
def test_the_size_of_the_pieces_makes_no_difference(write, monkeypatch, piece):
    monkeypatch.setattr(minigrad.data.idx, "PIECE", piece)
    assert same(read_idx(write(RAW)), HONEST)
    assert same(read_idx(write(ZIPPED)), HONEST)
    for content, message in {
        ZIPPED[:-1]: "found the end of the file",
        ZIPPED + b"x": "after the gzip data, found 78",
        gzip.compress(RAW + b"\0"): "elements: expected 60 bytes, found more",
    }.items():
        with pytest.raises(IdxError, match=message):
            read_idx(write(content))


@pytest.mark.parametrize("content", [RAW, ZIPPED], ids=["raw", "zipped"])
def test_expectations_are_demanded(write, content):
    path = write(content)
    assert same(read_idx(path, dtype="uint8", shape=(None, 4, 3)), HONEST)
    with pytest.raises(IdxError, match=r"element type: expected float32, found uint8"):
        read_idx(path, dtype=np.float32)
    for shape in [(5, 4), (5, 4, 3, 1), (5, 4, 4), (None, 5, 3)]:
        with pytest.raises(IdxError, match=r"shape: expected \(.*\), found \(5, 4, 3\)"):
            read_idx(path, shape=shape)
