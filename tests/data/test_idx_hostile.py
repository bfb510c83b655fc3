"""Thousands of damaged IDX files: each ends in the one error, or holds what is read, and none takes much memory."""

import gzip
import os
import random
import struct
import subprocess
import sys
import textwrap
import time
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest

import minigrad.data.idx
from minigrad.data.idx import IdxError, read_idx
from support.idx_files import CODES, header, idx, parse, same

BUNDLED = Path(minigrad.data.idx.__file__).parent / "bundled"
MUTATIONS = 100_000 if os.environ.get("MINIGRAD_TEST_PROFILE") == "deep" else 10_000
MB = 1024**2


def outcome(path):
    """Return the array, or None for the one error that is allowed, which must name the file."""
    try:
        return read_idx(path)
    except IdxError as error:
        assert str(error).startswith(f"{path}: ")
        return None


# Fuzzing


def mutated(content, rng):
    """Return `content` after one to four changes: a flipped bit, a changed byte, a cut, a repetition, an insertion, an evil size."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4))):
        i = rng.randrange(len(data) + 1) if rng.random() < 0.6 else rng.randrange(min(20, len(data)) + 1)
        j = min(len(data), i + rng.choice((1, 1, 2, 4, 16)))
        kind = rng.randrange(7)
        if kind == 0 and i < len(data):
            data[i] ^= 1 << rng.randrange(8)
        elif kind == 1 and i < len(data):
            data[i] = rng.randrange(256)
        elif kind == 2:
            del data[i:j]
        elif kind == 3:
            data[i:i] = data[i:j]
        elif kind == 4:
            data[i:i] = rng.randbytes(j - i)
        elif kind == 5:
            size = rng.choice((0, 1, 2, 3, 4, 5, 6, 28, 2**16, 2**31 - 1, 2**31, 2**32 - 1))
            at = 4 + 4 * rng.randrange(4)
            data[at : at + 4] = size.to_bytes(4, "big")
        else:
            del data[rng.randrange(len(data) + 1) :]
    return bytes(data)


def honest_arrays():
    rng = np.random.default_rng(1)
    shapes = [(7,), (3, 4), (2, 3, 5), (0, 3), (1, 1, 1, 1), (60,)]
    return [
        np.frombuffer(rng.bytes(int(np.prod(shape)) * np.dtype(name).itemsize), name).reshape(shape)
        for name in CODES
        for shape in shapes
    ]


def zip_variants(content):
    """Return gzip files of one content: stored, fast, best, fixed codes, and one with every field in its header."""
    for level, strategy in ((0, 0), (1, 0), (9, 0), (9, zlib.Z_FIXED)):
        deflater = zlib.compressobj(level, zlib.DEFLATED, 31, 9, strategy)
        yield deflater.compress(content) + deflater.flush()
    plain = gzip.compress(content, mtime=0)
    yield plain[:3] + bytes([4 | 8 | 16]) + plain[4:10] + b"\2\0ab" + b"name\0" + b"comment\0" + plain[10:]


def test_mutated_raw_files_are_refused_or_mean_what_is_read(write):
    """A raw file has no checksum, so a mutated one may be another valid file, which is read as the format says."""
    rng, files = random.Random(11), [idx(array) for array in honest_arrays()]
    accepted = 0
    for _ in range(MUTATIONS // 2):
        content = mutated(rng.choice(files), rng)
        expected, found = parse(content), outcome(write(content))
        assert (found is None) == (expected is None), content.hex()
        assert found is None or same(found, expected), content.hex()
        accepted += found is not None
    assert MUTATIONS // 50 < accepted < MUTATIONS // 2.2  # both outcomes occurred


def test_mutated_gzip_files_are_refused_or_harmless(write):
    """A gzip file has a checksum: whatever was changed in it, the original array is read or none."""
    rng = random.Random(12)
    files = [(array, zipped) for array in honest_arrays() for zipped in zip_variants(idx(array))]
    assert all(same(read_idx(write(zipped)), array) for array, zipped in files)
    accepted = 0
    for _ in range(MUTATIONS // 4):
        array, zipped = rng.choice(files)
        content = mutated(zipped, rng)
        found = outcome(write(content))
        assert found is None or same(found, array), content.hex()
        accepted += found is not None
    assert 0 < accepted < MUTATIONS // 8  # time stamps and names in the gzip header may differ


def test_gzip_files_of_mutated_files_are_refused_or_mean_what_is_read(write):
    rng, files = random.Random(13), [idx(array) for array in honest_arrays()]
    slowest = 0.0
    for _ in range(MUTATIONS // 4):
        content = mutated(rng.choice(files), rng)
        path = write(gzip.compress(content, rng.choice((0, 1, 9))))
        start = time.perf_counter()
        expected, found = parse(content), outcome(path)
        slowest = max(slowest, time.perf_counter() - start)
        assert (found is None) == (expected is None), content.hex()
        assert found is None or same(found, expected), content.hex()
    assert slowest < 10


def test_every_single_bit_of_a_gzip_file(write):
    array = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    zipped = gzip.compress(idx(array), mtime=0)
    for bit in range(8 * len(zipped)):
        flipped = bytearray(zipped)
        flipped[bit // 8] ^= 1 << bit % 8
        found = outcome(write(flipped))
        assert found is None or same(found, array), bit
        # No checksum covers flags, time and system, and the bits that fill up the last deflated byte.
        assert found is None or bit // 8 in (*range(3, 10), len(zipped) - 9), bit


# Memory


@pytest.fixture(scope="module")
def zeros():
    """A deflated block of 1 MB of zeros, which may be repeated and followed by anything."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflater.compress(bytes(MB)) + deflater.flush(zlib.Z_FULL_FLUSH)


