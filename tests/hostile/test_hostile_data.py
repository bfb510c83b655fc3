"""Files and surroundings that were never tried: gzip files of several members, states of many tensors, a package in a zip file."""

import gzip
import tracemalloc

import numpy as np
import pytest
from idx_files import header, idx, same

import minigrad.data.idx
from minigrad.data.idx import IdxError, read_idx

MB = 1024**2
IMAGES = np.arange(60, dtype=np.uint8).reshape(5, 4, 3)
RAW = idx(IMAGES)
EMPTY = gzip.compress(b"")  # bgzip ends a file with such a member


@pytest.fixture
def write(tmp_path):
    def write(content, name="some-idx"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def members(content, size):
    """`content` in gzip members of `size` bytes each."""
    return [gzip.compress(content[i : i + size]) for i in range(0, len(content), size)]


# ---- gzip files of several members


@pytest.mark.parametrize("size", [1, 2, 3, 15, 16, 30, 75, 76])
@pytest.mark.parametrize("piece", [1, 2, 19, 20, 21, 16 * 1024])
def test_a_gzip_file_of_several_members_is_read_whole(write, monkeypatch, size, piece):
    monkeypatch.setattr(minigrad.data.idx, "PIECE", piece)
    assert same(read_idx(write(b"".join(members(RAW, size)))), IMAGES)
    assert same(read_idx(write(EMPTY + EMPTY.join(members(RAW, size)) + EMPTY)), IMAGES)


@pytest.mark.parametrize("zeros", [1, 2, 511, 100_000])
def test_zeros_after_a_gzip_member_are_ignored(write, zeros):
    """Tapes and tar fill up with zeros; Python's gzip skips them between members too."""
    content = bytes(zeros).join([*members(RAW, 40), b""])
    assert gzip.decompress(content) == RAW
    assert same(read_idx(write(content)), IMAGES)


@pytest.mark.parametrize(
    "end, message",
    [
        (b"x", "the end of the file, zeros or another gzip member after the gzip data, found 78"),
        (b"\0\0garbage", "zeros or another gzip member after the gzip data, found 6761"),
        (b"\x1f", "zeros or another gzip member after the gzip data, found 1f"),
        (b"\x1f\x8b", "expected more gzip data, found the end of the file; the file is truncated"),
        (EMPTY[:-1], "expected more gzip data, found the end of the file; the file is truncated"),
        (EMPTY[:-1] + b"x", "damaged gzip data"),
        (gzip.compress(b"y"), "elements: expected 60 bytes, found more"),
        (gzip.compress(RAW), "elements: expected 60 bytes, found more"),
    ],
)
def test_what_is_no_gzip_member_after_the_last_is_an_error(write, end, message):
    for before in (b"", EMPTY, bytes(100)):
        with pytest.raises(IdxError, match=message):
            read_idx(write(gzip.compress(RAW) + before + end))


def test_a_truncated_member_is_an_error(write):
    """Cut anywhere but between two members, where the elements are too few."""
    content = b"".join(members(RAW, 20))
    for length in range(len(content)):
        with pytest.raises(IdxError, match="truncated|found 1f"):
            read_idx(write(content[:length]))


def test_a_bomb_of_many_members_takes_no_memory(write):
    """What a file may claim depends on its size, however many members it has; 100,000 empty ones take no time either."""
    block = gzip.compress(bytes(8 * MB), 9)
    claims_400_mb = gzip.compress(header("uint8", (400 * MB,))) + block * 50
    claims_1000_bytes = gzip.compress(header("uint8", (1000,))) + EMPTY * 100_000 + block * 50
    for content, message in ((claims_400_mb, "a gzip bomb"), (claims_1000_bytes, "expected 1,000 bytes, found more")):
        path = write(content)
        tracemalloc.start()
        try:
            with pytest.raises(IdxError, match=message):
                read_idx(path)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < MB