def bomb(head, zeros, megabytes):
    """Return a valid gzip file of `head` and megabytes of zeros."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = deflater.compress(head) + deflater.flush(zlib.Z_FULL_FLUSH)
    crc, block = zlib.crc32(head), bytes(MB)
    for _ in range(megabytes):
        crc = zlib.crc32(block, crc)
    trailer = struct.pack("<II", crc, (len(head) + megabytes * MB) % 2**32)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + start + zeros * megabytes + b"\x03\0" + trailer


def peak_of_refusing(path):
    """Return the most memory that Python and NumPy held while the file was refused, in MB."""
    tracemalloc.start()
    try:
        assert outcome(path) is None
        return tracemalloc.get_traced_memory()[1] / MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "shape", [(2**31, 28, 28), (2**31,), (1000,), (60 * MB,), (200 * MB,), (2**32 - 1,) * 3]
)
def test_a_gzip_bomb_of_2_gb_takes_no_memory(write, zeros, shape):
    content = bomb(header("uint8", shape), zeros, 2048)
    assert len(content) < 2.2 * MB
    path = write(content)
    assert peak_of_refusing(path) < 64


def test_the_bomb_is_a_valid_file(write, zeros):
    """A small file made in the same way is read; otherwise the test above would show nothing."""
    assert same(read_idx(write(bomb(header("uint8", (3 * MB,)), zeros, 3))), np.zeros(3 * MB, np.uint8))


def test_a_large_claim_over_few_elements_takes_no_memory(write):
    noise = np.random.default_rng(3).bytes(4 * MB)
    claims_400_mb = gzip.compress(header("uint8", (100 * 4 * MB - 100,)) + noise, 1)
    assert peak_of_refusing(write(claims_400_mb)) < 64
    assert peak_of_refusing(write(header("uint8", (2**31, 28, 28)) + noise)) < 1


def test_the_process_grows_no_more(write, zeros):
    """The process as a whole is measured, since tracemalloc counts neither zlib's memory nor freed memory."""
    paths = [
        write(bomb(header("uint8", (1000,)), zeros, 2048), "bomb"),
        write(bomb(header("uint8", (2**31, 28, 28)), zeros, 2048), "claim"),
        write(bomb(header("uint8", (210 * MB,)), zeros, 20), "short"),
    ]
    program = """
        import resource, sys
        from minigrad.data.idx import IdxError, read_idx

        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        before = peak()
        for path in sys.argv[1:]:
            try:
                read_idx(path)
            except IdxError as error:
                continue
            sys.exit(f"{path} was read")
        print((peak() - before) * (1 if sys.platform == "darwin" else 1024))
    """
    command = [sys.executable, "-c", textwrap.dedent(program), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 64 * MB


def test_reading_mnist_takes_its_own_size_and_little_more():
    tracemalloc.start()
    try:
        images = read_idx(BUNDLED / "train-images-idx3-ubyte.gz")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak - images.nbytes < 8 * MB
